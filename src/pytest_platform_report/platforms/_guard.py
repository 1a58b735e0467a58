"""Cut a connection on which an answer's head comes in too slowly."""

from __future__ import annotations

import _thread
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Guard:
    """Watches the one connection of an HTTP client that sends one request at a time.

    The client's own read timeout begins anew with each byte, so that a trickle of headers would hold it for ever, and
    it has no hook in between: the connection is shut from another thread.

    :ivar has_cut: whether it did so since :meth:`begin`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._watched: _thread.LockType | None = None
        self.has_cut = False

    def begin(self) -> None:
        """Get ready for a request."""
        self.stop()
        self.has_cut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event; httpx calls it as the ``trace`` extension of a request."""
        made: Any = info.get("return_value")
        if hasattr(made, "get_extra_info"):  # a connection, or the same one with TLS or through a proxy
            self._socket = made.get_extra_info("socket")
        if event.endswith(".receive_response_headers.started"):
            self._start()
        elif ".receive_response_headers." in event:
            self.stop()

    def stop(self) -> None:
        """End the watch."""
        if self._watched is not None:
            self._watched.release()
            self._watched = None

    def _start(self) -> None:
        self.stop()
        self._watched = _thread.allocate_lock()
        self._watched.acquire()
        # Not threading's, which waits for a thread to say that it runs: one without memory for that never does.
        _thread.start_new_thread(self._watch, (self._watched,))

    def _watch(self, watched: _thread.LockType) -> None:
        if watched.acquire(timeout=self._seconds):
            return
        self.has_cut = True
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                # Not its own method: a TLS socket's takes the keys away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
