"""Errors: one shape, over every route and every way to be wrong."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import replace
from typing import Any

import httpx
import pytest

from platform_report_server.api.routes import api_routes
from platform_report_server.settings import Settings
from server.support import KEY, PROJECT, Api, refused, serving, with_store

EMPTY_BLOCK = b"\0\0\0\xff\xff"  # five bytes of gzip that stand for none
OPERATIONS = {(route.path, method): each for route in api_routes() for method, each in route.operations.items()}
JSON_ROUTES = [place for place, each in OPERATIONS.items() if each.body is not None and not each.is_form]


def filled(path: str, **ids: str) -> str:
    unknown = {name: f"{name.removesuffix('_id')}_0000000000000" for name in re.findall(r"{(\w+)}", path)}
    return path.format(**unknown | ids)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": NaN}',
        b'{"projectId": "\\ud800"}',
        b'{"tests": 1, "projectId": 1, "status": 1, "name": 1, "url": 1, "flakinessThreshold": []}',
        b'{"tests": {}, "projectId": [], "status": {}, "name": [], "url": {}, "flakinessThreshold": 2}',
    ],
)
def test_bad_bodies_are_refused_in_words(standing: Api, body: bytes) -> None:
    run = standing.new_run()
    for path, method in JSON_ROUTES:
        response = standing.http.request(method, filled(path, run_id=run["id"]), content=body)
        assert refused(response, 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("path", "field", "value", "words"),
    [
        ("/api/runs", "status", "cancelled", "expected one of running, passed, failed, got 'cancelled'"),
        ("/api/runs", "workers", "four", "Expected int | null, got str"),
        ("/api/runs", "workers", -1, ">= 0"),
        ("/api/runs", "workers", 2**60, "<= 9007199254740992"),
        ("/api/runs", "tags", ["a", 1], "Expected str, got int"),
        ("/api/runs", "projectId", "", "matching regex"),
        ("/api/runs", "projectId", "nul\0", "matching regex"),
        ("/api/tests", "status", "broken", "expected one of passed, failed, skipped, flaky"),
        ("/api/tests", "title", "", "length >= 1"),
        ("/api/tests", "duration", -0.5, ">= 0"),
        ("/api/tests", "duration", "1", "got str"),
        ("/api/tests", "attempt", 0, ">= 1"),
        ("/api/tests", "isFlaky", "yes", "Expected bool | null"),
        ("/api/tests", "error", {"stack": "no message"}, "required"),
        ("/api/tests", "annotations", [{}], "required"),
    ],
)
def test_a_wrong_field_is_named(standing: Api, path: str, field: str, value: Any, words: str) -> None:
    run = standing.new_run()
    body = {"projectId": PROJECT, "status": "running"} if path == "/api/runs" else standing.test_body(run)
    response = standing.http.post(path, json=body | {field: value})
    message = refused(response, 400, "VALIDATION_ERROR")
    assert words in message
    assert response.json()["error"]["details"]["field"].startswith(field)


@pytest.mark.parametrize("field", ["runId", "projectId", "title", "fullTitle", "status", "duration"])
def test_a_missing_field_is_told_as_documented(standing: Api, field: str) -> None:
    body = standing.test_body(standing.new_run())
    del body[field]
    assert standing.http.post("/api/tests", json=body).json() == {
        "error": {
            "code": "VALIDATION_ERROR",
            "message": f"Field '{field}' is required",
            "details": {"field": field, "reason": "required"},
        }
    }


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_other_methods_and_other_paths_are_not_found(standing: Api, path: str, method: str) -> None:
    wrong = standing.http.put(filled(path))
    assert "There is no PUT" in refused(wrong, 404, "NOT_FOUND")
    assert method in wrong.headers["Allow"]
    for unknown in (filled(path) + "/", filled(path) + "/more/of/it"):
        refused(standing.http.request(method, unknown), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/nonsense",
        "/api/runs/run_",
        "/api/runs/run_zzzzzzzzzzzzz",
        "/api/runs/run_6h01mgtp9km0000",
        "/api/runs/test_6h01mgtp9km00",
        "/api/runs/run_6h01mgtp9kmu0",
        "/api/runs/%00",
        "/api/runs/%ff%ed%a0%80",
        "/api/runs/..%2f..%2fetc",
        "/api/tests/test_6h01mgtp9km00",
        "/api/tests/test_6h01mgtp9km00zzzzzzzzzzzzzzzzz",
        "/api/tests/test_6h01mgtp9km00zzzzzzzzzzz/steps",
        "/api/tests/nonsense/history",
        "/api/tests/test_6h01mgtp9km00/history",
    ],
)
def test_ids_that_are_none_are_not_found(standing: Api, path: str) -> None:
    refused(standing.http.get(path), 404, "NOT_FOUND")


@pytest.fixture
def small(settings: Settings) -> Settings:
    return replace(settings, largest_json=10_000)


def test_large_bodies_are_refused_before_they_are_taken_in(small: Settings) -> None:
    with serving(small) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
        bomb = gzip.compress(bytes(50_000_000))
        for path, method in JSON_ROUTES:
            place = filled(path)
            refused(http.request(method, place, content=b" " * 10_001), 413, "PAYLOAD_TOO_LARGE")
            refused(http.request(method, place, content=iter([b" " * 6_000] * 2)), 413, "PAYLOAD_TOO_LARGE")
            for body in (bomb[:9_000], iter([gzip.compress(b"{}")[:10], *[EMPTY_BLOCK * 100] * 200])):
                zipped = http.request(method, place, content=body, headers={"Content-Encoding": "gzip"})
                refused(zipped, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b'{"projectId": "p"}', mtime=0)[:-4]),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more"),
        ("gzip", zlib.compress(b"{}")),
        ("br", b"{}"),
    ],
)
def test_bad_encodings_are_refused(standing: Api, encoding: str, body: bytes) -> None:
    response = standing.http.post("/api/runs", content=body, headers={"Content-Encoding": encoding})
    refused(response, 400, "VALIDATION_ERROR")


def test_our_own_failures_show_no_internals(api: Api, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    run = api.new_run()
    test = api.new_test(run)
    with_store(settings, "UPDATE detail SET data = x'00'")
    message = refused(api.http.get(f"/api/tests/{test['id']}"), 500, "INTERNAL_ERROR")
    assert message == "The server failed; its log says more"
    assert "zlib.error" in caplog.text
