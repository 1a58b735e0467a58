"""When the next try may be, on a clock that stands still until it is moved."""

from __future__ import annotations

import pytest

from pytest_platform_report.errors import Busy, NotSent, OutcomeUnknown
from pytest_platform_report.uploader.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock)


def wait_after(pace: Pace, clock: Clock, group: str, failures: int) -> float:
    """Return how long the group waits after so many failures more, each made when the wait before was over."""
    for _ in range(failures):
        clock.now += pace.next_try()
        pace.failed(group, NotSent("no connection"))
    return pace.next_try()


def test_all_are_free_at_first(pace: Pace) -> None:
    assert pace.is_free("tests")
    assert pace.next_try() == 0


def test_named_wait_is_kept_to_the_moment(pace: Pace, clock: Clock) -> None:
    pace.failed("tests", Busy("later", 429, wait=7.5))
    assert pace.next_try() == 7.5
    clock.now += 7.4
    assert not pace.is_free("tests")
    clock.now += 0.2
    assert pace.is_free("tests")
    assert pace.next_try() == 0


def test_named_wait_longer_than_our_longest_is_kept(pace: Pace, clock: Clock) -> None:
    pace.failed("tests", Busy("later", 429, wait=300))
    clock.now += 299
    assert not pace.is_free("tests")


def test_named_wait_of_nothing_is_one(pace: Pace) -> None:
    pace.failed("tests", Busy("now", 503, wait=0.0))
    assert pace.is_free("tests")


def test_limit_in_one_group_does_not_stop_another(pace: Pace) -> None:
    pace.failed("uploads", Busy("later", 429, wait=60))
    pace.failed("runs", Busy("later", 429, wait=5))
    assert pace.is_free("tests")
    assert not pace.is_free("uploads")
    assert pace.next_try() == 5


@pytest.mark.parametrize("error", [Busy("busy", 503), NotSent("no connection"), OutcomeUnknown("no answer")])
def test_without_a_named_wait_there_is_one(pace: Pace, error: Busy | NotSent | OutcomeUnknown) -> None:
    pace.failed("tests", error)
    assert 0.25 <= pace.next_try() <= 0.5


def test_waits_grow_up_to_a_cap(pace: Pace, clock: Clock) -> None:
    waits = [wait_after(pace, clock, "tests", 1) for _ in range(12)]
    for failures, wait in enumerate(waits, start=1):
        longest = min(15.0, 0.25 * 2**failures)
        assert longest / 2 <= wait <= longest
    assert wait_after(pace, clock, "tests", 2000) <= 15.0


def test_waits_differ(clock: Clock) -> None:
    assert len({wait_after(Pace(clock), clock, "tests", 8) for _ in range(20)}) > 1


def test_answer_begins_anew(pace: Pace, clock: Clock) -> None:
    wait_after(pace, clock, "tests", 10)
    pace.succeeded("tests")
    assert pace.is_free("tests")
    assert wait_after(pace, clock, "tests", 1) <= 0.5
