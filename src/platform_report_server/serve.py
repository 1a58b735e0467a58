"""The server as a process, or several: on one socket, which others reach or not."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from platform_report_server.app import create_app
from platform_report_server.auth.links import entry_token, owner_token
from platform_report_server.auth.signing import Signer, open_signer
from platform_report_server.auth.tokens import new_token
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.people import has_accounts
from platform_report_server.door import FIRST_OWNER
from platform_report_server.errors import SettingsError
from platform_report_server.mail import MailSettings
from platform_report_server.server import Server, server_config
from platform_report_server.settings import LOOPBACK_NAMES, S3Url, Settings
from platform_report_server.storage.store import check_bucket
from platform_report_server.viewer.place import with_viewer
from platform_report_server.workers import Seat, run_workers

__all__ = ["Place", "entry_query", "serve"]


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
    drain_seconds: float = 0
    """How long everything is answered after SIGTERM, while the server is not ready."""

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
    owning = _look(settings)  # what is wrong with the store is told before anything listens
    settings = replace(settings, host_names=place.answers_to, mail=settings.mail or MailSettings.of(os.environ))
    settings = with_viewer(settings, place.shown, place.host_names)
    path = "/"
    if owning is not None and (makes_first_owner or place.workers > 1 or not place.is_private):
        settings = replace(settings, waits_for_owner=not place.is_private)
        path = f"{FIRST_OWNER}?token={owning}"
    elif owning is not None:  # of which one process knows that it was used
        settings = replace(settings, link_token=new_token())
        path = f"/?token={settings.link_token}"
    seat = Seat.take()
    if seat is not None:
        _run(settings, place, seat.listening, lambda _: seat.tell_up(), is_worker=True)
        return
    listening = _listen(place.host, place.port)
    try:
        if place.workers > 1:
            run_workers(place.workers, listening, lambda: on_started(_origin(place, listening) + path))
        else:
            _run(settings, place, listening, lambda origin: on_started(origin + path))
    finally:
        listening.close()


def entry_query(settings: Settings) -> str:
    """Return what lets a browser in, at the end of an address of the private server that this store has already.

    It is empty where people have accounts: they log in.
    """
    token = _look(settings, entry_token)
    return "" if token is None else f"?token={token}"


def _run(
    settings: Settings,
    place: Place,
    listening: socket.socket,
    on_started: Callable[[str], None],
    *,
    is_worker: bool = False,
) -> None:
    origin = _origin(place, listening)
    app = create_app(replace(settings, public_url=settings.public_url or origin))
    server = Server(
        server_config(app, proxies=place.proxies),
        lambda: on_started(origin),
        drain_seconds=place.drain_seconds,
        is_worker=is_worker,
    )
    server.run(sockets=[listening])
    if not server.started:
        raise SettingsError("the server could not start; what it wrote above says why")


def _origin(place: Place, listening: socket.socket) -> str:
    return f"http://{place.shown}:{listening.getsockname()[1]}"


def _look(settings: Settings, token: Callable[[Signer], str] = owner_token) -> str | None:
    """Open everything once; return what makes the first owner, or another token, where nobody has an account."""
    with closing(open_database(settings.database)) as database:
        signer = open_signer(settings, database)
        if isinstance(settings.artifacts, S3Url):
            check_bucket(settings.artifacts, settings.staging)
        with database.reading() as connection:
            return None if has_accounts(connection) else token(signer)


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
