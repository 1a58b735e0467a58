"""Long answers: written to a file as fast as they can be, sent from there as slowly as the client reads.

What they are read from, a snapshot of the store, does not stay open for as long as a client likes.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from platform_report_server.errors import RateLimited

_AT_ONCE = 2
"""Answers that are written at a time; the others wait for their turn."""
_MOST = 32
"""Answers that are on their way at a time, each with a file of its own."""
_WAIT_SECONDS = 10
_PIECE = 2**18
_PATIENCE_SECONDS = 1.0
"""How long what is there waits for more."""
_LEVEL, _SYNC = 5, zlib.Z_SYNC_FLUSH
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[0-9.]+\s*)?(?:,|$)", re.IGNORECASE)

Pieces = Generator[bytes, None, None]


class Spools:
    """Gives out long answers, some at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turns = anyio.CapacityLimiter(_AT_ONCE)
        self._open = 0

    async def answer(self, request: Request, pieces: Pieces, headers: Mapping[str, str], media_type: str) -> Response:
        """Return an answer of pieces, which are asked for in another thread; what the first one raises is raised."""
        headers = {**headers, "vary": "accept-encoding"}
        is_zipped = _GZIP.search(request.headers.get("accept-encoding", "")) is not None
        if is_zipped:
            headers["content-encoding"] = "gzip"
        if request.method == "HEAD":
            response = Response(headers=headers, media_type=media_type)
            del response.headers["content-length"]
            return response
        if self._open >= _MOST:
            raise RateLimited(f"{_MOST} exports are on their way: try again later", retry_after=_WAIT_SECONDS)
        spool = _Spool(pieces, is_zipped=is_zipped)
        self._open += 1
        try:
            await spool.begin(self._folder, self._turns)
        except BaseException:
            self._open -= 1
            raise
        return _Spooled(spool, self._leave, headers=headers, media_type=media_type)

    def _leave(self) -> None:
        self._open -= 1


class _Spool:
    """A file that is read while it is written."""

    def __init__(self, pieces: Pieces, *, is_zipped: bool) -> None:
        self._pieces = pieces
        self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31) if is_zipped else None
        self._grown = asyncio.Event()
        self._is_over = False
        self._file: Any = None
        self._work: asyncio.Future[None] | None = None

    async def begin(self, folder: Path, turns: anyio.CapacityLimiter) -> None:
        """Begin to write; return when there is something to read."""
        loop = asyncio.get_running_loop()

        def work() -> None:
            self._write(folder, lambda: loop.call_soon_threadsafe(self._grown.set))

        async def take_turn() -> None:
            try:
                await anyio.to_thread.run_sync(work, limiter=turns)
            finally:
                self._grown.set()

        self._work = asyncio.ensure_future(take_turn())
        try:
            await self._grown.wait()
            if self._work.done():
                self._work.result()
        except BaseException:
            await self.close()
            raise

    async def read(self) -> AsyncIterator[bytes]:
        """Give out what is written, as it is written."""
        work, at = self._work, 0
        while work is not None:
            self._grown.clear()
            is_whole = work.done()
            piece = await anyio.to_thread.run_sync(os.pread, self._file.fileno(), _PIECE, at)
            at += len(piece)
            if piece:
                yield piece
            elif is_whole:
                work.result()
                return
            else:
                await self._grown.wait()

    def stop(self) -> None:
        """Write no more: nobody reads it."""
        self._is_over = True

    async def close(self) -> None:
        """Stop writing, and forget what was written."""
        self.stop()
        with anyio.CancelScope(shield=True):
            if self._work is not None:
                await asyncio.gather(self._work, return_exceptions=True)
            if self._file is not None:
                self._file.close()

    def _write(self, folder: Path, tell: Callable[[], object]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        waiting, last = bytearray(), -math.inf
        with closing(self._pieces):
            for piece in self._pieces:
                waiting += piece
                if len(waiting) < _PIECE and time.monotonic() < last + _PATIENCE_SECONDS:
                    continue
                if self._is_over:
                    return
                self._put(waiting if self._zip is None else self._zip.compress(waiting) + self._zip.flush(_SYNC))
                tell()
                waiting, last = bytearray(), time.monotonic()
        self._put(waiting if self._zip is None else self._zip.compress(waiting) + self._zip.flush())

    def _put(self, piece: bytes | bytearray) -> None:
        view = memoryview(piece)
        while view:
            view = view[self._file.write(view) :]


class _Spooled(Response):
    def __init__(self, spool: _Spool, leave: Callable[[], None], **told: Any) -> None:
        super().__init__(**told)
        del self.headers["content-length"]
        self._spool = spool
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is written until it is whole, or the client has gone."""
        watching = asyncio.ensure_future(self._stop_when_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in self._spool.read():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            watching.cancel()
            self._leave()
            await self._spool.close()

    async def _stop_when_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._spool.stop()
