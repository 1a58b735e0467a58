"""A balancer: passes connections on to those servers that say of themselves that they are ready."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from server.support import DEADLINE

CHECK_SECONDS = 0.05
_CHUNK = 65536


class Balancer:
    """Knows its servers by their addresses."""

    def __init__(self, servers: list[str]) -> None:
        self.url = ""
        self._places = [(parts.hostname, parts.port) for parts in map(urlsplit, servers)]
        self._turns = itertools.count()
        self._ready: set[int] = set()
        self._changed = threading.Condition()

    def wait_until(self, number: int, *, is_ready: bool) -> None:
        """Wait for what a server says."""
        with self._changed:
            assert self._changed.wait_for(lambda: (number in self._ready) == is_ready, DEADLINE)

    async def run(self, up: threading.Event) -> None:
        """Pass on what comes."""
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        listening = await asyncio.start_server(self._pass_on, "127.0.0.1")
        self.url = "http://{}:{}".format(*listening.sockets[0].getsockname())
        watching = [asyncio.ensure_future(self._watch(number)) for number in range(len(self._places))]
        up.set()
        await self._end.wait()
        listening.close()
        for task in watching:
            task.cancel()

    def end(self) -> None:
        """Pass on nothing more."""
        self._loop.call_soon_threadsafe(self._end.set)

    async def _watch(self, number: int) -> None:
        while True:
            is_ready = await self._asks(number)
            with self._changed:
                (self._ready.add if is_ready else self._ready.discard)(number)
                self._changed.notify_all()
            await asyncio.sleep(CHECK_SECONDS)

    async def _asks(self, number: int) -> bool:
        try:
            reader, writer = await asyncio.open_connection(*self._places[number])
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            status = (await reader.read()).partition(b"\r\n")[0]
            writer.close()
        except OSError:
            return False
        return status.startswith(b"HTTP/1.1 200")

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server = await self._connect()
        if server is None:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pump(reader, server[1]), _pump(server[0], writer))
        except OSError:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        turn = next(self._turns)
        for number in sorted(self._ready, key=lambda number: (number + turn) % len(self._places)):
            try:
                return await asyncio.open_connection(*self._places[number])
            except OSError:  # it may have gone since it was asked
                continue
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextmanager
def balancing(servers: list[str]) -> Iterator[Balancer]:
    """Run one, from a thread."""
    balancer, up = Balancer(servers), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(balancer.run(up)), daemon=True)
    thread.start()
    try:
        assert up.wait(DEADLINE)
        yield balancer
    finally:
        balancer.end()
        thread.join(DEADLINE)
