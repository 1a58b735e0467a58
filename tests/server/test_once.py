"""Idempotency keys: the first answer again, whatever was asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from platform_report_server.settings import Settings
from server.support import PNG, PROJECT, Api, checked, in_threads, refused, serving, with_store

pytestmark = pytest.mark.both_stores

Send = Callable[[Api, Any, str, dict[str, str]], httpx.Response]


def _post_run(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    return api.http.post("/api/runs", json={"projectId": PROJECT, "status": "running", "branch": word}, headers=headers)


def _patch_run(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    return api.http.patch(f"/api/runs/{run['id']}", json={"duration": len(word)}, headers=headers)


def _post_test(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    return api.http.post("/api/tests", json=api.test_body(run, word), headers=headers)


def _post_bulk(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    return api.http.post("/api/tests/bulk", json={"tests": [api.test_body(run, word), {}]}, headers=headers)


def _post_suite(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    body = {"runId": run["id"], "projectId": PROJECT, "title": word}
    return api.http.post("/api/test-suites", json=body, headers=headers)


def _upload(api: Api, run: Any, word: str, headers: dict[str, str]) -> httpx.Response:
    data = {"type": "screenshot", "runId": run["id"], "projectId": PROJECT}
    return api.http.post("/api/upload", data=data, files={"file": (f"{word}.png", PNG)}, headers=headers)


WRITES = [_post_run, _patch_run, _post_test, _post_bulk, _post_suite, _upload]


@pytest.mark.parametrize("send", WRITES)
def test_the_first_answer_is_given_again(api: Api, send: Send) -> None:
    run = api.new_run()
    first = send(api, run, "one", {"Idempotency-Key": "key-1"})
    assert first.is_success, first.text
    rows = _rows(api, run)
    again = send(api, run, "one", {"Idempotency-Key": "key-1"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert _rows(api, run) == rows
    other = send(api, run, "another", {"Idempotency-Key": "key-1"})
    assert "used before" in refused(other, 400, "VALIDATION_ERROR", "Idempotency-Key")
    assert send(api, run, "another", {"Idempotency-Key": "key-2"}).is_success


def test_without_a_key_every_write_counts(api: Api) -> None:
    run = api.new_run()
    assert _post_test(api, run, "t", {}).json()["id"] != _post_test(api, run, "t", {}).json()["id"]


def test_a_key_belongs_to_its_project_and_its_endpoint(api: Api, other: Api) -> None:
    headers = {"Idempotency-Key": "the same"}
    run, second = api.new_run(), api.new_run()
    answers = [send(api, run, "one", headers) for send in WRITES] + [_patch_run(api, second, "one", headers)]
    assert all(answer.is_success for answer in answers)
    body = {"projectId": other.project, "status": "running", "branch": "one"}
    assert checked(other.http.post("/api/runs", json=body, headers=headers), 201)["id"] != answers[0].json()["id"]


def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    headers = {"Idempotency-Key": "key"}
    refused(_post_test(api, {"id": "run_0000000000000"}, "t", headers), 404, "NOT_FOUND")
    checked(_post_test(api, api.new_run(), "t", headers), 201)


@pytest.mark.one_store
@pytest.mark.parametrize("key", ["", "k" * 256])
def test_keys_have_a_length(api: Api, key: str) -> None:
    refused(_post_run(api, None, "b", {"Idempotency-Key": key}), 400, "VALIDATION_ERROR", "Idempotency-Key")


def test_one_key_at_once_from_many_writes_once(api: Api) -> None:
    run = api.new_run()
    answers = in_threads(8, lambda _: _post_test(api, run, "t", {"Idempotency-Key": "key"}))
    assert len({answer.content for answer in answers}) == 1
    assert api.get(f"/api/runs/{run['id']}")["totalTests"] == 1


def test_keys_end_after_seven_days(api: Api, settings: Settings) -> None:
    run = api.new_run()
    headers = {"Idempotency-Key": "key"}
    first = checked(_post_test(api, run, "t", headers), 201)
    ((milliseconds,),) = with_store(settings, "SELECT expires_at - created_at FROM idempotency, run")
    assert milliseconds / 86_400_000 == pytest.approx(7, abs=0.01)
    checked(_post_test(api, run, "t", {"Idempotency-Key": "another"}), 201)
    with_store(settings, "UPDATE idempotency SET expires_at = 1")
    assert checked(_post_test(api, run, "t", headers), 201)["id"] != first["id"]
    assert with_store(settings, "SELECT count(*) FROM idempotency") == [(2,)]
    with serving(settings):  # the rest is deleted at a start, and every hour
        pass
    assert with_store(settings, "SELECT count(*) FROM idempotency") == [(1,)]


def _rows(api: Api, run: Any) -> list[Any]:
    paths = ("/api/runs", "/api/tests", "/api/test-suites", "/api/artifacts")
    lists = [api.get(path, projectId=PROJECT, runId=run["id"])["data"] for path in paths]
    return [[each["id"] for each in rows] for rows in lists]
