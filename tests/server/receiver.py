"""A receiver of webhooks that fails, hangs and redirects as it is told to, and keeps what came."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from server.support import DEADLINE


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """What came, and how it is answered: by a status for each path, 204 where there is none."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: dict[str, int] = {}
        self.answers: dict[str, bytes] = {}
        self.held: set[str] = set()
        """Paths that are not answered until they are let go."""
        self._came: list[Received] = []
        self._news = threading.Condition()

    def take(self, request: Received) -> int:
        with self._news:
            self._came.append(request)
            self._news.notify_all()
            assert self._news.wait_for(lambda: request.path not in self.held, DEADLINE)
            return self.statuses.get(request.path, 204)

    def let_go(self) -> None:
        with self._news:
            self.held.clear()
            self._news.notify_all()

    def came(self, path: str, count: int = 1) -> list[Received]:
        """Wait for so many requests to a path; return them all."""

        def found() -> list[Received]:
            return [each for each in self._came if each.path == path]

        with self._news:
            assert self._news.wait_for(lambda: len(found()) >= count, DEADLINE), (path, found())
            return found()

    def count(self, path: str) -> int:
        with self._news:
            return sum(each.path == path for each in self._came)


@contextmanager
def receiving(host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Receive on a loopback address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            status = receiver.take(Received(self.path, names, body))
            answer = receiver.answers.get(self.path, b"")
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if status != 204:
                self.wfile.write(answer)

        def log_message(self, *arguments: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError):  # who sent it is gone
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server((host, port), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver = Receiver(f"{'https' if tls else 'http'}://{host}:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.let_go()
            server.shutdown()
            thread.join(DEADLINE)
