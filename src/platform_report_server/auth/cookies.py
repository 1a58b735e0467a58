"""Cookies that nobody but the server reads."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.auth.signing import Signer


class Cookie:
    """A cookie of this server alone; over https, it is kept for https."""

    def __init__(self, signer: Signer, name: str, seconds: int, samesite: Literal["lax", "strict"]) -> None:
        # a host's ports share their cookies: two servers side by side must not take each other's away
        self._name = f"{name}_{signer.sign('cookie name')[:8]}"
        self._seconds = seconds
        self._samesite = samesite

    def read(self, request: Request) -> str:
        """Return what the browser has sent; empty where it has none."""
        return request.cookies.get(self._name_for(request), "")

    def give(self, request: Request, response: Response, value: str) -> None:
        """Give it to the browser."""
        response.set_cookie(
            self._name_for(request),
            value,
            max_age=self._seconds,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite=self._samesite,
        )

    def take(self, request: Request, response: Response) -> None:
        """Take it away again."""
        response.delete_cookie(
            self._name_for(request), secure=request.url.scheme == "https", httponly=True, samesite=self._samesite
        )

    def _name_for(self, request: Request) -> str:
        return f"__Host-{self._name}" if request.url.scheme == "https" else self._name
