"""The application: the one place where the parts are put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from platform_report_server.api import answers
from platform_report_server.api.docs import docs_routes
from platform_report_server.api.routes import api_routes
from platform_report_server.auth.guard import Guard
from platform_report_server.errors import Forbidden, NotFound
from platform_report_server.services import open_services
from platform_report_server.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings) -> Starlette:
    """Return the application; its lifespan opens and closes the store."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(settings) as services:
            app.state.services = services
            yield

    app = Starlette(
        routes=[*api_routes(), *docs_routes(), *_pages(settings)],
        middleware=[Middleware(Guard, host_names=settings.host_names, refuse=_foreign_host)],
        exception_handlers={HTTPException: _refuse_http, Exception: _refuse_any},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


def _pages(settings: Settings) -> list[Route]:
    if settings.access == "open":  # no browser gets there, and what draws pages takes its time to import
        return []
    from platform_report_server.web.routes import web_routes

    return web_routes()


async def _refuse_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404 and "text/html" in request.headers.get("accept", "") and not _is_api(request):
        from platform_report_server.web.refuse import refuse_page

        return refuse_page(NotFound("There is no such page"))
    return answers.refuse_http(request, error)


async def _refuse_any(request: Request, error: Exception) -> Response:
    """Answer for what fails outside every handler: while a file is sent, for one."""
    return answers.refuse(error)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")


async def _foreign_host(scope: Scope, receive: Receive, send: Send) -> None:
    error = Forbidden("This server answers to its own names only; the Host header names another")
    await answers.refuse(error)(scope, receive, send)
