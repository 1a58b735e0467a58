"""The APIs that other plugins report to, as far as these use them; what comes is taken, and results are counted.

Refused is only what belongs to nothing that is there. What is answered is what their own clients, of the versions that
docs/faults.md names, want to read.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from faults.exchange import Asked, Json, Said

_PHASES = ("::setup", "::call", "::teardown")


@dataclass
class PeerApi:
    """What is kept of a peer's runs and tests.

    :ivar runs: with a ``status`` of ``running`` until they are closed.
    :ivar tests: with a ``name``, and a ``status`` where there is a verdict.
    """

    runs: dict[str, Json] = field(default_factory=dict)
    tests: list[Json] = field(default_factory=list)
    artifacts: list[Json] = field(default_factory=list)
    # The rate limits and capabilities of a scenario are those of the reporting API: others have none of them here.
    capabilities: str = ""
    minute: float = 0.0

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def kind_of(self, asked: Asked) -> str:
        return self.route(asked)[0]

    def answer(self, asked: Asked) -> Said:
        with self._lock:
            kind, name = self.route(asked)
            return Said(*self.carry_out(kind, name, asked))

    def error(self, status: int) -> Any:
        return {"message": "scripted", "errorMessage": "scripted", "status": False}

    def held(self) -> Json:
        with self._lock:
            tests = [test for test in self.tests if test["status"]]
            return {
                "runs": list(self.runs.values()),
                "tests": [{**test, "status": test["status"].lower()} for test in tests],
                "suites": [],
                "artifacts": list(self.artifacts),
                "violations": [],
                "turned_away": {},
            }

    def route(self, asked: Asked) -> tuple[str, str]:
        """Return a request's kind, and the id that it is about."""
        raise NotImplementedError

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        """Carry a request out; return status and content of the answer."""
        raise NotImplementedError

    def new_run(self) -> int:
        number = next(self._numbers)
        self.runs[str(number)] = {"id": str(number), "status": "running"}
        return number

    def close_run(self, name: str) -> None:
        self.runs.setdefault(name, {"id": name})["status"] = "closed"

    def take(self, id_: Any, name: str, status: str) -> None:
        self.tests.append({"id": id_, "name": name, "status": status})


