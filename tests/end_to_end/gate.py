"""A gate before the real platform: what the product is shown of it, and what goes wrong on the way.

Only requests of the product pass through it; the tests' own go to the platform as they are.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

from end_to_end.waiting import DEADLINE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_PRODUCT = b"pytest-platform-report/"
_BEYOND_THE_DOCUMENTATION = {"attempts", "depth", "metadata", "start", "suites"}


@dataclass(frozen=True)
class Request:
    """A request of the product, and the status that it was answered with; 0 where no answer was given.

    :ivar body: what its JSON says, None where it has none.
    :ivar size: of its body, in bytes.
    """

    method: str
    path: str
    body: Any
    size: int
    status: int


@dataclass
class Fault:
    """What goes wrong with the next *times* requests to *path* (all, where it is empty).

    ``lost answer`` carries the request out and cuts the connection; ``reset`` cuts it before; ``answer`` says something
    else instead; ``held`` carries the request out and keeps the answer back until :meth:`Gate.release`;
    ``trickle`` begins an answer, and sends it bit by bit and to no end before that.

    :ivar after: how many such requests are let through before.
    """

    kind: Literal["lost answer", "reset", "answer", "held", "trickle"]
    method: str = "POST"
    path: str = ""
    times: int = 1
    after: int = 0
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Gate:
    """ASGI middleware around *app*.

    :ivar is_plain: let through what is documented of the reporting API only.
    :ivar bulk: how many tests the product is told to send in one request; 0 for what the platform says.
    :ivar canaries: what no request may hold; ``leaks`` says which did.
    :ivar requests: those of the product, in the order of their answers.
    :ivar is_held: set when a request has met a ``held`` fault.
    """

    def __init__(self, app: App, *, is_plain: bool) -> None:
        self.is_plain = is_plain
        self.bulk = 0
        self.canaries: tuple[bytes, ...] = ()
        self.leaks: list[str] = []
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.is_held = threading.Event()
        self._released = threading.Event()
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not dict(scope["headers"]).get(b"user-agent", b"").startswith(_PRODUCT):
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        self._look_for_canaries(scope, body)
        answer = _Answer()
        fault = self._next_fault(scope)
        if self.is_plain:
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"idempotency-key"]
        if fault is not None and fault.kind == "answer":
            answer.messages = _say(fault.status, fault.headers, fault.body)
        elif self.is_plain and not _is_documented(scope["path"], body):
            answer.messages = _say(404, {"content-type": "application/json"}, b'{"error": {"code": "NOT_FOUND"}}')
        elif fault is None or fault.kind not in ("reset", "trickle"):
            await self._app(scope, _replay(body), answer.take)
        if fault is not None and fault.kind == "trickle":
            await self._trickle(send)
            return
        if fault is not None and fault.kind == "held":
            self.is_held.set()
            await asyncio.to_thread(self._released.wait, DEADLINE)
        is_cut = fault is not None and fault.kind in ("reset", "lost answer")
        self.requests.append(
            Request(
                scope["method"], scope["path"], _parse(body), len(body), 0 if is_cut else answer.messages[0]["status"]
            )
        )
        if is_cut:
            await _cut(receive, send)
            return
        for message in answer.messages:
            if self.is_plain and "headers" in message:
                message["headers"] = [pair for pair in message["headers"] if pair[0] != b"platform-capabilities"]
            elif self.bulk and "headers" in message:
                few = b"bulk-tests=%d" % self.bulk
                message["headers"] = [
                    (name, value.replace(b"bulk-tests=500", few)) for name, value in message["headers"]
                ]
            await send(message)

    def release(self) -> None:
        """Let the held requests go, and those that come; other faults stay."""
        self.faults = [fault for fault in self.faults if fault.kind != "held"]
        self._released.set()

    def reset(self) -> None:
        """Forget what was; nothing goes wrong any more."""
        self.release()
        self.faults.clear()
        self.bulk = 0
        self.requests.clear()
        self.canaries = ()
        self.leaks.clear()
        self.is_held = threading.Event()
        self._released = threading.Event()

    def count(self, method: str, path: str) -> int:
        """Return how many requests there were."""
        return sum(request.method == method and request.path == path for request in self.requests)

    async def _trickle(self, send: Send) -> None:
        released = self._released
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while not released.is_set():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            self.is_held.set()
            await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b""})

    def _look_for_canaries(self, scope: Message, body: bytes) -> None:
        headers = [part for pair in scope["headers"] for part in pair]
        said = b"\n".join([scope["raw_path"], scope["query_string"], *headers, body])
        found = (canary for canary in self.canaries if canary in said)
        self.leaks += [f"{canary.decode()} in {scope['method']} {scope['path']}" for canary in found]

    def _next_fault(self, scope: Message) -> Fault | None:
        for fault in self.faults:
            if fault.times and fault.method in ("", scope["method"]) and fault.path in ("", scope["path"]):
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None


class _Answer:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def take(self, message: Message) -> None:
        self.messages.append(message)


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _say(status: int, headers: Mapping[str, str], body: bytes) -> list[Message]:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    return [
        {"type": "http.response.start", "status": status, "headers": pairs},
        {"type": "http.response.body", "body": body},
    ]


async def _cut(receive: Receive, send: Send) -> None:
    """Cut the connection, which only the server's own object behind *send* can."""
    owner: Any = getattr(send, "__self__", None)
    owner.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_documented(path: str, body: bytes) -> bool:
    if path == "/api/tests/bulk" or path.startswith("/api/artifacts"):
        return False
    parsed = _parse(body)
    if not isinstance(parsed, dict):
        return b'name="type"\r\n\r\nattachment' not in body
    steps = parsed.get("steps", [])
    return not any(_BEYOND_THE_DOCUMENTATION & set(each) for each in (parsed, *steps))


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
