"""Every page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platform_report_server.auth.access import Caller
from platform_report_server.errors import Unauthorized
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
                return _enter(request, services, token)
            return await handler(request, services, services.access.caller(request))
        except Exception as error:
            return refuse_page(error)

    return Route(path, endpoint)


def _enter(request: Request, services: Services, token: str) -> Response:
    """Let a browser in, and take the token out of its address."""
    if not services.access.use_link(token):
        raise Unauthorized("This link was used before, or belongs to another start of the server")
    response = RedirectResponse(request.url.path, 303)
    services.access.begin_session(request, response)
    return response


async def _style(request: Request) -> Response:
    return File(STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})
