"""Runs as files: what each format says, what hostile text cannot do in it, what it takes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_report_server import ids
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.runs import add_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewRun, NewTest, TestError
from platform_report_server.settings import Settings
from server.browsing import Page
from server.filled import texts_of
from server.support import HOSTILE, PNG, PROJECT, ZIP, Api, checked, in_store, refused, with_store

STARTED = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M}"
SCHEMA = json.loads(Path(__file__).with_name("ctrf-schema-0.0.json").read_text())


@pytest.fixture
def varied(api: Api) -> dict[str, httpx.Response]:
    """The exports of a run in which tests ended in every way."""
    run = api.new_run(runTitle="Night / ly", branch="main", commitSha="a1b2", hostname="ci-1", metadata={"os": "x"})
    failed = {"message": "AssertionError: 1 == 2\x1b[31m\x02", "stack": "E  assert", "expected": "2", "actual": "1"}
    first = {"status": "failed", "error": {"message": "ValueError: first"}, "stdout": "tried"}
    again = [
        first | {"attempt": 1, "startedAt": f"{STARTED}:05Z"},
        {"attempt": 2, "status": "passed", "duration": 7, "startedAt": f"{STARTED}:08Z"},
    ]
    ok: dict[str, Any] = {"startedAt": f"{STARTED}:07Z"}
    lane: dict[str, Any] = {"startedAt": f"{STARTED}:05Z", "worker": "gw1", "shard": 2}
    broken = [{"title": "setup", "category": "hook", "status": "failed"}]
    told = [("skip", "not now"), ("parameter", "x=1"), ("parameter", "y=2"), ("report-id", "0abc")]
    notes = [{"type": kind, "description": text} for kind, text in told]
    bodies = [
        api.test_body(run, "test_ok", tags=["@smoke"], stdout="said", duration=1500, lineNumber=7, **ok),
        api.test_body(run, "test_bad", fullTitle="test_mod > TestA > test_bad", status="failed", error=failed),
        api.test_body(run, "test_again", status="flaky", retries=1, attempts=again, **lane),
        api.test_body(run, "test_never", status="failed", error=failed, attempts=[again[0], again[0] | {"attempt": 2}]),
        api.test_body(run, "test_setup", status="failed", error={"message": "OSError: no"}, steps=broken),
        api.test_body(run, "test_later", status="skipped", annotations=notes),
        api.test_body(run, "Pay by card", fullTitle="test_other > test_pay[a > b]", filePath="tests/test_other.py"),
    ]
    entries = api.bulk(bodies)
    api.upload(run, testId=entries[1]["id"])
    api.upload(run, "trace.zip", ZIP, "trace", testId=entries[1]["id"])
    api.upload(run, "all.zip", ZIP, "report")
    api.end_run(run, status="failed", duration=9000)
    return {kind: export(api, run, kind) for kind in ("junit", "ctrf", "csv", "html")}


@pytest.mark.both_stores
def test_every_format(varied: dict[str, httpx.Response]) -> None:
    for kind, media_type in (("junit", "application/xml"), ("ctrf", "application/json"), ("csv", "text/csv")):
        headers = varied[kind].headers
        assert headers["content-type"].partition(";")[0] == media_type
        assert headers["content-encoding"] == "gzip"
        assert headers["content-disposition"].startswith('attachment; filename="Night-ly-run_')
    _check_junit(varied["junit"].content)
    _check_table(varied["csv"].text)
    _check_page(varied["html"].text)
    _check_ctrf(varied["ctrf"].json())


def _check_junit(content: bytes) -> None:
    root = ET.fromstring(content)
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {"tests": "7", "failures": "2", "errors": "1", "skipped": "1", "time": "9.000"}
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["tests.test_mod", "tests.test_mod.TestA", "tests.test_other"]
    assert suites["tests.test_mod"].get("tests") == "5"
    assert suites["tests.test_mod"].get("hostname") == "ci-1"
    assert suites["tests.test_mod"].get("timestamp") == f"{STARTED}:05.000Z"
    cases = {case.get("name"): case for case in root.iter("testcase")}
    good = cases["test_ok"]
    assert (good.get("classname"), good.get("time"), good.get("line")) == ("tests.test_mod", "1.500", "7")
    assert [(each.get("name"), each.get("value")) for each in good.iter("property")] == [("tag", "@smoke")]
    assert good.findtext("system-out") == "said"
    bad = cases["test_bad"][0]
    assert (bad.tag, bad.get("type"), bad.text) == ("failure", "AssertionError", "E  assert")
    assert bad.get("message") == "AssertionError: 1 == 2\N{REPLACEMENT CHARACTER}"
    assert [each.tag for each in cases["test_again"]] == ["flakyFailure"]
    assert cases["test_again"].findtext("flakyFailure/system-out") == "tried"
    assert [each.tag for each in cases["test_never"]] == ["failure", "rerunFailure"]
    assert [each.tag for each in cases["test_setup"]] == ["error"]
    properties, skipped = cases["test_later"]
    assert [each.get("value") for each in properties] == ["x=1", "y=2"]
    assert (skipped.tag, skipped.get("type"), skipped.get("message")) == ("skipped", "pytest.skip", "not now")
    assert cases["test_pay[a > b]"].get("classname") == "tests.test_other"


def _check_ctrf(report: Any) -> None:
    # where OpenAPI documents are checked, this is there as well
    pytest.importorskip("jsonschema").Draft7Validator(SCHEMA).validate(report)
    results = report["results"]
    counts = [results["summary"][name] for name in ("tests", "passed", "failed", "skipped", "flaky", "duration")]
    assert counts == [7, 3, 3, 1, 1, 9000]
    tests = {test["name"]: test for test in results["tests"]}
    again = tests["test_again"]
    assert (again["stop"] - again["start"], again["threadId"]) == (3007, "shard 2, gw1")
    assert (results["summary"]["start"], results["summary"]["stop"]) == (again["start"], again["start"] + 3500)
    assert "start" not in tests["test_bad"]
    assert tests["test_bad"]["suite"] == ["test_mod", "TestA"]
    assert tests["test_again"]["flaky"]
    assert tests["test_again"]["status"] == "passed"
    assert [each["status"] for each in tests["test_again"]["retryAttempts"]] == ["failed"]
    assert tests["test_ok"]["stdout"] == ["said"]
    assert tests["test_later"]["labels"] == {"skip": "not now", "parameter": ["x=1", "y=2"]}
    assert tests["test_later"]["message"] == "not now"
    shot, _ = tests["test_bad"]["attachments"]
    assert shot["contentType"] == "image/png"
    assert httpx.get(shot["path"]).content == PNG


def _check_table(text: str) -> None:
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert text.count("\r\n") == len(rows) + 1 == 8
    assert (rows["test_pay[a > b]"]["title"], rows["test_pay[a > b]"]["suite"]) == ("Pay by card", "test_other")
    bad = rows["test_bad"]
    assert (bad["status"], bad["files"], bad["file"]) == ("failed", "shot.png trace.zip", "tests/test_mod.py")
    assert rows["test_ok"]["duration_ms"] == "1500.0"
    assert (rows["test_ok"]["started_at"], bad["started_at"]) == (f"{STARTED}:07.000Z", "")


def _check_page(source: str) -> None:
    page = Page(source)
    assert page.title == "Night / ly: failed"
    order = [page.text.index(text) for text in ("Failures", "E  assert", "OSError: no", "Flaky", "All tests")]
    assert order == sorted(order)
    for shown in (
        "not now",
        "test_ok",
        "Pay by card",
        "trace.zip",
        "all.zip",
        "tried",
        "Expected",
        "Attempt 2",
        "1.5 s",
    ):
        assert shown in page.text
    (image,) = page.images
    assert image.startswith("data:image/png;base64,iVBORw0KG")
    assert {httpx.get(link).status_code for link in page.links} == {200}


def test_hostile_text_is_only_text(api: Api) -> None:
    run = api.new_run(**texts_of(NewRun, HOSTILE, projectId=PROJECT, status="running"))
    for status in ("failed", "flaky", "skipped"):
        body = texts_of(NewTest, HOSTILE, runId=run["id"], projectId=PROJECT, status=status, filePath=HOSTILE + status)
        body["annotations"].append({"type": "skip", "description": HOSTILE})
        body["attempts"] += [body["attempts"][0] | {"attempt": 2}]
        test = checked(api.http.post("/api/tests", json=body), 201)
        api.upload(run, "<img onerror=alert(1)>.png", testId=test["id"])
    formula = '=HYPERLINK("http://evil")'
    api.bulk([api.test_body(run, start + formula) for start in ("", "+", "-", "@", "\t", "\r", "\x1b[31m", "\uff1d")])

    answer = export(api, run, "html")
    page = Page(answer.text)
    assert not {"script", "iframe", "object", "embed", "form", "svg", "base", "link"} & page.tags
    assert page.handlers == set()
    assert all(image.startswith("data:image/png;base64,") for image in page.images)
    assert all(link.startswith(str(api.http.base_url)) for link in page.links)
    assert page.text.count("<script>alert('x')</script>") > 20
    assert not {"\x1b", "\0", "\u202e"} & set(page.source)
    assert "{{ 7 * 7 }}" in page.text
    (policy,) = [line for line in answer.text.splitlines() if "Content-Security-Policy" in line]
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in policy
    assert "unsafe" not in policy

    assert sum(1 for _ in ET.fromstring(export(api, run, "junit").content).iter("testcase")) == 11
    assert len(export(api, run, "ctrf").json()["results"]["tests"]) == 11
    rows = list(csv.reader(io.StringIO(export(api, run, "csv").text, newline="")))
    assert len(rows) == 12
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]


def test_pictures_are_in_the_page_up_to_a_size(api: Api, settings: Settings) -> None:
    run = api.new_run()
    good, bad = api.new_test(run), api.new_test(run, status="failed")
    for size in (1000, 190_000, 210_000):
        api.upload(run, f"{size}.png", PNG + bytes(size), testId=bad["id"])
    api.upload(run, "good.png", PNG, testId=good["id"])

    def sizes() -> list[int]:
        return sorted(len(image) for image in Page(export(api, run, "html").text).images)

    assert [size > 200_000 for size in sizes()] == [False, True]
    digest = hashlib.sha256(PNG + bytes(210_000)).hexdigest()
    with_store(settings, f"INSERT INTO thumbnail (sha256, data) VALUES (x'{digest}', x'00')")
    assert sizes()[0] == len("data:image/webp;base64,AA==")


def test_what_is_asked_for_is_checked(api: Api) -> None:
    run = api.new_run(runTitle='"; filename=../../etc/passwd\r\nX: y')
    path = f"/api/runs/{run['id']}/export"
    assert "expected one of junit, ctrf, csv, html" in refused(
        api.http.get(path, params={"format": "pdf"}), 400, "VALIDATION_ERROR", "format"
    )
    refused(api.http.get(path), 400, "VALIDATION_ERROR", "format")
    refused(api.http.get("/api/runs/run_0000000000000/export?format=csv"), 404, "NOT_FOUND")
    name = "filename-..-..-etc-passwd-X-y"
    head = api.http.head(path, params={"format": "csv"})
    assert head.headers["content-disposition"] == f'attachment; filename="{name}-{run["id"]}.csv"'
    assert not head.content
    for accepted, encoding in (("gzip;q=0, *", None), ("br, gzip;q=0.5", "gzip"), ("identity", None)):
        answer = api.http.get(path, params={"format": "csv"}, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == encoding
        assert answer.text.startswith("test_id,status,")


@pytest.mark.both_stores
def test_who_leaves_makes_room(api: Api) -> None:
    run = api.new_run()
    for count in (500, 100):
        api.bulk([api.test_body(run, f"test_{number}", stdout="x" * 4000) for number in range(count)])
    path = f"/api/runs/{run['id']}/export?format=junit"
    for _ in range(17):  # more than PostgreSQL has readers
        with api.http.stream("GET", path, headers={"Accept-Encoding": "identity"}) as answer:
            assert answer.status_code == 200
    assert len(export(api, run, "csv").text.splitlines()) == 601


_CHILD = """
import os, re, sys
from contextlib import contextmanager
from pathlib import Path
from platform_report_server.exports import stored
from platform_report_server.settings import Settings

