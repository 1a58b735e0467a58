"""What a run is closed with by what has been told, and what a platform may answer on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from servers import Server, reply

from pytest_platform_report.errors import Busy
from pytest_platform_report.platforms.client import Platform
from pytest_platform_report.uploader.joining import (
    Closing,
    Delete,
    Drive,
    ReadRun,
    ReadTold,
    ReadTotals,
    Share,
    Shown,
    Tell,
    close,
)
from pytest_platform_report.uploader.joint_run import AWAITED, JointEnd, JointRuns

ALL = {"1/2": "passed", "2/2": "passed"}


def closing_of(
    share: Share,
    *,
    told: Mapping[str, object],
    failed: int = 0,
    run: dict[str, Any] | None = None,
    awaited: bool = False,
) -> Closing:
    """Close a run that stays as it is."""
    answers = {
        Tell: True,
        ReadTold: list(told.items()),
        ReadTotals: {"passed": 1, "failed": failed},
        ReadRun: Shown(run or {}, is_awaited=awaited),
    }
    closing: Closing = Drive(lambda: close(share)).run(lambda request: answers.get(type(request)))
    return closing


@pytest.mark.parametrize(
    ("told", "failed", "expected"),
    [
        (ALL, 0, "passed"),
        (ALL, 1, "failed"),
        ({"1/2": "passed"}, 0, "running"),
        ({"1/2": "passed"}, 1, "failed"),
        ({"1/2": "failed"}, 0, "failed"),
        ({"1/2": "cancelled"}, 0, "cancelled"),
        ({"1/2": "cancelled", "2/2": "cancelled"}, 1, "cancelled"),
        ({"1/2": "cancelled", "2/2": "passed"}, 0, "failed"),
        ({**ALL, "3/3": "passed"}, 0, "passed"),
        ({"1/3": "passed", "2/2": "passed"}, 0, "running"),
    ],
)
def test_status(told: dict[str, str], failed: int, expected: str) -> None:
    assert closing_of(Share({"1/2": "passed"}), told=told, failed=failed).fields["status"] == expected


def test_a_shard_that_ran_twice_ended_as_its_worse_try() -> None:
    closing = closing_of(Share({"1/2": "failed"}), told=ALL)
    assert (closing.told, closing.fields["status"]) == ({"1/2": "failed", "2/2": "passed"}, "failed")


def test_a_run_that_is_awaited_passes_when_it_is_finished() -> None:
    assert closing_of(Share({"1/2": "passed"}), told=ALL, awaited=True).fields["status"] == "running"
    assert closing_of(Share(is_last=True), told=ALL, awaited=True).fields["status"] == "passed"


@pytest.mark.parametrize("before", ["passed", "failed"])
def test_a_run_that_was_finished_is_not_begun_again(before: str) -> None:
    """As by the delivery of what a shard had still kept; but a shard that comes late makes a difference."""
    share, run = Share({"2/2": "passed"}), {"status": before}
    assert closing_of(share, told={}, run=run).fields["status"] == before
    assert closing_of(share, told=ALL, run=run).fields["status"] == "passed"


@pytest.mark.parametrize(
    ("own", "before", "expected"),
    [
        ("passed", "running", "passed"),
        ("passed", "failed", "failed"),
        ("passed", "cancelled", "cancelled"),
        ("failed", "passed", "failed"),
        ("failed", "cancelled", "cancelled"),
        ("cancelled", "failed", "cancelled"),
    ],
)
def test_where_nothing_is_told_the_worse_status_stays(own: Any, before: str, expected: str) -> None:
    run = {"status": before, "shardTotal": 9}
    assert closing_of(Share(status=own), told={}, run=run).fields["status"] == expected


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (ALL, "1 shard of 3 told no end: 3"),
        ({}, "3 shards of 3 told no end: 1, 2, 3"),
        ({"a": "passed", "b": "passed"}, "1 shard of 3 told no end"),
        ({**ALL, "3/3": "passed"}, ""),
    ],
)
def test_the_missing_are_named(told: dict[str, str], said: str) -> None:
    closing = closing_of(Share(is_last=True, expected=3), told=told)
    assert closing.tell_missing() == said
    assert closing.fields["status"] == ("failed" if said else "passed")


def test_tests_that_have_not_arrived_count_and_the_longest_duration_does() -> None:
    share = Share({"1/1": "passed"}, duration=4.4, open={"failed": 2})
    fields = closing_of(share, told={}, run={"duration": 9.0}).fields
    assert (fields["totalTests"], fields["failedTests"], fields["duration"]) == (3, 2, 9)


def test_what_others_have_found_counts_before_it_arrives() -> None:
    share = Share({"1/2": "passed"}, {"1/2": (3, 0, 0, 0)}, open={"passed": 2})
    assert closing_of(share, told={}).fields["totalTests"] == 3
    fields = closing_of(share, told={"2/2": (2, 1, 1, 1)}).fields
    assert [fields[f"{name}Tests"] for name in ("total", "passed", "failed", "skipped", "flaky")] == [8, 5, 1, 1, 1]
    assert closing_of(share, told={"2/2": (2, 1, 1, 1)}, failed=9).fields["totalTests"] == 12, "more is there than said"


def test_while_shards_are_missing_no_total_shrinks() -> None:
    run = {"passedTests": 4, "failedTests": 1}
    for share, told, total in (
        (Share({"1/2": "passed"}), {}, 5),
        (Share({"1/2": "passed"}, open={"passed": 7}), {}, 8),
        (Share({"1/2": "passed"}), ALL, 1),
        (Share({"1/2": "passed"}, is_early=True), ALL, 5),
        (Share(is_last=True, expected=3), ALL, 1),
    ):
        assert closing_of(share, told=told, run=run).fields["totalTests"] == total


@pytest.mark.parametrize(("status", "expected"), [("passed", "running"), ("failed", "failed")])
def test_nothing_passes_early(status: Any, expected: str) -> None:
    for told in ({"1/2": status}, {}):
        share = Share(told, status=status, is_early=True)
        assert closing_of(share, told={"2/2": "passed"} if told else {}).fields["status"] == expected


class TestPlatform:
    def test_takes_no_suite_without_tests(self, server: Server, platform: Platform) -> None:
        """Then the run's own status is all there is."""
        counts = [reply(200, {"data": [], "total": count}) for count in (1, 0, 0, 0)]
        no_ends, changed = reply(200, {"data": []}), reply(200, {"id": "run_1"})
        run = [reply(200, {"id": "run_1", "status": status}) for status in ("running", "passed")]
        server.will(reply(400), no_ends, *counts, run[0], changed, no_ends, *counts, run[1])
        closing = Drive(lambda: close(Share({"1/2": "passed"}))).run(JointEnd(platform, "run_1").perform)
        assert (closing.fields["status"], closing.told) == ("passed", {})

    def test_is_busy(self, server: Server, platform: Platform) -> None:
        server.will(reply(503))
        with pytest.raises(Busy):
            JointEnd(platform, "run_1").perform(Tell("1/2", "passed"))

    def test_has_other_suites(self, server: Server, platform: Platform) -> None:
        found = "1/2 found 12 passed, 3 failed, 0 skipped, 1 flaky"
        titles = (found, "1/2 passed", "1/2 found 12 passed", "2/2 missing", "passed", "else", None)
        children = [{"title": title} for title in titles]
        suites = [
            {"title": "shards", "children": children},
            {"title": "shards", "filePath": "shards.py", "children": [{"title": "9/9 failed"}]},
            {"title": "shards"},
            {"title": "other", "children": [{"title": "2/2 failed"}]},
        ]
        server.will(reply(200, {"data": suites}))
        assert JointEnd(platform, "run_1").perform(ReadTold()) == [("1/2", (12, 3, 0, 1)), ("1/2", "passed")]

    def test_tells_of_the_run(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"id": "run_1", "shardTotal": 3, "tags": [AWAITED]}), reply(200, {"id": "run_1"}))
        end = JointEnd(platform, "run_1")
        shown = [end.perform(ReadRun()) for _ in range(2)]
        assert [(each.expected, each.is_awaited) for each in shown] == [(3, True), (0, False)]

    def test_has_deleted_the_run_already(self, server: Server, platform: Platform) -> None:
        server.will(reply(404), reply(503))
        runs = JointRuns(platform, {}, "marker", "maker", "key")
        runs.perform(Delete("run_1"))
        with pytest.raises(Busy):
            runs.perform(Delete("run_1"))
