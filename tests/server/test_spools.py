"""Long answers: how many there are at a time, and what a slow client does not hold."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.errors import NotFound, RateLimited
from platform_report_server.spools import _MOST, Spools
from server.support import DEADLINE

PIECES = [bytes([number]) * 100_000 for number in range(20)]


def test_room_is_for_so_many(tmp_path: Path) -> None:
    async def ask() -> None:
        spools = Spools(tmp_path)

        async def answer() -> Response:
            return await spools.answer(_request(), (piece for piece in PIECES), {}, "text/plain")

        for _ in range(_MOST):  # what cannot be answered takes no room
            with pytest.raises(NotFound):
                await spools.answer(_request(), _failing([]), {}, "text/plain")
        answers = [await answer() for _ in range(_MOST)]
        with pytest.raises(RateLimited, match="exports are on their way"):
            await answer()
        assert await _sent(answers.pop(), _request()) == b"".join(PIECES)
        answers.append(await answer())
        for each in answers:
            await _sent(each, _request())

    asyncio.run(ask())
    assert list(tmp_path.iterdir()) == []


def test_a_slow_client_holds_no_snapshot(tmp_path: Path) -> None:
    async def ask() -> None:
        closed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def snapshot() -> Generator[bytes, None, None]:
            try:
                yield from PIECES
            finally:
                loop.call_soon_threadsafe(closed.set)

        request = _request((b"accept-encoding", b"gzip"))
        answer = await Spools(tmp_path).answer(request, snapshot(), {}, "text/plain")
        await asyncio.wait_for(closed.wait(), DEADLINE)  # and nothing is sent yet
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(await _sent(answer, request)) == b"".join(PIECES)

    asyncio.run(ask())


def test_what_fails_later_is_no_whole_answer(tmp_path: Path) -> None:
    async def ask() -> None:
        answer = await Spools(tmp_path).answer(_request(), _failing(PIECES), {}, "text/plain")
        with pytest.raises(NotFound):
            await _sent(answer, _request())

    asyncio.run(ask())


def _failing(pieces: list[bytes]) -> Generator[bytes, None, None]:
    yield from pieces
    raise NotFound("It was deleted")


def _request(*headers: tuple[bytes, bytes]) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": list(headers)})


async def _sent(answer: Response, request: Request) -> bytes:
    parts: list[bytes] = []

    async def send(message: Any) -> None:
        parts.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    await answer(request.scope, receive, send)
    return b"".join(parts)
