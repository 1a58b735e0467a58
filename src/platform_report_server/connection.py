"""A client's connection: how slowly it may send and take, how long heads may be, and which request is its last."""

from __future__ import annotations

import asyncio
import select
import struct
import sys
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import cast

from starlette.types import Scope

from platform_report_server import streams
from platform_report_server.api import answers
from platform_report_server.errors import Invalid
from platform_report_server.quick import CLOSE, QuickRequests

LONGEST_HEAD = 64 * 1024
PATIENCE_SECONDS = 30.0
SLOWEST = 10_000
"""Bytes a second that a client has to send, or to take, once the patience is over."""
_LOOKS = 4
_LEAVE_SECONDS = 5
"""Clients that keep an idle connection for longer have been told meanwhile to go elsewhere."""


class Connection(QuickRequests):
    """Speaks HTTP/1.1; ends what trickles, so that slow clients do not take all the sockets there are."""

    patience = PATIENCE_SECONDS
    _look: asyncio.TimerHandle
    _began: float | None  # None between requests
    _came = 0
    _head: int | None = 0  # None in bodies
    _completed = False
    _left: int | None = None  # to be taken by the client, as was found last; None as long as it keeps up
    _waited = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._began = self.loop.time()
        self._look_later()
        if self._is_leaving:
            self.shutdown()

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
        if self._is_leaving:
            self._answer_last()

    def shutdown(self) -> None:
        """End with the answer that is under way, or with the next one; end what would go on for ever."""
        self.let_go()
        if not self._is_leaving:
            super().shutdown()
        else:
            self._leave()
        if not self._is_answered:
            streams.stop(cast("Scope", self.cycle.scope))

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle, unless the next request has come meanwhile."""
        if not _has_more(self.transport):
            super().timeout_keep_alive_handler()

    def pause_writing(self) -> None:
        """Look from now on at how fast the client takes what is written."""
        super().pause_writing()
        self._left = self._untaken()

    def resume_writing(self) -> None:
        """Let more be written."""
        self._note_taken()
        self._left = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP in the API's own shape."""
        content = answers.body(answers.error_answer(Invalid(msg)))
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)
        self.transport.close()

    @property
    def _is_leaving(self) -> bool:
        return bool(self.app_state.get("is_leaving"))

    @property
    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _leave(self) -> None:
        self.timeout_keep_alive = _LEAVE_SECONDS
        if self._head == 0 and self._is_answered:
            self._unset_keepalive_if_required()
            self._wait_for_the_next()
        elif self._head == 0:
            self._answer_last()

    def _answer_last(self) -> None:
        streams.stop(cast("Scope", self.cycle.scope))
        # whoever was not told to close sends more, and so does whoever is answered before all was sent
        if self.cycle.keep_alive and not self.cycle.response_started:
            self.cycle.keep_alive = False
            self.cycle.default_headers = [*self.cycle.default_headers, CLOSE]  # uvicorn 0.30 does not say it

    def _look_later(self) -> None:
        self._look = self.loop.call_later(self.patience / _LOOKS, self._look_now)

    def _look_now(self) -> None:
        if self._began is not None and self.loop.time() - self._began > self.patience + self._came / SLOWEST:
            self.transport.abort()
            return
        if self._left is None and self.transport.is_closing():
            self._left = self._untaken()  # what is written last waits for the client, too
        if self._left is None:
            self._waited = 0.0
        elif self._is_taken_too_slowly():
            self._drop()
            return
        if self._began is None and self._is_forgotten():
            self._wait_for_the_next()
        self._look_later()

    def _wait_for_the_next(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _is_taken_too_slowly(self) -> bool:
        self._waited += self.patience / _LOOKS
        self._note_taken()
        return self._waited > self.patience

    def _drop(self) -> None:
        # the system would go on sending what it has of the answer, for hours
        socket = self.transport.get_extra_info("socket")
        socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _note_taken(self) -> None:
        if self._left is not None:
            before, self._left = self._left, self._untaken()
            self._waited = max(0.0, self._waited - max(0, before - self._left) / SLOWEST)

    def _untaken(self) -> int:
        """Return the bytes that the client has not taken yet, those in the system's buffers among them."""
        waiting = self.transport.get_write_buffer_size()
        if sys.platform == "linux":
            import fcntl
            import termios

            # megabytes go there at once: without them a slow client seems to take nothing for minutes
            with suppress(OSError, ValueError):
                told = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
                waiting += int.from_bytes(told, sys.byteorder)
        return waiting

    def _is_forgotten(self) -> bool:
        # a body that comes after its answer takes the time limit of idle connections away
        return self.cycle is not None and self.cycle.response_complete and self.timeout_keep_alive_task is None


def _has_more(transport: asyncio.Transport) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return False
    waiting = select.poll()
    waiting.register(transport.get_extra_info("socket"), select.POLLIN)
    return bool(waiting.poll(0))
