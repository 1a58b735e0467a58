"""A platform in memory, behind the real HTTP client, and what can go wrong with requests to it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from pytest_platform_report.platforms._http import Http
from pytest_platform_report.platforms.client import Platform

RICH = {"Platform-Capabilities": "bulk-tests=3, idempotency-key, metadata"}
STATUSES = ("passed", "failed", "skipped", "flaky")
Json = dict[str, Any]


class Killed(BaseException):
    """The uploader was killed in the middle of a request."""


# What goes wrong, and whether the platform carries the request out before.
FAULTS: dict[str, tuple[bool, BaseException | tuple[int, str]]] = {
    "lost answer": (True, httpx.ReadError("reset")),
    "reset": (False, httpx.ReadError("reset")),
    "no connection": (False, httpx.ConnectError("refused")),
    "truncated": (True, httpx.RemoteProtocolError("incomplete body")),
    "time is up": (False, httpx.ReadTimeout("no answer")),
    "done, and time is up": (True, httpx.ReadTimeout("no answer")),
    "500": (False, (500, "{}")),
    "done, and 502": (True, (502, "<h1>Bad gateway</h1>")),
    "429": (False, (429, "{}")),
    "HTML": (False, (200, "<h1>Sign in</h1>")),
    "done, and HTML": (True, (200, "<h1>Done</h1>")),
    "401": (False, (401, "{}")),
    "refused": (False, (400, "{}")),
    "killed before": (False, Killed()),
    "killed after": (True, Killed()),
}


class ModelPlatform(httpx.BaseTransport):
    """A platform in memory.

    :ivar faults: what goes wrong with the next requests of each kind.
    :ivar refused: the kinds of which it has refused a request.
    :ivar every_second: what goes wrong with every second request besides; empty for nothing.
    """

    def __init__(self, *, is_rich: bool, every_second: str = "") -> None:
        self.faults: list[tuple[str, str]] = []
        self.every_second = every_second
        self._count = 0
        self.runs: dict[str, Json] = {}
        self.suites: dict[str, Json] = {}
        self.tests: dict[str, Json] = {}
        self.refused: set[str] = set()
        self.files: list[tuple[str, str]] = []
        self.is_rich = is_rich
        self._answers: dict[str, Json] = {}

    def open(self) -> Platform:
        """Return the client of it."""
        return Platform(Http("http://platform.example/api", "", transport=self), "proj_1")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request out, or not, and answer, or not."""
        body = request.read()
        kind = f"{request.method} {request.url.path.split('/')[2]}"
        fault = next((fault for fault in self.faults if fault[0] == kind), None)
        if fault is not None:
            self.faults.remove(fault)
        self._count += 1
        if fault is None and self.every_second and self._count % 2:
            fault = kind, self.every_second
        if fault is not None and fault[1] == "refused":
            self.refused.add(kind)
        is_done, end = FAULTS[fault[1]] if fault else (True, (200, ""))
        answer = self._once(request, body) if is_done else {}
        if isinstance(end, BaseException):
            raise end
        status, text = end
        return httpx.Response(status, headers=RICH if self.is_rich else {}, text=text or json.dumps(answer))

    def _once(self, request: httpx.Request, body: bytes) -> Json:
        key = request.headers.get("idempotency-key")
        if not self.is_rich or not key:
            return self._carry_out(request, body)
        if key not in self._answers:
            self._answers[key] = self._carry_out(request, body)
        return self._answers[key]

    def _carry_out(self, request: httpx.Request, body: bytes) -> Json:
        path = request.url.path.removeprefix("/api").strip("/").split("/")
        if request.method == "GET":
            return self._find(path, request.url.params)
        if path == ["upload"]:
            name, test = (re.search(pattern, body) for pattern in (rb'filename="([^"]+)', rb'testId"\r\n\r\n([^\r]+)'))
            assert name is not None
            assert test is not None
            self.files.append((test.group(1).decode(), name.group(1).decode()))
            return {"id": f"artifact_{len(self.files)}"}
        fields = json.loads(body)
        if path == ["tests", "bulk"]:
            return {"data": [self._add(self.tests, "test", each) for each in fields["tests"]]}
        if request.method == "PATCH":
            self.runs[path[1]].update(fields)
            return {"id": path[1]}
        if path == ["test-suites"]:
            assert fields["runId"] in self.runs
            same = (id_ for id_, suite in self.suites.items() if suite == fields)
            return {"id": next(same, None) or self._add(self.suites, "suite", fields)["id"]}
        return self._add(*{"runs": (self.runs, "run"), "tests": (self.tests, "test")}[path[0]], fields)

    def _find(self, path: list[str], query: httpx.QueryParams) -> Json:
        rows = self.runs if path[0] == "runs" else self.tests
        if len(path) > 1:
            return {"id": path[1], **rows[path[1]]}
        found = [
            {"id": id_, **{name: row[name] for name in ("title", "fullTitle", "branch") if name in row}}
            for id_, row in rows.items()
            if query.get("search", "") in row.get("title", "") and query.get("runId") in (None, row.get("runId"))
        ]
        begin, most = int(query["offset"]), int(query["limit"])
        return {"data": found[begin : begin + most], "total": len(found)}

    def _add(self, rows: dict[str, Json], kind: str, fields: Json) -> Json:
        id_ = f"{kind}_{len(rows) + 1}"
        rows[id_] = fields
        return {"id": id_}


def report_id(test: Json) -> str:
    """Return by which mark of ours a test can be found."""
    (found,) = [each["description"] for each in test["annotations"] if each["type"] == "report-id"]
    return str(found)
