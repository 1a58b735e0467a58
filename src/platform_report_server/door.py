"""What a server that others reach shows before anybody has an account."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from platform_report_server.api.health import PROBES
from platform_report_server.db.queries.people import has_accounts
from platform_report_server.services import Services

FIRST_OWNER = "/first-owner"
"""The path of the page that makes the first account."""
_OPEN = frozenset({FIRST_OWNER, "/static/style.css", "/static/icon.svg", *PROBES})


class Door:
    """Middleware that lets requests to the page of the first owner through, and all others once there is an account."""

    def __init__(self, app: ASGIApp, *, refuse: ASGIApp) -> None:
        self._app = app
        self._refuse = refuse
        self._is_open = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_open = self._is_open or scope["type"] != "http" or scope["path"] in _OPEN
        if not is_open:
            services: Services = scope["app"].state.services
            is_open = self._is_open = await services.reader.read(has_accounts)
        await (self._app if is_open else self._refuse)(scope, receive, send)
