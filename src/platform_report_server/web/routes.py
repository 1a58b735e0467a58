"""Every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_report_server.auth.caller import Caller
from platform_report_server.files import File
from platform_report_server.services import Services
from platform_report_server.web import pages
from platform_report_server.web._render import STYLE
from platform_report_server.web.refuse import refuse_page

_Page = Callable[[Request, Services, Caller], Awaitable[Response]]


def web_routes() -> list[Route]:
    """Return the routes of the dashboard."""
    return [
        _route("/", pages.show_runs),
        _route("/runs/{run_id}", pages.show_run),
        _route("/tests/{test_id}", pages.show_test),
        Route("/static/style.css", _style),
    ]


def _route(path: str, handler: _Page) -> Route:
    async def endpoint(request: Request) -> Response:
        services: Services = request.app.state.services
        try:
            token = request.query_params.get("token")
            if token is not None:
                return await _enter(request, services, token)
            return await handler(request, services, await services.access.caller(request))
        except Exception as error:
            return refuse_page(error)

    return Route(path, endpoint)


async def _enter(request: Request, services: Services, token: str) -> Response:
    """Let a browser in, and take the token out of its address."""
    session = await services.entrance.enter_by_link(token)
    response = RedirectResponse(request.url.path, 303)
    services.access.give_cookie(request, response, session)
    return response


async def _style(request: Request) -> Response:
    return File(STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})
