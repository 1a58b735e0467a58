"""Who calls: anybody in the process, the holder of a project's API key, or a browser that was let in by a link."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.auth.signing import Signer
from platform_report_server.clock import now_ms
from platform_report_server.errors import Forbidden, Unauthorized
from platform_report_server.settings import Settings, hash_key

_SESSION_SECONDS = 7 * 24 * 3600
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Caller:
    """Somebody with access; `projects` None means every project."""

    projects: frozenset[str] | None

    def may(self, project: str) -> bool:
        """Tell whether the project is the caller's."""
        return self.projects is None or project in self.projects

    def check(self, project: str) -> None:
        """Refuse a project that is not the caller's."""
        if not self.may(project):
            raise Forbidden("This API key does not belong to that project", field="projectId", reason="not yours")


class Access:
    """Finds out who calls."""

    def __init__(self, settings: Settings, signer: Signer) -> None:
        self._open = settings.access == "open"
        self._hashes: Mapping[str, str] = settings.key_hashes
        self._link_token = settings.link_token
        self._signer = signer
        self._lock = threading.Lock()
        # a host's ports share their cookies: two servers side by side must not log each other's browsers out
        self._cookie = "platform_report_" + signer.sign("cookie name")[:8]

    def caller(self, request: Request) -> Caller:
        """Return who calls, or raise Unauthorized."""
        if self._open:
            return Caller(None)
        key = request.headers.get("x-api-key")
        if key is not None:
            return Caller(frozenset({self._project_of(key)}))
        if self._in_session(request):
            _refuse_other_origins(request)
            return Caller(None)
        raise Unauthorized("An API key is needed: send it in the X-API-Key header")

    def use_link(self, token: str) -> bool:
        """Tell whether this is the link's token, which counts once."""
        with self._lock:
            expected = self._link_token
            if expected is None or not hmac.compare_digest(token.encode("utf-8", "replace"), expected.encode()):
                return False
            self._link_token = None
            return True

    def begin_session(self, request: Request, response: Response) -> None:
        """Give the browser its cookie."""
        expires = now_ms() // 1000 + _SESSION_SECONDS
        response.set_cookie(
            self._cookie,
            f"{expires}.{self._signer.sign('session', expires)}",
            max_age=_SESSION_SECONDS,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def _project_of(self, key: str) -> str:
        presented, project = hash_key(key), None
        for known, owner in self._hashes.items():
            if hmac.compare_digest(known, presented):
                project = owner
        if project is None:
            raise Unauthorized("This API key is not known here")
        return project

    def _in_session(self, request: Request) -> bool:
        expires, _, signature = request.cookies.get(self._cookie, "").partition(".")
        if not (expires.isascii() and expires.isdigit() and self._signer.holds(signature, "session", expires)):
            return False
        return int(expires) > now_ms() // 1000


def _refuse_other_origins(request: Request) -> None:
    # SameSite lets pages of the host's other ports through
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.method not in _READING and request.headers.get("origin", own) != own:
        raise Forbidden("This request comes from a page of another origin")
