"""Runs: every field, lists, totals, the end, deletion."""

from __future__ import annotations

import re
from typing import Any

import pytest

from server.published import RUN
from server.support import OTHER_PROJECT, PROJECT, Api, checked, refused

pytestmark = pytest.mark.both_stores

FIELDS = RUN | {"metadata": {"python": "3.12.1", "command": "pytest -k 'a & b'", "empty": ""}}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_every_field_comes_back(api: Api) -> None:
    made = api.new_run(**FIELDS)
    assert made.items() >= FIELDS.items()
    assert re.fullmatch(r"run_[0-9a-z]{13}", made["id"])
    assert MOMENT.fullmatch(made["createdAt"])
    assert made["updatedAt"] == made["createdAt"]
    assert api.get(f"/api/runs/{made['id']}") == made
    assert api.get("/api/runs", projectId=PROJECT)["data"] == [made]


def test_fields_not_given_are_null_or_empty(api: Api) -> None:
    made = api.new_run()
    given = FIELDS.keys() - {"projectId", "status", "tags", "grepPatterns", "metadata"}
    assert {made[name] for name in given} == {None}
    assert (made["tags"], made["grepPatterns"], made["metadata"]) == ([], [], {})


def test_the_answer_announces_what_we_offer_beyond_the_contract(api: Api) -> None:
    response = api.http.post("/api/runs", json={"projectId": PROJECT, "status": "running"})
    announced = response.headers["Platform-Capabilities"]
    more = ("artifact-digests", "gzip", "thumbnails", "timeline", "suites")
    assert announced == ", ".join(("bulk-tests=500", "idempotency-key", "attempts", "attachments", "metadata", *more))


def test_metadata_may_come_later(api: Api) -> None:
    run = api.new_run(metadata={"old": "1"})
    most = {f"name {number}\0 <ü>": "\0" * 4096 for number in range(50)}
    changed = checked(api.http.patch(f"/api/runs/{run['id']}", json={"metadata": most}), 200)
    assert changed["metadata"] == most
    api.end_run(run)
    assert api.get(f"/api/runs/{run['id']}")["metadata"] == most
    assert checked(api.http.patch(f"/api/runs/{run['id']}", json={"metadata": {}}), 200)["metadata"] == {}


@pytest.mark.one_store
@pytest.mark.parametrize(
    "metadata", [{str(number): "" for number in range(51)}, {"x" * 101: ""}, {"": "x"}, {"x": "x" * 4097}, {"x": 1}, []]
)
def test_metadata_is_bounded(api: Api, metadata: object) -> None:
    run = api.new_run()
    refused(api.http.patch(f"/api/runs/{run['id']}", json={"metadata": metadata}), 400, "VALIDATION_ERROR")
    body = {"projectId": PROJECT, "status": "running", "metadata": metadata}
    message = refused(api.http.post("/api/runs", json=body), 400, "VALIDATION_ERROR")
    assert "metadata" in message


def test_totals_are_counted_until_they_are_told(api: Api) -> None:
    run = api.new_run()
    for status, count in {"passed": 4, "failed": 1, "skipped": 2, "flaky": 1}.items():
        for number in range(count):
            api.new_test(run, f"{status}_{number}", status=status)
    counted = api.get(f"/api/runs/{run['id']}")
    assert _totals(counted) == (8, 4, 1, 2, 1)
    assert counted["passRate"] == 66.67  # 4 of the 6 that count
    assert counted["updatedAt"] >= run["updatedAt"]

    changed = checked(api.http.patch(f"/api/runs/{run['id']}", json={"passedTests": 5, "totalTests": 9}), 200)
    assert changed.keys() == {"id", "passedTests", "totalTests", "updatedAt"}
    assert _totals(api.get(f"/api/runs/{run['id']}")) == (9, 5, 1, 2, 1)


def test_the_documented_patch(api: Api) -> None:
    run = api.new_run()
    change = {
        "status": "failed",
        "totalTests": 142,
        "passedTests": 138,
        "failedTests": 3,
        "skippedTests": 0,
        "flakyTests": 1,
        "duration": 245000,
    }
    changed = checked(api.http.patch(f"/api/runs/{run['id']}", json=change), 200)
    assert MOMENT.fullmatch(changed.pop("updatedAt"))
    assert changed == {"id": run["id"]} | change
    assert api.get(f"/api/runs/{run['id']}").items() >= (change | {"passRate": 97.18}).items()


