"""Answers that go on until the client leaves or the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_STOP = "platform_report.stop"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}  # the second is for nginx
_LAST_SECONDS = 1.0


class EventStream(Response):
    """Server-sent events as they come, each its fields or a comment; `on_end` is called in any case."""

    def __init__(self, events: AsyncIterator[str], on_end: Callable[[], None]) -> None:
        super().__init__(None, 200, _HEADERS, "text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events, each once those before are on their way."""
        stopped = scope.setdefault(_STOP, asyncio.Event())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._until_an_end(stopped, receive, send)
        finally:
            self._on_end()
        with anyio.move_on_after(_LAST_SECONDS):
            await send({"type": "http.response.body", "body": b""})

    async def _until_an_end(self, stopped: asyncio.Event, receive: Receive, send: Send) -> None:
        tasks = [asyncio.ensure_future(each) for each in (self._send(send), stopped.wait(), _disconnect(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            failed, *_ = await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(failed, Exception):
            raise failed

    async def _send(self, send: Send) -> None:
        async for event in self._events:
            await send({"type": "http.response.body", "body": f"{event}\n\n".encode(), "more_body": True})


def stop(scope: Scope) -> None:
    """End the stream that answers a request, or that is about to: the server stops."""
    scope.setdefault(_STOP, asyncio.Event()).set()


def is_stream(scope: Scope) -> bool:
    """Tell whether a stream has answered a request."""
    return _STOP in scope


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
