"""Suites."""

from __future__ import annotations

from typing import Any

import pytest

from server.support import PROJECT, Api, checked, refused

pytestmark = pytest.mark.both_stores


def test_a_tree(api: Api) -> None:
    run = api.new_run()
    top = _suite(api, run, "Auth", 201)
    page = _suite(api, run, "Login Page", 201, parentSuiteId=top["id"])
    assert (
        page.items()
        >= {
            "runId": run["id"],
            "projectId": PROJECT,
            "title": "Login Page",
            "filePath": "tests/auth/login.spec.ts",
            "parentSuiteId": top["id"],
        }.items()
    )
    assert page["id"].startswith("suite_")
    assert page["createdAt"].endswith("Z")
    second = _suite(api, run, "Billing", 201, filePath=None)

    tree = api.get("/api/test-suites", runId=run["id"], projectId=PROJECT)["data"]
    leaf = {"id": page["id"], "title": "Login Page", "filePath": page["filePath"], "parentSuiteId": top["id"]}
    assert tree == [
        {
            "id": top["id"],
            "title": "Auth",
            "filePath": "tests/auth/login.spec.ts",
            "parentSuiteId": None,
            "children": [leaf | {"children": []}],
        },
        {"id": second["id"], "title": "Billing", "filePath": None, "parentSuiteId": None, "children": []},
    ]


def test_the_same_suite_is_found_again_not_doubled(api: Api) -> None:
    run, another = api.new_run(), api.new_run()
    first = _suite(api, run, "Auth", 201)
    assert _suite(api, run, "Auth", 200) == first
    ids = {
        first["id"],
        _suite(api, another, "Auth", 201)["id"],
        _suite(api, run, "Auth", 201, filePath="elsewhere.ts")["id"],
        _suite(api, run, "Auth", 201, parentSuiteId=first["id"])["id"],
    }
    assert len(ids) == 4


def test_a_parent_must_be_of_the_same_run(api: Api) -> None:
    run, another = api.new_run(), api.new_run()
    stranger = _suite(api, another, "Auth", 201)["id"]
    for parent in (stranger, "suite_0000000000000", "nonsense"):
        body = {"runId": run["id"], "projectId": PROJECT, "title": "Auth", "parentSuiteId": parent}
        refused(api.http.post("/api/test-suites", json=body), 400, "VALIDATION_ERROR", "parentSuiteId")


def test_tests_bring_their_suites(api: Api) -> None:
    run, another = api.new_run(), api.new_run()
    top = _suite(api, run, "test_a", 201, filePath="test_a.py")
    places = [("test_a.py", "test_a"), ("test_a.py", "test_a", "TestIt\0"), ("test_b.py", "test_b"), ("", "loose")]
    tests = [_test(run, *place, title=str(number)) for number, place in enumerate(2 * places)]
    tests += [_test(another, "test_a.py", "test_a"), _test(another, "test_a.py", *101 * ["deep"]), _test(another, "")]
    entries = checked(api.http.post("/api/tests/bulk", json={"tests": tests}), 200)["data"]
    assert [entry["error"]["details"]["field"] for entry in entries if "error" in entry] == ["suites"]
    for place in (("test_a.py", "test_a"), ("test_b.py", "test_b", "TestIt"), ("test_b.py", "test_b", "TestIt")):
        checked(api.http.post("/api/tests", json=_test(run, *place)), 201)
    assert _tree(api, run) == {
        "test_a": {"TestIt\ufffd": {}},
        "test_b": {"TestIt": {}},
        "loose": {},
    }
    assert _suite(api, run, "test_a", 200, filePath="test_a.py")["id"] == top["id"]
    assert _tree(api, another) == {"test_a": {}}
    refused(api.http.post("/api/tests", json=_test(run, "a", "")), 400, "VALIDATION_ERROR", "suites[0]")


def test_suites_go_with_their_run(api: Api) -> None:
    run = api.new_run()
    checked(api.http.post("/api/tests", json=_test(run, "test_a.py", "test_a")), 201)
    checked(api.http.delete(f"/api/runs/{run['id']}"), 200)
    refused(api.http.post("/api/tests", json=_test(run, "test_a.py", "test_a")), 404, "NOT_FOUND")


def _test(run: Any, file_path: str, *suites: str, title: str = "test_it") -> dict[str, Any]:
    about = {"runId": run["id"], "projectId": PROJECT, "filePath": file_path, "suites": suites}
    return about | {"title": title, "fullTitle": " > ".join((*suites, title)), "status": "passed", "duration": 1}


def _tree(api: Api, run: Any) -> dict[str, Any]:
    def titles(suites: Any) -> dict[str, Any]:
        return {suite["title"]: titles(suite["children"]) for suite in suites}

    return titles(api.get("/api/test-suites", runId=run["id"], projectId=PROJECT)["data"])


def _suite(api: Api, run: Any, title: str, status: int, **fields: Any) -> Any:
    body = {"runId": run["id"], "projectId": PROJECT, "title": title, "filePath": "tests/auth/login.spec.ts"}
    return checked(api.http.post("/api/test-suites", json=body | fields), status)
