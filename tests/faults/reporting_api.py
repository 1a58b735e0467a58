"""The reporting API as it is documented, and no more of it than the server is told to know."""

from __future__ import annotations

import hashlib
import itertools
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from faults.exchange import Asked, Json, RefusedError, Said, parse_form

PROJECT = "proj_1"
KEY = "the-key-of-the-scripted-platform"

_MB = 2**20
_TEXT, _NUMBER, _FLAG, _LIST, _ERROR = (str,), (int, float), (bool,), (list,), (dict, type(None))
_TOTALS = ("totalTests", "passedTests", "failedTests", "skippedTests", "flakyTests", "duration")
_STATUSES = ("passed", "failed", "skipped", "flaky")
_RUN_STATUSES = ("running", "passed", "failed")

_RUN_TEXTS = (
    "branch commitSha commitMessage commitAuthor ciProvider ciBuildId ciBuildUrl playwrightVersion browser os viewport"
    " hostname runTitle"
)
_RUN = {
    **dict.fromkeys(["projectId", "status", *_RUN_TEXTS.split()], _TEXT),
    **dict.fromkeys(["workers", "shardCurrent", "shardTotal"], _NUMBER),
    **dict.fromkeys(["tags", "grepPatterns"], _LIST),
}
_CHANGE = {"status": _TEXT, **dict.fromkeys(_TOTALS, _NUMBER)}
_TEST = {
    **dict.fromkeys(["runId", "projectId", "title", "fullTitle", "status", "filePath", "stdout", "stderr"], _TEXT),
    **dict.fromkeys(["duration", "lineNumber", "retries", "attempt"], _NUMBER),
    **dict.fromkeys(["tags", "annotations", "steps"], _LIST),
    "isFlaky": _FLAG,
    "error": _ERROR,
}
_STEP = {"title": _TEXT, "category": _TEXT, "status": _TEXT, "duration": _NUMBER, "error": _ERROR}
_ANNOTATION = {"type": _TEXT, "description": _TEXT}
_SUITE = dict.fromkeys(["runId", "projectId", "title", "filePath", "parentSuiteId"], _TEXT)
_FORM = dict.fromkeys(["type", "runId", "projectId", "testId"], _TEXT)
_FILES = {
    "screenshot": (5 * _MB, ("png", "jpg", "jpeg", "webp", "gif")),
    "video": (100 * _MB, ("webm", "mp4", "avi", "mov")),
    "trace": (50 * _MB, ("zip",)),
    "report": (200 * _MB, ("zip",)),
    "attachment": (10 * _MB, ()),
}
_LIMITS = {"runs read": 100, "runs write": 30, "tests read": 200, "tests write": 60, "uploads": 30}
_GROUPS = {"runs": "runs", "tests": "tests", "test-suites": "tests", "upload": "uploads"}

_WRITES = {"runs": "run", "test-suites": "suite", "tests": "test", "upload": "upload"}


