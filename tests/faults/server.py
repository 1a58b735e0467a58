"""The scripted server: ``python -m faults.server [--api reporting-api] [--port 0] [--script FILE]``.

It prints its address and serves until it is ended. Besides the API, whose faults are those of :mod:`faults.script`, it
has ``POST /-/recover`` (nothing goes wrong any more), ``GET /-/held`` (what the server holds, how many requests it
keeps waiting, how many have been struck, and which faults are still to come), ``GET /-/counts`` (how many requests have
come, and tests in them), and ``POST /-/begin``, which takes an object with ``faults`` and the API's options and opens a
server of these in the same process, at the ``address`` that it answers: whoever is still at the old one meets what was
there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from faults.exchange import Api, Asked, Said
from faults.peer_apis import Buildkite, Datadog, OpenTelemetry, Qase, ReportPortal
from faults.reporting_api import ReportingApi
from faults.script import Fault, Script

APIS = {
    "reporting-api": ReportingApi,
    "reportportal": ReportPortal,
    "qase": Qase,
    "buildkite": Buildkite,
    "opentelemetry": OpenTelemetry,
    "datadog": Datadog,
}

_RESET = struct.pack("ii", 1, 0)
_CUT = ("reset", "kill", "silence", "trickle")


class Server(ThreadingHTTPServer):
    """A server of one API on a loopback port.

    :param what: the ``faults`` to come, and the API's options.
    :ivar requests: how many have come.
    :ivar waiting: how many requests have been read and are kept waiting.
    """

    daemon_threads = True

    def __init__(self, api: str, what: Mapping[str, Any], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        options = {name: value for name, value in what.items() if name != "faults"}
        self.name = api
        self.api: Api = APIS[api](**options)
        self.script = Script(what.get("faults", ()))
        self.requests = 0
        self.waiting = 0
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self) -> None:
        """Note a request."""
        with self._lock:
            self.requests += 1

    def shutdown_request(self, request: Any) -> None:
        """Close a connection without a word, so that one that is to be reset is."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that go away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self._read_body(headers))
        if asked.path.startswith("/-/"):
            self._say(_control(self.server, asked))
            return
        self.server.count()
        api, script = self.server.api, self.server.script
        fault = script.next(api.kind_of(asked))
        if fault is None:
            self._say(api.answer(asked))
            return
        said = api.answer(asked) if fault.carried_out or fault.do in ("slow", "truncate") else None
        self._strike(fault, script, asked, said, api.error(fault.status))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  what the base class looks for

    def _strike(self, fault: Fault, script: Script, asked: Asked, said: Said | None, error: Any) -> None:
        if fault.do == "answer":
            body = fault.body.encode() or json.dumps(error).encode()
            type_ = "text/html" if fault.body.startswith("<") else "application/json"
            self._send(_head(fault.status, len(body), {"Content-Type": type_, **fault.headers_for(asked.path)}) + body)
        elif fault.do == "slow" and said is not None:
            script.over.wait(fault.seconds)
            self._say(said)
        elif fault.do == "truncate" and said is not None:
            self._send(_head(said.status, len(said.body), said.headers) + said.body[: len(said.body) // 2])
            self.close_connection = True
        elif fault.do == "kill":
            os.kill(_sender(self.client_address[1], self.server.server_address[1]), signal.SIGKILL)
        elif fault.do == "silence":
            self._keep_waiting(script, fault.seconds, b"")
        elif fault.do == "trickle":
            self._send(b"HTTP/1.1 200 OK\r\nX-Filler: ")
            self._keep_waiting(script, fault.seconds, b"a")
        if fault.do in _CUT:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True

    def _keep_waiting(self, script: Script, seconds: float, filler: bytes) -> None:
        self.server.waiting += 1
        with suppress(OSError):  # the client goes away
            while not script.over.wait(seconds) and not self._is_gone():
                self._send(filler)
        self.server.waiting -= 1

    def _is_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _say(self, said: Said) -> None:
        self._send(_head(said.status, len(said.body), said.headers) + said.body)

    def _send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def _head(status: int, length: int, headers: Any) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in {"Content-Type": "application/json", **headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _control(server: Server, asked: Asked) -> Said:
    if asked.path == "/-/begin":
        new = Server(server.name, asked.json)
        threading.Thread(target=new.serve_forever, daemon=True).start()
        return Said(201, {"address": new.address})
    if asked.path == "/-/counts":
        return Said(200, {"requests": server.requests, "tests": len(server.api.held()["tests"])})
    if asked.path == "/-/recover":
        server.script.end()
    script = server.script
    told = {"waiting": server.waiting, "struck": script.struck, "unmet": script.unmet()}
    return Said(200, {**server.api.held(), **told})


def _sender(port: int, to: int) -> int:
    """Return the process at the other end of a loopback connection."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *rest = line.split()
        if (int(local[-4:], 16), int(remote[-4:], 16)) == (port, to):
            wanted = f"socket:[{rest[6]}]"
            break
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(link.readlink()) == wanted:
                return int(link.parts[2])
    raise LookupError(f"nobody holds port {port}")


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m faults.server", description=__doc__)
    parser.add_argument("--api", choices=APIS, default="reporting-api")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="a file with what /-/begin takes")
    arguments = parser.parse_args()
    what = json.loads(arguments.script.read_text()) if arguments.script else {}
    server = Server(arguments.api, what, arguments.port)
    print(server.address, flush=True)  # noqa: T201  whoever started it reads the address
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
