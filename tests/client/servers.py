"""Real servers on free loopback ports, which answer as a test scripts it."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DEADLINE = 30.0
KEY = "prk_live_0123456789abcdef"


@dataclass(frozen=True)
class Seen:
    """A request that a server has read."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = Callable[[socket.socket], object]


@dataclass
class Server:
    """A server that reads a request a connection, answers it, and closes the connection."""

    listener: socket.socket
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    script: list[Reply | bytes] = field(default_factory=list)
    answer: Callable[[Seen], bytes] | None = None
    reads: bool = True

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"{self.address}/api"

    def will(self, *replies: Reply | bytes) -> None:
        """Answer the next requests with *replies*: bytes to send, or what to do with the connection."""
        self.script += replies

    def run(self) -> None:
        threads = []
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                thread = threading.Thread(target=self._serve, args=[connection])
                thread.start()
                threads.append(thread)
        for thread in threads:
            thread.join(DEADLINE)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # a client that goes away is what some tests are about
            connection.settimeout(DEADLINE)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                if self.reads:
                    self.seen.append(_read(connection))
                reply = self.answer(self.seen[-1]) if self.answer else self.script.pop(0)
                if isinstance(reply, bytes):
                    connection.sendall(reply)
                else:
                    reply(connection)


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener, tls)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(DEADLINE)
        assert not thread.is_alive()


def reply(
    status: int = 200,
    content: object = None,
    *,
    headers: Mapping[str, str] | None = None,
    type_: str = "application/json",
) -> bytes:
    """Return an HTTP answer with *content* as JSON, or as it is where it is bytes."""
    body = content if isinstance(content, bytes) else json.dumps({} if content is None else content).encode()
    lines = [
        f"HTTP/1.1 {status} Scripted",
        f"Content-Type: {type_}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def reset(connection: socket.socket) -> None:
    """Reset the connection instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket) -> None:
    """Close the connection instead of an answer."""


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _read(connection: socket.socket) -> Seen:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += _receive(connection)
    parts = urlsplit(target)
    return Seen(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data