@dataclass
class ReportingApi:
    """A platform with one project.

    :ivar capabilities: what it announces beside a new run, and therefore knows beyond the documentation.
    :ivar minute: how many seconds the minute of its rate limits has; 0 for no limits.
    :ivar says: what it tells of them: ``retry-after`` with a 429, ``x-ratelimit`` with every answer, or ``nothing``.
    :ivar turned_away: how many requests were answered 429, of each group in each of its minutes.
    """

    capabilities: str = ""
    minute: float = 0.0
    says: str = "retry-after"
    turned_away: dict[str, list[int]] = field(default_factory=dict)
    runs: dict[str, Json] = field(default_factory=dict)
    tests: dict[str, Json] = field(default_factory=dict)
    suites: dict[str, Json] = field(default_factory=dict)
    artifacts: dict[str, Json] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._words = {word.strip().partition("=")[0] for word in self.capabilities.split(",")}
        self._numbers = itertools.count(1)
        self._done: dict[str, Said] = {}
        self._places: dict[tuple[Any, ...], str] = {}
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def kind_of(self, asked: Asked) -> str:
        _, _, name, *rest = [*asked.path.split("/"), "", ""]
        if asked.method == "GET":
            return "read"
        if asked.method == "PATCH" and name == "runs":
            return "finish"
        return _WRITES.get(name, "other") if asked.method == "POST" and rest else "other"

    def error(self, status: int) -> Json:
        codes = {429: "RATE_LIMITED"}
        return {"error": {"code": codes.get(status, "INTERNAL_ERROR"), "message": "scripted", "details": {}}}

    def held(self) -> Json:
        def path(suite: Json) -> list[str]:
            parent = self.suites.get(suite.get("parentSuiteId") or "")
            return [*(path(parent) if parent else []), suite["title"]]

        with self._lock:
            return {
                "runs": list(self.runs.values()),
                "tests": [{**test, "name": test["title"]} for test in self.tests.values()],
                "suites": [{**suite, "path": path(suite)} for suite in self.suites.values()],
                "artifacts": list(self.artifacts.values()),
                "violations": list(self.violations),
                "turned_away": {group: list(counts) for group, counts in self.turned_away.items()},
            }

    def answer(self, asked: Asked) -> Said:
        with self._lock:
            try:
                self._admit(asked)
                status, headers = self._limit(asked)
                said = self._once(asked) if status == 200 else Said(status, self.error(status))
                return replace(said, headers={**said.headers, **headers})
            except RefusedError as error:
                self.violations.append(f"{asked.method} {asked.path}: {error}")
                details = {"field": error.name, "reason": str(error)}
                return Said(error.status, {"error": {"code": error.code, "message": str(error), "details": details}})

    def _admit(self, asked: Asked) -> None:
        if asked.headers.get("x-api-key") != KEY:
            raise RefusedError(401, "UNAUTHORIZED", "no such key")
        if asked.method in ("POST", "PATCH") and not asked.path.endswith("/upload"):
            if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
                raise RefusedError(400, "VALIDATION_ERROR", "the body is not said to be JSON")
            if not isinstance(asked.json, dict):
                raise RefusedError(400, "VALIDATION_ERROR", "the body is no JSON object")

    def _limit(self, asked: Asked) -> tuple[int, Mapping[str, str]]:
        """Return whether a request is within the limits, as a status, and what is told of them."""
        group = _GROUPS.get(asked.path.split("/")[2])
        if not self.minute or group is None:
            return 200, {}
        name = group if group == "uploads" else f"{group} {'read' if asked.method == 'GET' else 'write'}"
        now = time.monotonic()
        began, count = self._windows.get(name, (-math.inf, 0))
        minutes = self.turned_away.setdefault(name, [])
        if now - began >= self.minute:
            began, count = now, 0
            minutes.append(0)
        self._windows[name] = began, count + 1
        left = _LIMITS[name] - count
        minutes[-1] += left <= 0
        wait = f"{math.ceil(100 * (began + self.minute - now)) / 100:.2f}"
        if self.says == "x-ratelimit":
            told = {"Limit": str(_LIMITS[name]), "Remaining": str(max(left - 1, 0)), "Reset": wait}
            return 200 if left > 0 else 429, {f"X-RateLimit-{word}": value for word, value in told.items()}
        if left > 0:
            return 200, {}
        return 429, {"Retry-After": wait} if self.says == "retry-after" else {}

    def _once(self, asked: Asked) -> Said:
        key = asked.headers.get("idempotency-key", "") if "idempotency-key" in self._words else ""
        if asked.method == "GET" or not key:
            return self._carry_out(asked)
        if key not in self._done:
            self._done[key] = self._carry_out(asked)
        return self._done[key]

    def _carry_out(self, asked: Asked) -> Said:
        routes: dict[tuple[str, str], Callable[[Asked], Said]] = {
            ("POST", "/api/runs"): self._add_run,
            ("GET", "/api/runs"): self._list_runs,
            ("POST", "/api/tests"): self._add_test,
            ("GET", "/api/tests"): self._list_tests,
            ("POST", "/api/test-suites"): self._add_suite,
            ("GET", "/api/test-suites"): self._list_suites,
            ("POST", "/api/upload"): self._add_artifact,
        }
        if "bulk-tests" in self._words:
            routes["POST", "/api/tests/bulk"] = self._add_tests
        if (found := routes.get((asked.method, asked.path))) is not None:
            return found(asked)
        name, _, id_ = asked.path.removeprefix("/api/").partition("/")
        rows = {"runs": self.runs, "tests": self.tests}.get(name, {})
        if id_ not in rows or asked.method not in ("GET", "PATCH", "DELETE"):
            raise RefusedError(404, "NOT_FOUND", "no such thing")
        if asked.method == "GET":
            return Said(200, {key: value for key, value in rows[id_].items() if key != "steps"}, self._announced())
        if name != "runs":
            raise RefusedError(404, "NOT_FOUND", "no such endpoint")
        return self._change_run(asked, id_) if asked.method == "PATCH" else self._delete_run(id_)

    def _add_run(self, asked: Asked) -> Said:
        fields = self._check(asked.json, _RUN, ("projectId", "status"))
        _check_word(fields, "status", _RUN_STATUSES)
        run = {**self._new("run", fields), "updatedAt": _now()}
        self.runs[run["id"]] = run
        return Said(201, run, self._announced())

    def _list_runs(self, asked: Asked) -> Said:
        query = asked.query
        rows = [row for row in self.runs.values() if query.get("branch", row.get("branch")) == row.get("branch")]
        rows = [row for row in rows if query.get("status", row["status"]) == row["status"]]
        # Those that the documentation shows; tags and the build's id are not among them.
        shown = ("id", "projectId", "status", "branch", "commitSha", *_TOTALS, "createdAt")
        return _page(query, [{key: row[key] for key in shown if key in row} for row in reversed(rows)])

    def _change_run(self, asked: Asked, id_: str) -> Said:
        extra = {"metadata": (dict,)} if "metadata" in self._words else {}
        fields = self._check(asked.json, {**_CHANGE, **extra}, (), of_project=False)
        _check_word(fields, "status", (*_RUN_STATUSES, "cancelled"))
        self.runs[id_].update(fields, updatedAt=_now())
        return Said(200, {"id": id_, **fields, "updatedAt": self.runs[id_]["updatedAt"]})

    def _delete_run(self, id_: str) -> Said:
        del self.runs[id_]
        for rows in (self.tests, self.suites, self.artifacts):
            for key in [key for key, row in rows.items() if row["runId"] == id_]:
                del rows[key]
        return Said(200, {"success": True, "message": "Run deleted successfully"})

    def _add_test(self, asked: Asked) -> Said:
        return Said(201, self._new_test(asked.json))

    def _add_tests(self, asked: Asked) -> Said:
        tests = asked.json.get("tests")
        if not isinstance(tests, list) or not 0 < len(tests) <= 500:
            raise RefusedError(400, "VALIDATION_ERROR", "1 to 500 tests are due", "tests")
        return Said(200, {"data": [self._new_test(test) for test in tests]})

    def _new_test(self, body: Any) -> Json:
        extra: dict[str, tuple[type, ...]] = {name: _LIST for name in ("attempts", "suites") if name in self._words}
        required = ("runId", "projectId", "title", "fullTitle", "status", "duration")
        fields = self._check(body, {**_TEST, **extra}, required)
        self._check_run(fields)
        _check_word(fields, "status", _STATUSES)
        if fields.get("attempt", 1) < 1:
            raise RefusedError(400, "VALIDATION_ERROR", "attempts count from 1", "attempt")
        deeper = {"depth": _NUMBER, "start": _NUMBER} if "attempts" in extra else {}
        for step in fields.get("steps", []):
            self._check(step, {**_STEP, **deeper}, ("title", "category", "status"), of_project=False)
            _check_word(step, "category", ("action", "assertion", "hook", "fixture"))
        for annotation in fields.get("annotations", []):
            self._check(annotation, _ANNOTATION, ("type",), of_project=False)
        place: Json = {name: fields[name] for name in ("runId", "projectId", "filePath") if name in fields}
        for title in fields.pop("suites", []):
            place["parentSuiteId"] = self._put_suite({**place, "title": title}).content["id"]
        test = self._new("test", fields)
        self.tests[test["id"]] = test
        shown = ("id", "runId", "projectId", "title", "fullTitle", "status", "duration", "isFlaky", "createdAt")
        return {key: test[key] for key in shown if key in test}

    def _list_tests(self, asked: Asked) -> Said:
        query = asked.query
        rows = [row for row in self.tests.values() if query.get("runId", row["runId"]) == row["runId"]]
        rows = [row for row in rows if query.get("status", row["status"]) == row["status"]]
        rows = [row for row in rows if query.get("search", "").lower() in row["title"].lower()]
        shown = ("id", "runId", "title", "fullTitle", "filePath", "status", "duration", "isFlaky", "error", "createdAt")
        return _page(query, [{key: row[key] for key in shown if key in row} for row in rows])

    def _add_suite(self, asked: Asked) -> Said:
        fields = self._check(asked.json, _SUITE, ("runId", "projectId", "title"))
        self._check_run(fields)
        if fields.get("parentSuiteId", "") and fields["parentSuiteId"] not in self.suites:
            raise RefusedError(400, "VALIDATION_ERROR", "no such suite", "parentSuiteId")
        return self._put_suite(fields)

    def _put_suite(self, fields: Json) -> Said:
        place = tuple(fields.get(name) for name in _SUITE)
        if self._places.get(place) in self.suites:
            return Said(200, self.suites[self._places[place]])
        suite = self._new("suite", fields)
        self.suites[suite["id"]] = suite
        self._places[place] = suite["id"]
        return Said(201, suite)

    def _list_suites(self, asked: Asked) -> Said:
        def tree(parent: str | None) -> list[Json]:
            rows = [row for row in self.suites.values() if row["runId"] == asked.query.get("runId")]
            rows = [row for row in rows if row.get("parentSuiteId") == parent]
            return [{**row, "children": tree(row["id"])} for row in rows]

        return Said(200, {"data": tree(None)})

    def _add_artifact(self, asked: Asked) -> Said:
        form, files = parse_form(asked)
        fields = self._check(form, _FORM, ("type", "runId", "projectId"))
        self._check_run(fields)
        if set(files) != {"file"}:
            raise RefusedError(400, "VALIDATION_ERROR", "one file is due", "file")
        if fields.get("testId", "") and fields["testId"] not in self.tests:
            raise RefusedError(404, "NOT_FOUND", "no such test", "testId")
        known = [name for name in _FILES if name != "attachment" or "attachments" in self._words]
        _check_word(fields, "type", known)
        ((name, content),) = files.values()
        largest, endings = _FILES[fields["type"]]
        if endings and name.rpartition(".")[2].lower() not in endings:
            raise RefusedError(400, "VALIDATION_ERROR", f"{name} is no {fields['type']}", "file")
        if len(content) > largest:
            raise RefusedError(413, "PAYLOAD_TOO_LARGE", f"{name} has more than {largest} bytes", "file")
        digest = hashlib.sha256(content).hexdigest()
        artifact = self._new("artifact", {**fields, "fileName": name, "fileSize": len(content), "sha256": digest})
        self.artifacts[artifact["id"]] = artifact
        return Said(201, {**artifact, "url": "http://127.0.0.1/nowhere", "expiresAt": _now()})

    def _announced(self) -> dict[str, str]:
        return {"Platform-Capabilities": self.capabilities} if self.capabilities else {}

    def _new(self, prefix: str, fields: Json) -> Json:
        return {**fields, "id": f"{prefix}_{next(self._numbers)}", "createdAt": _now()}

    def _check_run(self, fields: Json) -> None:
        if fields["runId"] not in self.runs:
            raise RefusedError(404, "NOT_FOUND", "no such run", "runId")

    def _check(
        self, body: Any, known: Mapping[str, tuple[type, ...]], required: tuple[str, ...], *, of_project: bool = True
    ) -> Json:
        if not isinstance(body, dict):
            raise RefusedError(400, "VALIDATION_ERROR", "an object is due")
        for name in required:
            if name not in body:
                raise RefusedError(400, "VALIDATION_ERROR", f"{name} is required", name)
        for name, value in body.items():
            if name not in known:
                raise RefusedError(400, "VALIDATION_ERROR", f"{name} is not documented", name)
            if not isinstance(value, known[name]) or (isinstance(value, bool) and bool not in known[name]):
                raise RefusedError(400, "VALIDATION_ERROR", f"{name} is of the wrong type", name)
        if of_project and body["projectId"] != PROJECT:
            raise RefusedError(403, "FORBIDDEN", "not a project of this key", "projectId")
        return body


def _check_word(fields: Mapping[str, Any], name: str, words: Any) -> None:
    if name in fields and fields[name] not in words:
        raise RefusedError(400, "VALIDATION_ERROR", f"{name} is none of {', '.join(words)}", name)


def _page(query: Mapping[str, str], rows: list[Json]) -> Said:
    if query.get("projectId") != PROJECT:
        raise RefusedError(403, "FORBIDDEN", "not a project of this key", "projectId")
    limit, offset = query.get("limit", "50"), query.get("offset", "0")
    if not (limit.isdecimal() and 1 <= int(limit) <= 100 and offset.isdecimal()):
        raise RefusedError(400, "VALIDATION_ERROR", "limit is 1 to 100, offset at least 0", "limit")
    page = rows[int(offset) : int(offset) + int(limit)]
    return Said(200, {"data": page, "total": len(rows), "limit": int(limit), "offset": int(offset)})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
