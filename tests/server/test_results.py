"""Results: every field, attempts, steps, lists, bulk."""

from __future__ import annotations

import gzip
import re
from typing import Any

import httpx
import pytest

from platform_report_server.settings import Settings
from server.support import KEY, PROJECT, Api, checked, refused, serving

pytestmark = pytest.mark.both_stores

STEPS: list[dict[str, Any]] = [
    {"title": "navigate to /login", "category": "action", "status": "passed", "duration": 820, "error": None},
    {
        "title": "expect(locator).toBeVisible()",
        "category": "assertion",
        "status": "failed",
        "duration": 30000.5,
        "error": {"message": "Timed out waiting for selector '.dashboard'"},
    },
]
EVERYTHING: dict[str, Any] = {
    "title": "should submit login form",
    "fullTitle": "Auth > Login Page > should submit login form",
    "filePath": "tests/auth/login.spec.ts",
    "lineNumber": 35,
    "status": "failed",
    "duration": 8320,
    "retries": 2,
    "attempt": 3,
    "isFlaky": False,
    "tags": ["@smoke", "@auth"],
    "annotations": [{"type": "slow", "description": "Includes network wait"}],
    "error": {
        "message": "Timed out waiting for selector '.dashboard'",
        "stack": "Error: Timed out\n    at login.spec.ts:42:5",
        "expected": "visible",
        "actual": "hidden",
    },
    "stdout": "line one\nline two\n",
    "stderr": "",
}


def test_every_field_comes_back(api: Api) -> None:
    run = api.new_run()
    made = api.new_test(run, **EVERYTHING, steps=STEPS)
    assert re.fullmatch(r"test_[0-9a-z]{14,26}", made["id"])
    assert made.keys() == {
        "id", "runId", "projectId", "title", "fullTitle", "status", "duration", "isFlaky", "createdAt",
    }  # fmt: skip
    shown = api.get(f"/api/tests/{made['id']}")
    assert shown.pop("isQuarantined") is False
    assert shown == EVERYTHING | {name: made[name] for name in ("id", "runId", "projectId", "createdAt")}
    assert api.get(f"/api/tests/{made['id']}/steps") == {"data": STEPS}


def test_a_bare_result_needs_no_more_than_the_required_fields(api: Api) -> None:
    run = api.new_run()
    body = {"runId": run["id"], "projectId": PROJECT, "title": "t", "fullTitle": "m > t", "status": "flaky"}
    made = checked(api.http.post("/api/tests", json=body | {"duration": 0.5, "error": None}), 201)
    shown = api.get(f"/api/tests/{made['id']}")
    assert shown["isFlaky"] is True  # its status says so
    assert shown["duration"] == 0.5
    assert (shown["filePath"], shown["error"], shown["tags"], shown["annotations"]) == (None, None, [], [])
    assert "attempts" not in shown
    assert api.get(f"/api/tests/{made['id']}/steps") == {"data": []}


def test_attempts_are_kept_as_they_came(api: Api) -> None:
    run = api.new_run()
    first = {
        "attempt": 1,
        "status": "failed",
        "startedAt": "2026-03-19T10:00:00Z",
        "duration": 12.5,
        "error": {"message": "boom"},
        "stdout": "out 1",
        "stderr": "err 1",
        "annotations": [{"type": "xfail", "description": "some day"}],
    }
    second = {"attempt": 2, "status": "passed", "startedAt": "2026-03-19T10:00:01Z", "duration": 10}
    deep = [
        {
            "title": "inner",
            "category": "fixture",
            "status": "passed",
            "duration": 1,
            "error": None,
            "depth": 1,
            "start": 7,
        }
    ]
    made = api.new_test(run, status="flaky", steps=STEPS, attempts=[first | {"steps": deep}, second | {"steps": STEPS}])
    assert api.get(f"/api/tests/{made['id']}")["attempts"] == [first, second]
    assert api.get(f"/api/tests/{made['id']}/steps")["data"] == STEPS
    assert api.get(f"/api/tests/{made['id']}/steps", attempt=1)["data"] == deep
    assert api.get(f"/api/tests/{made['id']}/steps", attempt=2)["data"] == STEPS
    refused(api.http.get(f"/api/tests/{made['id']}/steps?attempt=3"), 404, "NOT_FOUND")
    refused(api.http.get(f"/api/tests/{made['id']}/steps?attempt=x"), 400, "VALIDATION_ERROR", "attempt")