@contextmanager
def nowhere(name):
    with open(os.devnull, "wb") as file:
        yield file

def peak():
    return int(re.search(r"^VmHWM:\\s+(\\d+) kB$", Path("/proc/self/status").read_text(), re.M)[1])

folder, project, few, many = sys.argv[1:]
settings = Settings.served(Path(folder), {})
for run in (few, many):
    stored.export_run(settings, project, run, "junit", nowhere)  # it keeps most from one result to the next
    print(peak())
"""


@pytest.mark.newest
def test_memory_does_not_grow_with_the_run(settings: Settings) -> None:
    def fill(write: Write) -> list[str]:
        project = ensure_project(write, PROJECT)
        return [_filled(write, project, count) for count in (1_000, 20_000)]

    runs = in_store(settings, fill)
    arguments = [str(settings.staging.parents[1]), PROJECT, *runs]
    done = subprocess.run([sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, check=True)
    few, many = map(int, done.stdout.split())
    assert many - few < 8 * 1024  # KiB; what the tests of the larger run printed would take 40 MiB


def _filled(write: Write, project: int, count: int) -> str:
    run = add_run(write, project, NewRun(PROJECT, "running"))
    told: dict[str, Any] = {"run_id": "", "project_id": PROJECT, "duration": 5, "stdout": "x" * 2000}
    for start in range(0, count, 1000):
        tests = [
            NewTest(
                **told,
                title=f"test_{number}",
                full_title=f"test_{number % 40} > test_{number}",
                file_path=f"test_{number % 40}.py",
                status="failed" if number % 50 == 0 else "passed",
                error=TestError("no") if number % 50 == 0 else None,
            )
            for number in range(start, start + 1000)
        ]
        add_results(write, project, run.id, tests)
    return ids.encode("run", run.id)


def export(api: Api, run: Any, kind: str) -> httpx.Response:
    answer = api.http.get(f"/api/runs/{run['id']}/export", params={"format": kind})
    assert answer.status_code == 200, answer.text
    return answer
