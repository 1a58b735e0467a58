"""The writing end of a connection, which sends the head of an answer together with what follows at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

_HEAD = b"HTTP/1.1 "

if TYPE_CHECKING:
    _Transport = asyncio.Transport
else:
    _Transport = object


class WholeAnswers(_Transport):
    """A transport over another one; two small writes cost a connection twice what one costs."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: Any) -> None:
        """Write; a head waits for its body, for as long as the event loop is at it."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head + data)
        elif data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def is_closing(self) -> bool:
        """Tell whether nothing more can be written; it is asked of every answer."""
        return self._transport.is_closing()

    def write_whole(self, data: bytes) -> None:
        """Write a head with its body."""
        self._flush()
        self._transport.write(data)

    def close(self) -> None:
        """Close, once all is written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        head, self._head = self._head, None
        if head is not None and not self._transport.is_closing():
            self._transport.write(head)
