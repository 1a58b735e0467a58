"""The server as a process: one socket, one event loop, a clean end on SIGINT and SIGTERM."""

from __future__ import annotations

import ipaddress
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from platform_report_server.app import create_app
from platform_report_server.connection import Connection
from platform_report_server.db.engine import open_database
from platform_report_server.errors import SettingsError
from platform_report_server.settings import LOOPBACK_NAMES, Settings

__all__ = ["serve", "server_config"]

_GRACE_SECONDS = 10


def serve(settings: Settings, host: str, port: int, on_started: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Port 0 takes a free one.

    Once requests are answered, `on_started` is called with the address, which logs one browser in.
    """
    if settings.access == "open":
        raise SettingsError("open access is for one process only: use Settings.served for a socket")
    open_database(settings.database).close()  # what is wrong with the store is told before anything listens
    listening = _listen(host, port)
    try:
        token = secrets.token_urlsafe(32)
        shown = f"[{host}]" if ":" in host else host
        names = LOOPBACK_NAMES | {shown} if _is_loopback(host) else settings.host_names
        app = create_app(replace(settings, link_token=token, host_names=names))
        bound_port = listening.getsockname()[1]
        server = _Server(
            server_config(app),
            lambda: on_started(f"http://{shown}:{bound_port}/?token={token}"),
        )
        server.run(sockets=[listening])
    finally:
        listening.close()


def server_config(app: ASGIApp, connection: type[Connection] = Connection) -> uvicorn.Config:
    """Return how the app is served."""
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that end the server; do not raise them again as uvicorn does: the end was asked for."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}, port {port}: {error.strerror}; choose another with --port"
        ) from error
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