def test_a_title_that_changes_under_one_full_title_stays_with_its_result(api: Api) -> None:
    run = api.new_run()
    one, two = api.new_test(run, fullTitle="same"), api.new_test(run, "another title", fullTitle="same")
    assert [api.get(f"/api/tests/{each['id']}")["title"] for each in (one, two)] == ["test_ok", "another title"]
    assert api.get("/api/tests", projectId=PROJECT, search="another")["total"] == 1
    assert api.get(f"/api/tests/{one['id']}/history")["total"] == 2


def test_lists_are_in_order_of_arrival_and_the_newest_run_first(api: Api) -> None:
    old, new = api.new_run(), api.new_run()
    made = {(run["id"], title): api.new_test(run, title) for run in (old, new) for title in "cab"}
    expected = [made[run["id"], title]["id"] for run in (new, old) for title in "cab"]
    assert _ids(api, projectId=PROJECT) == expected
    assert _ids(api, projectId=PROJECT, limit=2, offset=2) == expected[2:4]
    assert _ids(api, projectId=PROJECT, runId=old["id"]) == expected[3:]
    listed = api.get("/api/tests", projectId=PROJECT, runId=old["id"], limit=1)
    assert (listed["total"], listed["limit"], listed["offset"]) == (3, 1, 0)


def test_lists_say_what_the_documentation_shows(api: Api) -> None:
    run = api.new_run()
    made = api.new_test(run, **EVERYTHING)
    api.new_test(run)
    failed = api.get("/api/tests", projectId=PROJECT, runId=run["id"], status="failed")["data"]
    more = {"filePath": EVERYTHING["filePath"], "error": EVERYTHING["error"], "isQuarantined": False}
    assert failed == [made | more]


def test_status_and_search_filter(api: Api) -> None:
    run, old = api.new_run(), api.new_run()
    statuses = {"Alpha_1": "passed", "alpha%2": "failed", "BETA": "failed", "ÄRGER": "skipped", "gamma": "flaky"}
    ids = {title: api.new_test(run, title, status=status)["id"] for title, status in statuses.items()}
    api.new_test(old, "alpha_old", status="failed")
    for query, expected in (
        ({"status": "failed"}, ["alpha%2", "BETA"]),
        ({"status": "passed"}, ["Alpha_1"]),
        ({"search": "ALPHA"}, ["Alpha_1", "alpha%2"]),
        ({"search": "%"}, ["alpha%2"]),
        ({"search": "a_"}, ["Alpha_1"]),
        ({"search": "ärger"}, ["ÄRGER"]),
        ({"search": "test_mod > beta", "status": "failed"}, ["BETA"]),
        ({"search": "\0"}, []),
        ({"search": "beta", "status": "passed"}, []),
    ):
        found = api.get("/api/tests", projectId=PROJECT, runId=run["id"], **query)
        assert [each["id"] for each in found["data"]] == [ids[title] for title in expected], query
        assert found["total"] == len(expected), query
    assert api.get("/api/tests", projectId=PROJECT, status="failed")["total"] == 3
    assert api.get("/api/tests", projectId=PROJECT, search="alpha")["total"] == 3


def test_a_search_goes_through_all_runs_of_a_project(api: Api) -> None:
    ended, late, running = api.new_run(), api.new_run(), api.new_run()
    runs = (ended, late, running)
    made = {run["id"]: [api.new_test(run, title, status="failed")["id"] for title in ("ONE", "two")] for run in runs}
    for run in (ended, late):
        api.end_run(run)
    made[late["id"]].append(api.new_test(late, "one", fullTitle="test_mod > two")["id"])  # a title of its own
    first, second = ended["id"], late["id"]
    expected = [made[running["id"]][0], made[second][0], made[second][2], made[first][0]]
    assert _ids(api, projectId=PROJECT, search="one") == expected
    assert _ids(api, projectId=PROJECT, search="one", limit=2, offset=1) == expected[1:3]
    assert _ids(api, projectId=PROJECT, search="one", status="passed") == expected[2:3]
    assert api.get("/api/tests", projectId=PROJECT, search="one", status="failed", limit=1)["total"] == 3


