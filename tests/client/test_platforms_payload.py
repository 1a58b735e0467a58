"""Bodies of the reporting API, and the rules for artifacts."""

from __future__ import annotations

import json

import pytest

from pytest_platform_report.artifacts import guess_type
from pytest_platform_report.model import Annotation, Attempt, Failure, Lane, Place, Result, Step
from pytest_platform_report.platforms import payload
from pytest_platform_report.platforms.artifacts import check, mime_type, safe_name
from pytest_platform_report.platforms.capabilities import Capabilities

PLAIN = Capabilities()
RICH = Capabilities(bulk=500, idempotency=True, attempts=True, attachments=True)
PLACE = Place("t/test_a.py::TestB::test_c[1]", "t/test_a.py", 12, ("test_a", "TestB"), "test_c[1]")
CALL = Failure("call", "assert 1 == 2", "stack of call", expected="2", actual="1")
TEARDOWN = Failure("teardown", "OSError: gone", "stack of teardown")


def body(*attempts: Attempt, capabilities: Capabilities = PLAIN, place: Place = PLACE) -> dict[str, object]:
    result = Result("r1", place, attempts, tags=("@slow",))
    fields = payload.test_fields(result, run_id="run_1", project="proj_1", capabilities=capabilities, lane=Lane())
    json.dumps(fields, allow_nan=False)
    return fields


def test_passed() -> None:
    attempt = Attempt("passed", 0.0, 12.6, annotations=(Annotation("parameter", "1"),), stdout="out", stderr="err")
    assert body(attempt) == {
        "runId": "run_1",
        "projectId": "proj_1",
        "title": "test_c[1]",
        "fullTitle": "test_a > TestB > test_c[1]",
        "filePath": "t/test_a.py",
        "lineNumber": 12,
        "status": "passed",
        "duration": 13,
        "retries": 0,
        "attempt": 1,
        "isFlaky": False,
        "tags": ["@slow"],
        "annotations": [
            {"type": "parameter", "description": "1"},
            {"type": "report-id", "description": "r1"},
        ],
        "error": None,
        "steps": [],
        "stdout": "out",
        "stderr": "err",
    }


def test_title_that_the_test_was_given() -> None:
    result = Result("r1", PLACE, (Attempt("passed", 0.0, 1.0),), shown_as="Pay by card")
    fields = payload.test_fields(result, run_id="run_1", project="proj_1", capabilities=PLAIN, lane=Lane())
    assert (fields["title"], fields["fullTitle"]) == ("Pay by card", "test_a > TestB > test_c[1]")


def test_suites_where_the_platform_knows_them() -> None:
    attempt = Attempt("passed", 0.0, 1.0)
    assert "suites" not in body(attempt)
    assert body(attempt, capabilities=Capabilities(suites=True))["suites"] == ("test_a", "TestB")
    deep = Place("a.py", "a.py", 1, 101 * ("deep",), "test_it")
    assert body(attempt, capabilities=Capabilities(suites=True), place=deep)["suites"] == 100 * ("deep",)


def test_start_and_lane_where_the_platform_knows_them() -> None:
    def told(lane: Lane, start: float | None, *, is_known: bool = True) -> dict[str, object]:
        result = Result("r1", PLACE, (Attempt("passed", 0.0, 1.0),), start=start)
        capabilities = Capabilities(timeline=is_known)
        fields = payload.test_fields(result, run_id="run_1", project="proj_1", capabilities=capabilities, lane=lane)
        return {name: value for name, value in fields.items() if name in ("startedAt", "worker", "shard")}

    at, moment = 1_700_000_000_123.4, "2023-11-14T22:13:20.123Z"
    assert told(Lane("gw0", 2), at) == {"startedAt": moment, "worker": "gw0", "shard": 2}
    assert told(Lane("\tgw\u202e0\n" + "x" * 200), at) == {"startedAt": moment, "worker": "gw0" + "x" * 97}
    assert told(Lane(), at) == {"startedAt": moment}
    assert told(Lane("gw0", 2), None) == told(Lane("gw0", 2), at, is_known=False) == {}


def test_line_that_is_not_known_is_left_out() -> None:
    place = Place("t/test_a.py", "t/test_a.py", None, ("test_a",), "collection")
    assert "lineNumber" not in body(Attempt("passed", 0.0, 0.0), place=place)


def test_failed_in_one_phase() -> None:
    assert body(Attempt("failed", 0.0, 1.0, failures=(CALL,)))["error"] == {
        "message": "assert 1 == 2",
        "stack": "stack of call",
        "expected": "2",
        "actual": "1",
    }


def test_failed_in_two_phases() -> None:
    setup = Failure("call", "first")
    assert body(Attempt("failed", 0.0, 1.0, failures=(setup, TEARDOWN, CALL)))["error"] == {
        "message": "first",
        "stack": "--- teardown ---\nstack of teardown\n\n--- call ---\nstack of call",
        "expected": "2",
        "actual": "1",
    }


def test_failed_again_has_the_last_attempts_error() -> None:
    fields = body(Attempt("failed", 0.0, 1.0, failures=(CALL,)), Attempt("failed", 0.0, 2.0, failures=(TEARDOWN,)))
    assert fields["status"] == "failed"
    assert (fields["retries"], fields["attempt"], fields["duration"]) == (1, 2, 2)
    assert fields["error"] == {"message": "OSError: gone", "stack": "stack of teardown"}
    assert "attempts" not in fields


