"""A client's connection: how slow its requests may be, and how long their heads."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from platform_report_server.api import answers
from platform_report_server.errors import Invalid

LONGEST_HEAD = 64 * 1024
PATIENCE_SECONDS = 30.0
SLOWEST = 10_000
"""Bytes a second that a request brings on average, once the patience is over."""
_LOOKS = 4


class Connection(HttpToolsProtocol):
    """Speaks HTTP/1.1; ends what trickles, so that slow clients do not take all the sockets there are."""

    patience = PATIENCE_SECONDS
    _look: asyncio.TimerHandle
    _began: float | None  # None between requests
    _came = 0
    _head: int | None = 0  # None in bodies
    _completed = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._began = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, unless they are a head without end."""
        was_head, self._completed = self._head is not None, False
        self._came += len(data)
        super().data_received(data)
        # a chunk with the end of another request says nothing of how long this one's head is
        if was_head and self._head is not None and not self._completed:
            self._head += len(data)
            if self._head > LONGEST_HEAD and not self.transport.is_closing():
                self.send_400_response(f"The head of the request is larger than {LONGEST_HEAD} bytes")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._began, self._came = self.loop.time(), 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Let the head be."""
        self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for nothing more."""
        self._began, self._head, self._completed = None, 0, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP in the API's own shape."""
        content = answers.body(answers.error_answer(Invalid(msg)))
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    def _look_later(self) -> None:
        self._look = self.loop.call_later(self.patience / _LOOKS, self._look_now)

    def _look_now(self) -> None:
        if self._began is not None and self.loop.time() - self._began > self.patience + self._came / SLOWEST:
            self.transport.abort()
            return
        if self._began is None and self._is_forgotten():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        self._look_later()

    def _is_forgotten(self) -> bool:
        # a body that comes after its answer takes the time limit of idle connections away
        return self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None
