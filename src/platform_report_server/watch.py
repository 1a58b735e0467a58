"""What is seen of each request of a served process: counted, logged, and named in its answer."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from platform_report_server import ids
from platform_report_server.access_log import AccessLog, Entry
from platform_report_server.auth.access import CALLER
from platform_report_server.auth.caller import Caller
from platform_report_server.clock import iso, now_ms
from platform_report_server.headers import header
from platform_report_server.streams import is_stream

_ID = re.compile("[A-Za-z0-9._-]{1,100}")
_LONGEST_METHOD = 20


class Watch:
    """Middleware; `routes` has the path of each endpoint, with names in place of ids."""

    def __init__(self, app: ASGIApp, *, routes: Mapping[Any, str], log: AccessLog | None) -> None:
        self._app = app
        self._routes = routes
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        answered, status, size, request_id = began, 500, 0, request_id_of(header(scope, b"x-request-id"))

        async def send_watched(message: Message) -> None:
            nonlocal answered, status, size
            if message["type"] == "http.response.start":
                answered, status = time.perf_counter(), message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        finally:
            ended = time.perf_counter()
            route = self._routes.get(scope.get("endpoint"), "(none)")
            # how long somebody looks at a stream tells nothing of the server
            took = (answered if is_stream(scope) else ended) - began
            scope["app"].state.services.metrics.count_request(route, scope["method"], status, took)
            if self._log is not None:
                method = scope["method"][:_LONGEST_METHOD]
                self._log.write(entry(request_id, method, route, status, ended - began, size, scope.get(CALLER)))


def request_id_of(given: str | None) -> str:
    """Return the name of a request: the one that was given, if it is one."""
    return given if given is not None and _ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def entry(
    request_id: str, method: str, route: str, status: int, seconds: float, size: int, caller: Caller | None
) -> Entry:
    """Return what the log tells of a request."""
    return Entry(iso(now_ms()), request_id, method, route, status, round(seconds * 1000, 1), size, *_who(caller))


def _who(caller: Caller | None) -> tuple[str | None, str | None, str | None]:
    """Return the project, the key and the person."""
    if caller is None or caller.identity is None:
        return None, None, None
    kind, _, number = caller.identity.partition(":")
    if kind == "user":
        return None, None, ids.encode("user", int(number))
    (project,) = caller.projects or (None,)
    return project, ids.encode("key", int(number)) if kind == "key" else None, None