def test_flaky() -> None:
    first = Attempt("failed", 1_700_000_000_123.4, 1.4, failures=(CALL,), steps=(step("a", 0),), stdout="1")
    second = Attempt("passed", 1_700_000_001_000.0, 2.0, annotations=(Annotation("x", "y"),), stderr="2")
    fields = body(first, second, capabilities=RICH)
    assert (fields["status"], fields["isFlaky"], fields["retries"], fields["attempt"]) == ("flaky", True, 1, 2)
    assert fields["error"] is None
    assert fields["attempts"] == [
        {
            "attempt": 1,
            "status": "failed",
            "startedAt": "2023-11-14T22:13:20.123Z",
            "duration": 1,
            "error": {"message": "assert 1 == 2", "stack": "stack of call", "expected": "2", "actual": "1"},
            "steps": [
                {
                    "title": "a",
                    "category": "action",
                    "status": "passed",
                    "duration": 2,
                    "error": None,
                    "depth": 0,
                    "start": 0.0,
                }
            ],
            "stdout": "1",
            "stderr": "",
            "annotations": [],
        },
        {
            "attempt": 2,
            "status": "passed",
            "startedAt": "2023-11-14T22:13:21.000Z",
            "duration": 2,
            "error": None,
            "steps": [],
            "stdout": "",
            "stderr": "2",
            "annotations": [{"type": "x", "description": "y"}],
        },
    ]


def test_one_attempt_is_not_told_twice() -> None:
    assert "attempts" not in body(Attempt("passed", 0.0, 0.0), capabilities=RICH)


def step(title: str, depth: int, start: float = 0.0, error: str | None = None) -> Step:
    return Step(title, "action", "failed" if error else "passed", start, 1.5, depth, error)


NESTED = (step("a", 0), step("b", 1, 1.25), step("c", 2, 2.0, "broke"), step("d", 0, 9.0), step("e", 1, 10.0))


def test_steps_name_their_parents_where_the_platform_knows_no_depth() -> None:
    steps = body(Attempt("passed", 0.0, 0.0, steps=NESTED))["steps"]
    assert isinstance(steps, list)
    assert [each["title"] for each in steps] == ["a", "a > b", "a > b > c", "d", "d > e"]
    assert steps[2] == {
        "title": "a > b > c",
        "category": "action",
        "status": "failed",
        "duration": 2,
        "error": {"message": "broke"},
    }


def test_steps_have_depth_and_start_where_the_platform_knows_them() -> None:
    steps = body(Attempt("passed", 0.0, 0.0, steps=NESTED), capabilities=RICH)["steps"]
    assert isinstance(steps, list)
    told = [(each["title"], each["depth"], each["start"]) for each in steps]
    assert told == [("a", 0, 0.0), ("b", 1, 1.25), ("c", 2, 2.0), ("d", 0, 9.0), ("e", 1, 10.0)]


def test_step_deeper_than_its_parents_are_known() -> None:
    # The outer steps may have been cut, or belong to another thread.
    steps = body(Attempt("passed", 0.0, 0.0, steps=(step("a", 3), step("b", 1, 1.0))))["steps"]
    assert isinstance(steps, list)
    assert [each["title"] for each in steps] == ["a", "a > b"]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_999.6, "2023-11-14T22:13:21.000Z"),
        (1_700_000_000_001, "2023-11-14T22:13:20.001Z"),
    ],
)
def test_iso(ms: float, text: str) -> None:
    assert payload.iso(ms) == text


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a.PNG", "screenshot"),
        ("a.webm", "video"),
        ("trace.zip", "trace"),
        ("HTML-Report.zip", "report"),
        ("a.tar.gz", "attachment"),
        (".png", "attachment"),
        ("png", "attachment"),
    ],
)
def test_guess_type(name: str, type_: str) -> None:
    assert guess_type(name) == type_


@pytest.mark.parametrize(
    ("type_", "name", "size"),
    [
        ("screenshot", "a.png", 5 * 2**20),
        ("video", "a.MP4", 100 * 2**20),
        ("trace", "a.zip", 50 * 2**20),
        ("report", "a.zip", 200 * 2**20),
        ("attachment", "a", 10 * 2**20),
        ("screenshot", "a.gif", 0),
    ],
)
def test_files_that_are_taken(type_: str, name: str, size: int) -> None:
    assert check(type_, name, size, RICH) is None
    if size:
        assert f"{name} (" in str(check(type_, name, size + 1, RICH))


@pytest.mark.parametrize(
    ("type_", "name", "size", "said"),
    [
        (
            "screenshot",
            "a.png",
            6 * 2**20,
            "a.png (6.0 MB): larger than the 5 MB that a platform takes of a screenshot",
        ),
        ("screenshot", "a.bmp", 1234, "a.bmp (1,234 bytes): a screenshot is one of PNG, JPG, JPEG, WEBP, GIF"),
        ("attachment", "a.log", 1, "a.log (1 bytes): this platform takes screenshots, videos, traces and reports"),
        ("picture", "a.png", 1, "'picture' is no artifact type: use one of screenshot, video"),
    ],
)
def test_files_that_are_not(type_: str, name: str, size: int, said: str) -> None:
    assert said in str(check(type_, name, size, PLAIN))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("shot.png", "shot.png"),
        ("größe 1.png", "größe 1.png"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"b\r\nc.png', "a_b_c.png"),
        ("C:\\temp\\a.png", "C_temp_a.png"),
        ("a\udcff.png", "a_udcff.png"),
        ("\x1b[31mred\x1b[0m.png", "red.png"),
        (" .. ", "file"),
        ("", "file"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
    ],
)
def test_safe_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe
    safe_name(name).encode()


def test_mime_type() -> None:
    assert mime_type("a.webp") == "image/webp"
    assert mime_type("a.unheard") == "application/octet-stream"
