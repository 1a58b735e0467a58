"""The server as a process: one socket, one event loop, a clean end on SIGINT and SIGTERM."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import uvicorn
from starlette.types import ASGIApp

from platform_report_server.app import create_app
from platform_report_server.auth.links import owner_token
from platform_report_server.auth.signing import open_signer
from platform_report_server.auth.tokens import new_token
from platform_report_server.connection import Connection
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.people import has_accounts
from platform_report_server.door import FIRST_OWNER
from platform_report_server.errors import SettingsError
from platform_report_server.mail import MailSettings
from platform_report_server.settings import LOOPBACK_NAMES, S3Url, Settings
from platform_report_server.storage.store import check_bucket
from platform_report_server.workers import run_workers

__all__ = ["Place", "serve", "server_config"]

_GRACE_SECONDS = 10


@dataclass(frozen=True)
class Place:
    """Where a server is reached."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    host_names: frozenset[str] = frozenset()
    """Names by which it is reached beside `host`: those of a proxy in front of it, for one."""
    proxies: str = "127.0.0.1"
    """Addresses of the proxies whose X-Forwarded headers are believed, separated by commas."""
    workers: int = 1
    """Processes that share the socket."""

    @property
    def is_private(self) -> bool:
        """Tell whether this machine alone reaches it."""
        return _is_loopback(self.host) and self.host_names <= LOOPBACK_NAMES

    @property
    def shown(self) -> str:
        """The name to reach it by."""
        if self.host_names:
            return min(self.host_names)
        if self.host in ("0.0.0.0", "::"):  # noqa: S104  what is asked for is not what is shown
            return socket.gethostname()
        return self._own_name

    @property
    def answers_to(self) -> frozenset[str] | None:
        """The names that a request's Host header may carry; None allows every name."""
        if not self.host_names and not self.is_private:
            return None
        return LOOPBACK_NAMES | {name.lower() for name in (self._own_name, *self.host_names)}

    @property
    def _own_name(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def serve(
    settings: Settings, place: Place, on_started: Callable[[str], None], *, makes_first_owner: bool = False
) -> None:
    """Serve until SIGINT or SIGTERM.

    Once requests are answered, `on_started` is called with the address. As long as nobody has an account, the address
    lets one browser in: as the owner of a private place, or, where others reach the server or where that is asked for,
    to become the first owner. Others are served nothing until there is an account.
    """
    if settings.access == "open":
        raise SettingsError("open access is for one process only: use Settings.served for a socket")
    mail = settings.mail or MailSettings.of(os.environ)
    owning = _look(settings)  # what is wrong with the store is told before anything listens
    listening = _listen(place.host, place.port)
    try:
        settings, path = replace(settings, host_names=place.answers_to, mail=mail), "/"
        if owning is not None and (makes_first_owner or not place.is_private):
            settings = replace(settings, waits_for_owner=not place.is_private)
            path = f"{FIRST_OWNER}?token={owning}"
        elif owning is not None:
            settings = replace(settings, link_token=new_token())
            path = f"/?token={settings.link_token}"
        origin = f"http://{place.shown}:{listening.getsockname()[1]}"
        settings = replace(settings, public_url=settings.public_url or origin)

        def work(is_first: bool) -> None:
            config = server_config(create_app(settings), proxies=place.proxies)
            server = _Server(config, lambda: on_started(origin + path) if is_first else None)
            server.run(sockets=[listening])
            if not server.started:
                raise SettingsError("the server could not start; what it wrote above says why")

        if place.workers == 1:
            work(True)
        else:
            run_workers(place.workers, work)
    finally:
        listening.close()


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
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _look(settings: Settings) -> str | None:
    """Open everything once; return what makes the first owner, where nobody has an account."""
    database = open_database(settings.database)
    try:
        signer = open_signer(settings, database)
        if isinstance(settings.artifacts, S3Url):
            check_bucket(settings.artifacts, settings.staging)
        with database.reading() as connection:
            return None if has_accounts(connection) else owner_token(signer)
    finally:
        database.close()


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
