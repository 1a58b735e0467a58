"""The way to routes whose paths have no parameters: a router tries one pattern after another."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from platform_report_server.api._operation import ApiRoute


class Shortcut:
    """Middleware; what it does not know goes on to the router."""

    def __init__(self, app: ASGIApp, *, routes: Iterable[ApiRoute]) -> None:
        self._app = app
        self._routes = {route.path: route for route in routes if not route.param_convertors}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get(scope["path"]) if scope["type"] == "http" and not scope.get("root_path") else None
        if route is None or scope["method"] not in route.operations:
            await self._app(scope, receive, send)
            return
        scope["endpoint"], scope["path_params"] = route.endpoint, {}
        response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)
