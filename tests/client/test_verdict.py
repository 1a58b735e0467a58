"""What is said of a run as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_platform_report.journal.reader import SegmentReader
from pytest_platform_report.journal.records import closed
from pytest_platform_report.model import RunStatus
from pytest_platform_report.uploader.tail import Segment
from pytest_platform_report.uploader.verdict import Verdict, closing_fields, judge, to_text

CLEAN = (0, False)
ALL_WELL = {"passed": 3, "failed": 0, "skipped": 1, "flaky": 1}
ONE_FAILED = {**ALL_WELL, "failed": 1}
NOTHING = dict.fromkeys(ALL_WELL, 0)


def segment(
    end: tuple[int, bool] | None,
    *,
    role: str = "alone",
    at: float = 1000,
    until: float = 3000,
    path: Path | None = None,
) -> Segment:
    session: dict[str, Any] = {"id": "s", "role": role, "at": at}
    end_record = None if end is None else closed(end[0], end[1], 0, until)
    return Segment(SegmentReader(path or Path(os.devnull)), session=session, closed=end_record)


@pytest.mark.parametrize(
    ("ends", "totals", "expected"),
    [
        ([CLEAN], ALL_WELL, "passed"),
        ([(1, False)], ALL_WELL, "failed"),  # too little coverage, say: pytest failed, though no test did
        ([(1, False)], ONE_FAILED, "failed"),
        ([CLEAN], ONE_FAILED, "failed"),  # a failure that only the journal knows
        ([CLEAN], NOTHING, "failed"),
        ([(5, False)], NOTHING, "failed"),
        ([(2, True)], ALL_WELL, "cancelled"),
        ([(2, True)], ONE_FAILED, "cancelled"),
        ([(3, False)], ALL_WELL, "failed"),
        ([(4, False)], ALL_WELL, "failed"),
        ([None], ALL_WELL, "cancelled"),
        ([None], ONE_FAILED, "cancelled"),
        ([CLEAN, CLEAN], ALL_WELL, "passed"),
        ([CLEAN, None], ALL_WELL, "cancelled"),
        ([CLEAN, (2, True)], ALL_WELL, "cancelled"),
        ([CLEAN, (3, False)], ALL_WELL, "failed"),
    ],
)
def test_status(ends: list[tuple[int, bool] | None], totals: dict[str, int], expected: str) -> None:
    verdict = judge([segment(end) for end in ends], totals)
    assert verdict is not None
    assert verdict.status == expected


def test_run_whose_tests_are_all_left_out_has_passed() -> None:
    verdict = judge([segment(CLEAN)], NOTHING, dropped=1)
    assert verdict is not None
    assert verdict.status == "passed"


def test_lost_worker_is_no_end_of_the_session() -> None:
    segments = [segment(CLEAN, role="controller"), segment(None, role="worker"), segment((1, False), role="worker")]
    verdict = judge(segments, ALL_WELL)
    assert verdict is not None
    assert verdict.status == "passed"


def test_workers_without_their_session_are_cancelled() -> None:
    verdict = judge([segment(CLEAN, role="worker")], ALL_WELL)
    assert verdict is not None
    assert verdict.status == "cancelled"


def test_nothing_told() -> None:
    assert judge([], ALL_WELL) is None
    assert judge([Segment(SegmentReader(Path(os.devnull)))], ALL_WELL) is None


def test_duration_is_from_the_first_beginning_to_the_last_end() -> None:
    segments = [segment(CLEAN, at=1000, until=3000), segment(CLEAN, at=1500, until=9000), segment(CLEAN, at=2000)]
    assert judge(segments, ALL_WELL) == Verdict("passed", 8000)


def test_killed_session_lasted_until_it_last_wrote(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.touch()
    os.utime(path, (6, 6))
    assert judge([segment(None, path=path, at=1000)], ALL_WELL) == Verdict("cancelled", 5000)


def test_clock_set_back_makes_no_negative_duration() -> None:
    assert judge([segment(CLEAN, at=3000, until=1000)], ALL_WELL) == Verdict("passed", 0)


@pytest.mark.parametrize(
    ("status", "totals", "expected"),
    [
        ("passed", ALL_WELL, "passed"),
        ("passed", ONE_FAILED, "failed"),
        ("cancelled", ONE_FAILED, "cancelled"),
        ("failed", ALL_WELL, "failed"),
    ],
)
def test_closing_fields(status: RunStatus, totals: dict[str, int], expected: str) -> None:
    assert closing_fields(Verdict(status, 1234.56), totals) == {
        "status": expected,
        "totalTests": sum(totals.values()),
        "passedTests": 3,
        "failedTests": totals["failed"],
        "skippedTests": 1,
        "flakyTests": 1,
        "duration": 1235,
    }


def test_equal_statistics_are_equal_texts() -> None:
    text = to_text({"a": 1, "b": 2}, 3)
    assert text == to_text({"b": 2, "a": 1}, 3)
    assert text not in (to_text({"a": 1, "b": 3}, 3), to_text({"a": 1, "b": 2}, 4))
