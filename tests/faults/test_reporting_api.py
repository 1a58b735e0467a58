"""The scripted server takes what the reporting API documents, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faults.exchange import Asked, Said
from faults.reporting_api import KEY, PROJECT, ReportingApi

_RUN = {"projectId": PROJECT, "status": "running"}
_TEST = {"runId": "run_1", "projectId": PROJECT, "title": "a", "fullTitle": "a", "status": "passed", "duration": 1}
_STEP = {"title": "open", "category": "action", "status": "passed", "duration": 1, "error": None}
_SUITE = {"runId": "run_1", "projectId": PROJECT, "title": "a", "filePath": "a.py"}


def ask(api: ReportingApi, what: str, body: Any = None, *, key: str = KEY, once: str = "") -> Said:
    method, path = what.split(" ")
    headers = {"x-api-key": key, "content-type": "application/json", "idempotency-key": once}
    return api.answer(Asked(method, f"/api{path}", headers, b"" if body is None else json.dumps(body).encode()))


def upload(api: ReportingApi, type_: str, name: str, content: bytes = b"\r\n\x00--") -> Said:
    parts = [f'name="{field}"\r\n\r\n{value}'.encode() for field, value in [("type", type_), ("runId", "run_1")]]
    parts += [
        f'name="projectId"\r\n\r\n{PROJECT}'.encode(),
        f'name="file"; filename="{name}"\r\n\r\n'.encode() + content,
    ]
    body = (
        b"".join(b"--limit\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--limit--\r\n"
    )
    headers = {"x-api-key": KEY, "content-type": "multipart/form-data; boundary=limit"}
    return api.answer(Asked("POST", "/api/upload", headers, body))


@pytest.fixture
def api() -> ReportingApi:
    api = ReportingApi()
    assert ask(api, "POST /runs", _RUN).content["id"] == "run_1"
    return api


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("POST /runs", {"projectId": PROJECT}, 400),
        ("POST /runs", {**_RUN, "status": "cancelled"}, 400),
        ("POST /runs", {**_RUN, "projectId": "proj_2"}, 403),
        ("POST /runs", {**_RUN, "workers": "4"}, 400),
        ("POST /runs", {**_RUN, "metadata": {}}, 400),
        ("POST /tests", {**_TEST, "runId": "run_2"}, 404),
        ("POST /tests", {**_TEST, "attempts": []}, 400),
        ("POST /tests", {**_TEST, "suites": ["a"]}, 400),
        ("POST /tests", {**_TEST, "attempt": 0}, 400),
        ("POST /tests", {**_TEST, "steps": [{**_STEP, "depth": 1}]}, 400),
        ("POST /tests", {**_TEST, "steps": [{**_STEP, "category": "call"}]}, 400),
        ("POST /tests/bulk", {"tests": [_TEST]}, 404),
        ("POST /test-suites", {**_SUITE, "parentSuiteId": "suite_9"}, 400),
        ("PATCH /runs/run_1", {"status": "flaky"}, 400),
        ("GET /runs?projectId=proj_2", None, 403),
        ("GET /tests?projectId=proj_1&limit=1000", None, 400),
        ("POST /nowhere", {}, 404),
    ],
)
def test_what_is_not_documented_is_refused(api: ReportingApi, what: str, body: Any, status: int) -> None:
    said = ask(api, what, body)
    assert said.status == status
    assert set(said.content["error"]) == {"code", "message", "details"}
    assert len(api.held()["violations"]) == 1


def test_what_is_documented_is_taken(api: ReportingApi) -> None:
    test = {**_TEST, "steps": [_STEP], "annotations": [{"type": "slow", "description": "yes"}], "error": None}
    first, second = (ask(api, "POST /tests", test, once="the same") for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.content["id"] != second.content["id"], "it knows no idempotency"
    suites = [ask(api, "POST /test-suites", _SUITE) for _ in range(2)]
    assert [suite.status for suite in suites] == [201, 200]
    assert upload(api, "screenshot", "cup.png").content["fileSize"] == 5
    listed = ask(api, f"GET /tests?projectId={PROJECT}&runId=run_1&status=passed&search=A&limit=1").content
    assert (listed["total"], len(listed["data"])) == (2, 1)
    assert ask(api, "PATCH /runs/run_1", {"status": "cancelled", "totalTests": 2}).status == 200
    assert ask(api, "GET /runs/run_1").content["totalTests"] == 2
    assert api.held()["violations"] == []
    assert ask(api, "DELETE /runs/run_1").status == 200
    assert [api.held()[name] for name in ("runs", "tests", "suites", "artifacts")] == [[]] * 4


def test_files_are_of_their_types_and_sizes(api: ReportingApi) -> None:
    assert upload(api, "screenshot", "cup.txt").status == 400
    assert upload(api, "attachment", "cup.txt").status == 400
    assert upload(api, "screenshot", "cup.png", bytes(5 * 2**20 + 1)).status == 413


def test_a_wrong_key_opens_nothing(api: ReportingApi) -> None:
    assert ask(api, "POST /runs", _RUN, key="another").status == 401


def test_what_is_announced_is_known() -> None:
    api = ReportingApi(capabilities="bulk-tests=500, idempotency-key, attempts, suites")
    created = [ask(api, "POST /runs", _RUN, once="the same") for _ in range(2)]
    assert created[0].content["id"] == created[1].content["id"]
    assert created[0].headers["Platform-Capabilities"].startswith("bulk-tests")
    assert ask(api, "POST /tests/bulk", {"tests": [{**_TEST, "attempts": []}, _TEST]}).status == 200
    assert ask(api, "POST /tests/bulk", {"tests": 2 * [{**_TEST, "suites": ["a", "A"]}]}).status == 200
    assert len(api.held()["tests"]) == 4
    assert [suite["path"] for suite in api.held()["suites"]] == [["a"], ["a", "A"]]


def test_limits_hold_for_each_group_by_itself() -> None:
    api = ReportingApi(minute=3600)
    answers = [ask(api, "POST /runs", _RUN) for _ in range(31)]
    assert [said.status for said in answers] == [201] * 30 + [429]
    assert 0 < float(answers[-1].headers["Retry-After"]) <= 3600
    assert ask(api, f"GET /runs?projectId={PROJECT}").status == 200
    assert api.held()["turned_away"] == {"runs write": [1], "runs read": [0]}


def test_limits_are_told_in_headers_or_not_at_all() -> None:
    api = ReportingApi(minute=3600, says="x-ratelimit")
    answers = [ask(api, "POST /runs", _RUN) for _ in range(31)]
    assert [said.headers["X-RateLimit-Remaining"] for said in answers[-3:]] == ["1", "0", "0"]
    assert 0 < float(answers[-1].headers["X-RateLimit-Reset"]) <= 3600
    assert answers[-1].status == 429
    api.says = "nothing"
    silent = ask(api, "POST /runs", _RUN)
    assert (silent.status, dict(silent.headers)) == (429, {})
