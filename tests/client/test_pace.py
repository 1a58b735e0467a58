"""When the next try may be, on a clock that stands still until it is moved."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_platform_report.errors import Busy, NotSent, OutcomeUnknown
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.pace import Pace
from pytest_platform_report.uploader.shared_waits import SharedWaits

MakeWaits = Callable[[str], SharedWaits]


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


@pytest.fixture
def waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWaits:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def make(key: str) -> SharedWaits:
        shared = SharedWaits.of(Settings(url="http://platform.example/api", api_key=key))
        assert shared is not None
        return shared

    return make


def wait_after(pace: Pace, clock: Clock, group: str, failures: int) -> float:
    """Return how long the group waits after so many failures more, each made when the wait before was over."""
    for _ in range(failures):
        clock.now += pace.next_try(group)
        pace.failed(group, NotSent("no connection"))
    return pace.next_try(group)


def test_all_are_free_at_first(pace: Pace) -> None:
    assert pace.is_free("tests")
    assert pace.next_try("tests") == 0


def test_named_wait_is_kept_to_the_moment(pace: Pace, clock: Clock) -> None:
    pace.failed("tests", Busy("later", 429, wait=7.5))
    assert pace.next_try("tests") == 7.5
    clock.now += 7.4
    assert not pace.is_free("tests")
    clock.now += 0.2
    assert pace.is_free("tests")
    assert pace.next_try("tests") == 0


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
    assert pace.next_try("runs") == 5
    assert pace.next_try("tests", "runs", "uploads") == 60, "what needs several groups waits for all"


@pytest.mark.parametrize("error", [Busy("busy", 503), NotSent("no connection"), OutcomeUnknown("no answer")])
def test_without_a_named_wait_there_is_one(pace: Pace, error: Busy | NotSent | OutcomeUnknown) -> None:
    pace.failed("tests", error)
    assert 0.25 <= pace.next_try("tests") <= 0.5


def test_waits_grow_up_to_a_cap(pace: Pace, clock: Clock) -> None:
    waits = [wait_after(pace, clock, "tests", 1) for _ in range(12)]
    for failures, wait in enumerate(waits, start=1):
        longest = min(15.0, 0.25 * 2**failures)
        assert longest / 2 <= wait <= longest
    assert wait_after(pace, clock, "tests", 2000) <= 15.0


def test_hurry_ends_a_wait_of_our_own_only(pace: Pace, clock: Clock) -> None:
    wait_after(pace, clock, "tests", 10)
    pace.hurry("tests")
    assert pace.is_free("tests")
    assert wait_after(pace, clock, "tests", 1) <= 0.5, "and waits begin anew"
    pace.failed("tests", Busy("later", 429, wait=30))
    pace.hurry("tests")
    assert pace.next_try("tests") == 30


def test_who_lets_others_go_first_waits_longer(pace: Pace, clock: Clock) -> None:
    assert pace.is_free("tests", later=1), "before the first wait there is nothing to wait for"
    pace.told("tests", 20)
    assert pace.next_try("tests", later=1) == 21
    clock.now += 20.5
    assert pace.is_free("tests")
    assert pace.next_try("tests", later=1) == 0.5


def test_waits_differ(clock: Clock) -> None:
    assert len({wait_after(Pace(clock), clock, "tests", 8) for _ in range(20)}) > 1


def test_answer_begins_anew(pace: Pace, clock: Clock) -> None:
    wait = wait_after(pace, clock, "tests", 10)
    clock.now += wait
    pace.succeeded("tests")
    assert pace.is_free("tests")
    assert wait_after(pace, clock, "tests", 1) <= 0.5


def test_answer_that_says_it_was_the_last_one(pace: Pace, clock: Clock) -> None:
    pace.told("tests", 20)
    pace.succeeded("tests")
    assert pace.next_try("tests") == 20
    clock.now += 20
    assert pace.is_free("tests")


class TestSharing:
    def test_what_one_uploader_is_told_the_others_of_its_key_know(self, waits: MakeWaits) -> None:
        first, second, stranger = (Pace(shared=waits(key)) for key in ("a", "a", "b"))
        first.failed("tests write", Busy("later", 429, wait=100))
        assert 0 < second.next_try("tests write") <= 100
        assert second.is_free("tests read")
        assert stranger.is_free("tests write")
        assert 0 < Pace(shared=waits("a")).next_try("tests write") <= 100, "one that comes later knows it, too"
        assert 100 < second.next_try("tests write", later=50) <= 150

    def test_own_failures_are_ones_own(self, waits: MakeWaits) -> None:
        Pace(shared=waits("a")).failed("tests write", Busy("busy", 503))
        assert Pace(shared=waits("a")).is_free("tests write")

    def test_wait_beyond_what_any_platform_says_is_a_clock_set_back(self, waits: MakeWaits) -> None:
        shared = waits("a")
        shared.tell("tests write", 3000)
        assert shared.wait("tests write") == 0

    def test_no_place_for_it(self, waits: MakeWaits, tmp_path: Path) -> None:
        shared = waits("a")
        (folder,) = tmp_path.iterdir()
        folder.rmdir()
        shared.tell("tests write", 10)
        assert shared.wait("tests write") == 0

    @pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o777), lambda path: (path.rmdir(), path.touch())])
    def test_directory_that_may_be_anothers_is_not_used(
        self, waits: MakeWaits, tmp_path: Path, spoil: Callable[[Path], object]
    ) -> None:
        waits("a")
        (folder,) = tmp_path.iterdir()
        spoil(folder)
        assert SharedWaits.of(Settings(url="http://platform.example/api", api_key="a")) is None

    def test_embedded_platform_has_no_limits(self) -> None:
        assert SharedWaits.of(Settings()) is None
