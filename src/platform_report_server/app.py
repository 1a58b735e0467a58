"""The application: the one place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, nullcontext

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from platform_report_server.access_log import AccessLog
from platform_report_server.api import answers, limited
from platform_report_server.api.docs import docs_routes
from platform_report_server.api.health import PROBES, health_routes
from platform_report_server.api.routes import api_routes
from platform_report_server.api.shortcut import Shortcut
from platform_report_server.auth.guard import Guard
from platform_report_server.door import Door
from platform_report_server.errors import Forbidden, NotFound, Unauthorized
from platform_report_server.hatch import HATCH, Hatch
from platform_report_server.services import open_services
from platform_report_server.settings import Settings
from platform_report_server.viewer.files import Viewer
from platform_report_server.viewer.place import host_of
from platform_report_server.viewer.site import TraceSite
from platform_report_server.watch import Watch

__all__ = ["create_app"]


def create_app(settings: Settings) -> Starlette:
    """Return the application; its lifespan opens and closes the store."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Hatch]]:
        with nullcontext() if log is None else closing(log):
            async with open_services(settings) as services:
                app.state.services = services
                yield {} if settings.access == "open" else {HATCH: Hatch(services, operations, log, others)}

    log = None if settings.access_log is None else AccessLog(settings.access_log)
    operations = api_routes()
    routes: list[Route] = [*operations, *docs_routes(), *_for_people(settings)]
    viewing, names = _viewing(settings), settings.host_names
    others = {host_of(settings)} if viewing else set()
    if names is not None:
        names |= others
    guard = Middleware(Guard, host_names=names, probes=PROBES, refuse=_foreign_host)
    app = Starlette(
        routes=routes,
        middleware=[
            *_watching(settings, routes, log),
            guard,
            *viewing,  # before all that is ours
            *_closing(settings),
            Middleware(Shortcut, routes=operations),
        ],
        exception_handlers={HTTPException: _refuse_http, Exception: _refuse_any},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _for_people(settings: Settings) -> list[Route]:
    """Return what is there for browsers, and for those who watch over a server."""
    if settings.access == "open":  # none of them gets there, and what draws pages takes its time to import
        return []
    from platform_report_server.web.routes import web_routes

    return [*web_routes(), *health_routes()]


def _watching(settings: Settings, routes: list[Route], log: AccessLog | None) -> list[Middleware]:
    if settings.access == "open":
        return []
    named = {route.endpoint: route.path for route in routes}
    return [Middleware(Watch, routes={**named, TraceSite: "(trace viewer)"}, log=log)]


def _viewing(settings: Settings) -> list[Middleware]:
    if settings.access == "open" or settings.viewer_files is None:
        return []
    return [Middleware(TraceSite, settings=settings, viewer=Viewer.load(settings.viewer_files))]


def _closing(settings: Settings) -> list[Middleware]:
    return [Middleware(Door, refuse=_nobody_yet)] if settings.waits_for_owner else []


async def _refuse_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404 and "text/html" in request.headers.get("accept", "") and not _is_api(request):
        from platform_report_server.web.refuse import refuse_page

        return refuse_page(NotFound("There is no such page"))
    response = await _refuse(request, answers.http_error(request, error))
    response.headers.update(error.headers or {})
    return response


async def _refuse_any(request: Request, error: Exception) -> Response:
    """Answer for what fails outside every handler: while a file is sent, for one."""
    return await _refuse(request, error)


async def _refuse(request: Request, error: Exception) -> Response:
    return await limited.refuse(request, error) if _is_api(request) else answers.refuse(error)


def _is_api(request: Request) -> bool:
    return f"{request.url.path}/".startswith("/api/")


async def _foreign_host(scope: Scope, receive: Receive, send: Send) -> None:
    error = Forbidden("This server answers to its own names only; the Host header names another")
    response = await _refuse(Request(scope), error)
    await response(scope, receive, send)


async def _nobody_yet(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    error = Unauthorized(
        "Nobody has an account here yet: the link that 'platform-report serve' printed makes the first"
    )
    if "text/html" in request.headers.get("accept", "") and not _is_api(request):
        from platform_report_server.web.refuse import refuse_page

        response = refuse_page(error)
    else:
        response = await _refuse(request, error)
    await response(scope, receive, send)