@pytest.mark.parametrize("totals", [{}, {"skippedTests": 7, "totalTests": 7}])
def test_the_pass_rate_is_zero_when_nothing_counts(api: Api, totals: dict[str, int]) -> None:
    run = api.new_run()
    api.end_run(run, **totals)
    assert api.get(f"/api/runs/{run['id']}")["passRate"] == 0


@pytest.mark.parametrize("status", ["running", "passed", "failed", "cancelled"])
def test_a_run_takes_every_documented_status(api: Api, status: str) -> None:
    run = api.new_run()
    api.end_run(run, status=status)
    assert api.get(f"/api/runs/{run['id']}")["status"] == status


def test_lists_are_newest_first_in_pages_and_filtered(api: Api) -> None:
    runs = [api.new_run(branch="main" if number % 2 else "side") for number in range(5)]
    api.end_run(runs[1], status="failed")
    ids = [run["id"] for run in reversed(runs)]

    listed = api.get("/api/runs", projectId=PROJECT, limit=2, offset=1)
    assert [run["id"] for run in listed["data"]] == ids[1:3]
    assert (listed["total"], listed["limit"], listed["offset"]) == (5, 2, 1)
    everything = api.get("/api/runs", projectId=PROJECT)
    assert ([run["id"] for run in everything["data"]], everything["limit"]) == (ids, 50)
    for query, expected in (
        ({"branch": "main"}, {1, 3}),
        ({"status": "failed"}, {1}),
        ({"status": "running", "branch": "main"}, {3}),
        ({"branch": "none such"}, set()),
    ):
        found = api.get("/api/runs", projectId=PROJECT, **query)
        assert {run["id"] for run in found["data"]} == {runs[number]["id"] for number in expected}
        assert found["total"] == len(expected)


@pytest.mark.one_store
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "projectId"),
        ({"projectId": PROJECT, "limit": "0"}, "limit"),
        ({"projectId": PROJECT, "limit": "201"}, "limit"),
        ({"projectId": PROJECT, "limit": "many"}, "limit"),
        ({"projectId": PROJECT, "limit": "٣"}, "limit"),
        ({"projectId": PROJECT, "offset": "-1"}, "offset"),
        ({"projectId": PROJECT, "offset": "9" * 30}, "offset"),
        ({"projectId": PROJECT, "status": "green"}, "status"),
    ],
)
def test_wrong_queries_are_told(api: Api, query: dict[str, str], field: str) -> None:
    refused(api.http.get("/api/runs", params=query), 400, "VALIDATION_ERROR", field)


def test_deleting_a_run_takes_all_that_hangs_on_it(api: Api, other: Api) -> None:
    run, kept = api.new_run(), api.new_run()
    test = api.new_test(run)
    api.end_run(run)
    late = api.new_test(run)
    staying = api.new_test(kept)
    artifact = api.upload(run, testId=test["id"])

    assert checked(api.http.delete(f"/api/runs/{run['id']}"), 200) == {
        "success": True,
        "message": "Run deleted successfully",
    }
    for gone in (f"/api/runs/{run['id']}", f"/api/tests/{test['id']}", f"/api/tests/{late['id']}/steps"):
        refused(api.http.get(gone), 404, "NOT_FOUND")
    refused(api.http.get(artifact["url"]), 404, "NOT_FOUND")
    refused(api.http.delete(f"/api/runs/{run['id']}"), 404, "NOT_FOUND")
    refused(api.http.post("/api/tests", json=api.test_body(run)), 404, "NOT_FOUND")
    history = api.get(f"/api/tests/{staying['id']}/history")
    assert [each["runId"] for each in history["data"]] == [kept["id"]]
    assert history["total"] == 1


def test_a_project_is_its_own_world(api: Api, other: Api) -> None:
    run = api.new_run()
    assert other.get("/api/runs", projectId=OTHER_PROJECT)["total"] == 0
    refused(other.http.get(f"/api/runs/{run['id']}"), 404, "NOT_FOUND")
    refused(other.http.get("/api/runs", params={"projectId": PROJECT}), 403, "FORBIDDEN")
    refused(other.http.post("/api/tests", json=other.test_body(run)), 404, "NOT_FOUND")


def _totals(run: Any) -> tuple[int, ...]:
    return tuple(run[f"{name}Tests"] for name in ("total", "passed", "failed", "skipped", "flaky"))
