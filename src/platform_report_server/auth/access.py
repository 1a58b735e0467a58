"""Who calls: anybody in the process, the holder of an API key, a person in a session, or who came by the link."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.auth.caller import BY_LINK, EVERYTHING, Caller
from platform_report_server.auth.cookies import Cookie
from platform_report_server.auth.keys import Keys
from platform_report_server.auth.signing import Signer
from platform_report_server.auth.tokens import digest
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.people import find_session, roles_in_projects, roles_in_teams
from platform_report_server.db.reader import Reader
from platform_report_server.errors import Forbidden, Unauthorized
from platform_report_server.headers import header
from platform_report_server.settings import Settings

SESSION_SECONDS = 7 * 24 * 3600
CALLER = "platform_report.caller"
"""Where the scope of a request says who calls, once that is known."""
_READING = frozenset({"GET", "HEAD"})


class Access:
    """Finds out who calls."""

    def __init__(self, settings: Settings, signer: Signer, reader: Reader, keys: Keys) -> None:
        self.keys = keys
        self._open = settings.access == "open"
        self._has_link = settings.link_token is not None
        self._signer = signer
        self._reader = reader
        # a link from a chat to a run leads there, not to the login
        self._cookie = Cookie(signer, "platform_report", SESSION_SECONDS, samesite="lax")

    async def caller(self, request: Request) -> Caller:
        """Return who calls, or raise Unauthorized."""
        caller = request.scope[CALLER] = await self._caller(request)
        return caller

    def give_cookie(self, request: Request, response: Response, token: str) -> None:
        """Give the browser the token of its session."""
        self._cookie.give(request, response, token)

    def take_cookie(self, request: Request, response: Response) -> None:
        """Take the token away again."""
        self._cookie.take(request, response)

    def form_token(self, request: Request) -> str:
        """Return what each form of a page carries in a hidden field."""
        return self._signer.sign("form", self._cookie.read(request))

    def check_form(self, request: Request, token: str) -> None:
        """Refuse a form that is not of one of our pages, shown to this browser."""
        session = self._cookie.read(request)
        if request.headers.get("origin") != _origin(request) or not self._signer.holds(token, "form", session):
            raise Forbidden("This form is not of this server, or older than your login: open its page again")

    async def _caller(self, request: Request) -> Caller:
        if self._open:
            return EVERYTHING
        key = header(request.scope, b"x-api-key")
        if key is not None:
            return await self.keys.caller(key)
        token = self._cookie.read(request)
        caller = await self._reader.read(partial(self._in_session, token=token)) if token else None
        if caller is None:
            raise Unauthorized("An API key is needed: send it in the X-API-Key header")
        if request.method not in _READING and request.headers.get("origin", _origin(request)) != _origin(request):
            raise Forbidden("This request comes from a page of another origin")  # one that SameSite lets through
        return caller

    def _in_session(self, connection: Connection, token: str) -> Caller | None:
        session = find_session(connection, digest(token), now_ms())
        if session is None:
            return None
        if session.user_id is None:
            return BY_LINK if self._has_link else None
        user_id: int = session.user_id
        roles, in_teams = roles_in_projects(connection, user_id), roles_in_teams(connection, user_id)
        return Caller(roles, in_teams, f"user:{user_id}", user_id, token)


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"