class ReportPortal(PeerApi):
    """ReportPortal's API, version 1 and 2 alike: a test has arrived when it is finished with a verdict."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._items: dict[str, Json] = {}

    def route(self, asked: Asked) -> tuple[str, str]:
        path = re.sub(r"^/api/v\d/[^/]+", "", asked.path)
        if asked.method == "GET":
            return "read", path
        if path == "/launch":
            return "run", ""
        if match := re.fullmatch(r"/launch/([^/]+)/finish", path):
            return "finish", match[1]
        if path == "/log":
            return "upload", ""
        match = re.fullmatch(r"/item(?:/([^/]+))?", path)
        if not match:
            return "other", path
        item = match[1] or ""
        if asked.method == "PUT":
            return ("test" if item in self._items else "suite"), item
        return ("test" if (asked.json or {}).get("type") == "STEP" else "suite"), item

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        if kind == "run":
            return 201, {"id": str(self.new_run())}
        if kind == "finish":
            self.close_run(name)
            return 200, {"id": name, "link": ""}
        if kind == "upload":
            self.artifacts.append({})
            return 201, {"responses": []}
        if kind in ("test", "suite") and asked.method == "POST":
            if asked.json.get("launchUuid") not in self.runs:
                return 404, self.error(404)
            item = str(next(self._numbers))
            if kind == "test":
                self.take(item, asked.json["name"], "")
                self._items[item] = self.tests[-1]
            return 201, {"id": item}
        if kind == "test":
            self._items[name]["status"] = asked.json.get("status") or ""
        return 200, {"message": "done", "build": {"version": "5.11.0"}, "subTypes": {}}


@dataclass
class Qase(PeerApi):
    """Qase's API, version 1 for runs and single results, version 2 for results in bulk, which have ids of their own.

    :ivar cases: how many cases the project has.
    """

    cases: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        self._due: set[int] = set()

    def route(self, asked: Asked) -> tuple[str, str]:
        path = re.sub(r"^/v\d", "", asked.path)
        if asked.method == "GET":
            return "read", path
        if match := re.fullmatch(r"/run/[^/]+/(\d+)/complete", path):
            return "finish", match[1]
        if re.fullmatch(r"/run/[^/]+", path):
            return "run", ""
        if re.fullmatch(r"/result/[^/]+/\d+(/bulk)?|/[^/]+/run/\d+/results?", path):
            return "test", path
        return ("upload" if path.startswith("/attachment") else "other"), path

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        result: Any = {}
        if kind == "test" and not any(number in self.runs for number in re.findall(r"\d+", name)):
            return 404, self.error(404)
        if kind == "read":
            result = self._look_up(name, int(asked.query.get("offset", 0)))
        elif kind == "run":
            result = {"id": self.new_run()}
            self._due = set(asked.json.get("cases") or ())
        elif kind == "finish":
            self.close_run(name)
        elif kind == "test" and "results" in asked.json:
            known = {test["id"] for test in self.tests}
            new = [each for each in asked.json["results"] if each.get("id") is None or each["id"] not in known]
            for each in new:
                self.take(each.get("id"), each["title"], each["execution"]["status"])
            return 202, {"status": True}
        elif kind == "test":
            case, status = asked.json["case_id"], asked.json["status"]
            self.take(None, f"test_{case:02}", status)
            result = {"case_id": case, "hash": f"{len(self.tests):040x}"}
            self._due.discard(case)
            if not self._due:  # Qase closes a run of given cases with the last of them
                self.close_run(name.split("/")[3])
        return 200, {"status": True, "result": result}

    def _look_up(self, path: str, offset: int) -> Any:
        _, what, _, *rest = [*path.split("/"), "", ""]
        if what == "case":
            entities = [{"id": number} for number in range(1, self.cases + 1)] if not offset else []
            return {"total": self.cases, "filtered": self.cases, "count": len(entities), "entities": entities}
        if what == "run" and rest[0]:
            return {"id": int(rest[0]), "status": int(self.runs.get(rest[0], {}).get("status") == "closed")}
        return {"title": "Scripted", "code": "PROJ", "total": 0, "entities": []}


class Buildkite(PeerApi):
    """Buildkite's upload API: it has no runs that are opened and closed."""

    def route(self, asked: Asked) -> tuple[str, str]:
        return ("test" if asked.method == "POST" and asked.path.endswith("/uploads") else "other"), ""

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        if kind != "test":
            return 404, self.error(404)
        entries = asked.json["data"]
        for each in entries:
            self.take(each["id"], each["name"], each.get("result", ""))
        return 202, {"id": "1", "run_id": "1", "queued": len(entries), "skipped": 0, "errors": [], "run_url": ""}


class OpenTelemetry(PeerApi):
    """OTLP over HTTP: a test has arrived with the span that is named by its node id."""

    def route(self, asked: Asked) -> tuple[str, str]:
        return ("test" if asked.path == "/v1/traces" else "other"), ""

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        names = [content.decode() for content in _fields(asked.body, 1, 2, 2, 5)]  # resource, scope, span, name
        for each in names if kind == "test" else ():
            if "::" in each and not each.endswith(_PHASES):
                self.take(None, each, "passed")
        return 200, None


class Datadog(PeerApi):
    """Datadog's API for test events, without an agent: everything that could be switched on is off."""

    def route(self, asked: Asked) -> tuple[str, str]:
        return ("test" if asked.path == "/api/v2/citestcycle" else "other"), ""

    def carry_out(self, kind: str, name: str, asked: Asked) -> tuple[int, Any]:
        from msgspec import msgpack

        for event in msgpack.decode(asked.body)["events"] if kind == "test" else ():
            if event["type"] == "test":
                self.take(event["content"]["span_id"], event["content"]["resource"], "passed")
        return 202, {"data": {"attributes": {}}}


def _fields(message: bytes, number: int, *inside: int) -> Iterator[bytes]:
    """Yield what a message of Protocol Buffers has in a field, or in one of the messages in it."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        if (kind := tag & 7) == 0:
            varint()
        elif kind == 2:
            size = varint()
            content, at = message[at : at + size], at + size
            if tag >> 3 == number:
                yield from _fields(content, *inside) if inside else [content]
        else:
            at += {1: 8, 5: 4}[kind]
