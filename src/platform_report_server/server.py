"""A server on a socket: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from platform_report_server.connection import Connection

_GRACE_SECONDS = 10
_IDLE_SECONDS = 75
"""Balancers keep an idle connection for a minute, and would send a request into one that is being closed."""
_TURNS = 3


class Server(uvicorn.Server):
    """Ends at SIGINT or SIGTERM, once it answered what is under way.

    With time to drain, SIGTERM first has it called not ready, while everything is answered as before. A worker that is
    replaced ends at SIGHUP. In both cases somebody else takes requests, so no connection is closed that one might be on
    its way on: the answers say which is the last.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None],
        *,
        drain_seconds: float = 0,
        is_worker: bool = False,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._drain_seconds = drain_seconds
        self._numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if is_worker else [])]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: int | None = None
        self._leaves_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._on_started()

    async def on_tick(self, counter: int) -> bool:
        """Tell whether it is time to let nobody in any more."""
        if not await super().on_tick(counter):
            return False
        if not self._is_patient:
            return True
        if self._leaves_at is None:
            self._leaves_at = time.monotonic() + self._begin_to_leave()
        return time.monotonic() >= self._leaves_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in, and end with the last connection."""
        loop = asyncio.get_running_loop()
        await _take_turns()  # who is at the door comes in
        for listening in sockets or ():
            loop.remove_reader(listening)
        await _take_turns()  # asyncio resets those that it has let in, and not yet handed over
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second SIGTERM ends the draining, SIGINT makes it quick, and a second one quicker."""
        if not self.should_exit:
            self._told = sig
        elif sig == signal.SIGTERM and self._leaves_at is not None:
            self._leaves_at = 0
        elif sig == signal.SIGINT != self._told:
            self._told = sig
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._hurry)
            return
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end the server; do not raise them again as uvicorn does: the end was asked for."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in self._numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @property
    def _is_patient(self) -> bool:
        return self._told not in (None, signal.SIGINT) and (self._told != signal.SIGTERM or self._drain_seconds > 0)

    def _begin_to_leave(self) -> float:
        """Have each answer be the last of its connection; return for how long more are taken in."""
        is_draining = self._told == signal.SIGTERM
        self.lifespan.state.update(is_leaving=True, is_draining=is_draining)
        for connection in list(self.server_state.connections):
            connection.shutdown()
        return self._drain_seconds if is_draining else 0

    def _hurry(self) -> None:
        self.lifespan.state.update(is_leaving=False)
        for connection in list(self.server_state.connections):
            connection.shutdown()


def server_config(
    app: ASGIApp, connection: type[Connection] = Connection, *, proxies: str = "127.0.0.1"
) -> uvicorn.Config:
    """Return how the app is served."""
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


async def _take_turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