def test_a_search_for_many_tests_counts_no_further_than_it_must(api: Api) -> None:
    run = api.new_run()
    for start in (0, 500, 1000):
        api.bulk([api.test_body(run, f"test_{number:04}") for number in range(start, start + 500)])
    for where in ({}, {"runId": run["id"]}):
        pages = [
            api.get("/api/tests", projectId=PROJECT, search="TEST_", limit=50, offset=offset, **where)
            for offset in (0, 1450)
        ]
        assert [page["total"] for page in pages] == [550, 1500]
        assert [page["data"][0]["title"] for page in pages] == ["test_0000", "test_1450"]
    assert api.get("/api/tests", projectId=PROJECT, search="test_", status="failed")["total"] == 0


def test_a_list_of_a_run_that_is_not_there_is_not_found(api: Api) -> None:
    refused(api.http.get("/api/tests", params={"projectId": PROJECT, "runId": "run_nope"}), 404, "NOT_FOUND")


def test_bulk_answers_one_entry_a_test_in_order(api: Api) -> None:
    run, second = api.new_run(), api.new_run()
    tests: list[Any] = [
        api.test_body(run, "first", status="failed", error={"message": "boom"}),
        {"title": 1},
        api.test_body(second, "second"),
        api.test_body({"id": "run_0000000000000"}),
        api.test_body(run, projectId="proj_of_somebody"),
        "no test at all",
        api.test_body(run, "third", steps=[{"title": "s", "category": "dance"}]),
        api.test_body(run, "fourth", duration=3.25),
    ]
    entries = api.bulk(tests)
    codes = [entry["error"]["code"] if "error" in entry else "" for entry in entries]
    invalid, missing, forbidden = "VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN"
    assert codes == ["", invalid, "", missing, forbidden, invalid, invalid, ""]
    assert entries[6]["error"]["details"]["field"] == "steps[0].category"
    assert [entries[place]["title"] for place in (0, 2, 7)] == ["first", "second", "fourth"]
    assert _ids(api, projectId=PROJECT, runId=run["id"]) == [entries[0]["id"], entries[7]["id"]]
    assert api.get(f"/api/tests/{entries[0]['id']}")["error"] == {"message": "boom"}
    assert api.get(f"/api/runs/{second['id']}")["totalTests"] == 1


def test_bulk_takes_five_hundred_and_no_more(api: Api) -> None:
    run = api.new_run()
    tests = [api.test_body(run, f"t{number}", stdout=f"out {number}") for number in range(500)]
    entries = api.bulk(tests)
    assert len({entry["id"] for entry in entries}) == 500
    for place in (0, 63, 64, 65, 255, 499):  # around the edges of the stored chunks
        assert api.get(f"/api/tests/{entries[place]['id']}")["stdout"] == f"out {place}"
    assert _ids(api, projectId=PROJECT, runId=run["id"], limit=200, offset=400) == [e["id"] for e in entries[400:]]
    message = refused(
        api.http.post("/api/tests/bulk", json={"tests": tests + tests[:1]}), 400, "VALIDATION_ERROR", "tests"
    )
    assert "at most 500" in message
    assert api.get(f"/api/runs/{run['id']}")["totalTests"] == 500
    assert api.bulk([]) == []


@pytest.mark.parametrize("path", ["/api/tests/bulk", "/api/tests"])
def test_bodies_may_be_gzipped(api: Api, path: str) -> None:
    run = api.new_run()
    body = api.http.build_request("POST", path, json={"tests": [api.test_body(run)]} | api.test_body(run)).read()
    response = api.http.post(path, content=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    assert response.is_success, response.text
    assert api.get(f"/api/runs/{run['id']}")["totalTests"] == 1


def _ids(api: Api, **query: Any) -> list[str]:
    return [each["id"] for each in api.get("/api/tests", **query)["data"]]


def test_a_run_that_another_server_deletes_is_found_gone(api: Api, settings: Settings) -> None:
    run = api.new_run()
    for _ in range(2):  # the second time, this server remembers run and test
        api.new_test(run)
    with serving(settings) as url:
        assert httpx.delete(f"{url}/api/runs/{run['id']}", headers={"X-API-Key": KEY}).is_success
    refused(api.http.post("/api/tests", json=api.test_body(run)), 404, "NOT_FOUND")
    again = api.new_run()
    assert api.new_test(again)["title"] == "test_ok"
    assert [test["title"] for test in api.get("/api/tests", projectId=PROJECT)["data"]] == ["test_ok"]
