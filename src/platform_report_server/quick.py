"""Requests that are held back until they are whole, and then go through the hatch, if they may.

uvicorn takes a task, a dozen objects and two calls of the application for each request, whatever it asks for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from platform_report_server.hatch import HATCH, Hatch, Headers
from platform_report_server.whole import WholeAnswers

CLOSE = (b"connection", b"close")


class QuickRequests(HttpToolsProtocol):
    """Passes requests through the hatch that the application has; lets the others go the ordinary way."""

    transport: WholeAnswers
    _hatch: Hatch | None = None
    _quick: QuickCycle
    _named: dict[bytes, bytes] | None = None  # the headers of the request that is held back
    _body = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look for a hatch."""
        super().connection_made(transport)
        self.transport = WholeAnswers(transport, self.loop)
        self._hatch = self.app_state.get(HATCH)
        self._quick = QuickCycle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the application know of a request that breaks off."""
        self.let_go()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin with what every request needs."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Hold a request back if the hatch may take it."""
        if self._hatch is not None and self._hatch.is_for(self.url) and self._is_usual():
            named = dict(reversed(self.headers))
            if self._hatch.may_take(self.parser.get_method(), named):
                self._named, self._body = named, b""
                return
        self._enter()

    def on_body(self, body: bytes) -> None:
        """Hold a part of a request back."""
        if self._named is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        """Pass a request through the hatch, or on to the application."""
        if self._named is not None and self._hatch is not None:
            if self._hatch.take(self._named, self._body, self._quick.answer):
                self._named = None
                self._quick.begin()
                return
            self.let_go()
        super().on_message_complete()

    def let_go(self) -> None:
        """Let what was held back go the ordinary way."""
        if self._named is not None:
            self._named = None
            self._enter()
            super().on_body(self._body)

    def _enter(self) -> None:
        """Begin with what the application needs, too."""
        url, headers, is_expecting = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, is_expecting
        self.headers += headers
        super().on_headers_complete()

    def _is_usual(self) -> bool:
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.app_state.get("is_leaving")
            and self.parser.should_keep_alive()
            and self.parser.get_http_version() == "1.1"
        )


class QuickCycle(RequestResponseCycle):
    """Stands for the request at the hatch where uvicorn looks for the one that it answers."""

    def __init__(self, connection: QuickRequests) -> None:
        self.connection = connection
        self.message_event = asyncio.Event()
        self.scope: Any = {}
        self.disconnected = False

    def begin(self) -> None:
        """Wait for an answer."""
        self.response_started = self.response_complete = False
        self.keep_alive = True
        self.default_headers = self.connection.server_state.default_headers
        self.connection.cycle = self

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer, as uvicorn does."""
        transport = self.connection.transport
        if self.disconnected or transport.is_closing():
            return
        lines = [STATUS_LINE[status]]
        for name, value in (*self.default_headers, *headers):
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive and CLOSE not in self.default_headers:
            lines.append(b"connection: close\r\n")
        transport.write_whole(b"".join((*lines, b"\r\n", body)))
        self.response_started = self.response_complete = True
        if not self.keep_alive:
            transport.close()
        self.connection.on_response_complete()
