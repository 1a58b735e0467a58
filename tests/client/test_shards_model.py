"""Every order in which three shards can create, join and close a run, with crashes and lost answers in all places.

The rules are those that the uploader follows; the platform is a model of one, a value, so that all ways on from a
moment can be tried. Each shard finds its run, puts one test there, and closes it. What the platform must be like for
the rules to hold stands in docs/shards.md; where it is not, the same search finds what goes wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from pytest_platform_report.model import STATUSES, RunStatus
from pytest_platform_report.uploader.joining import (
    Candidate,
    Count,
    Delete,
    Look,
    Make,
    ReadRun,
    ReadTold,
    ReadTotals,
    Share,
    Shown,
    Tell,
    Write,
    close,
    join,
)


@dataclass(frozen=True)
class End:
    """How a shard ends, and its only test."""

    shard: RunStatus = "passed"
    test: str = "passed"


class Values(dict[str, Any]):
    """A dictionary that nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


@dataclass(frozen=True)
class Put:
    """Put the shard's test into a run; twice is once, which is another test's business."""

    run: int
    test: str


@dataclass(frozen=True)
class Run:
    id: int
    maker: int
    fields: Values = field(default_factory=lambda: Values(status="running"))
    tests: frozenset[tuple[int, str]] = frozenset()
    told: frozenset[tuple[str, RunStatus]] = frozenset()


@dataclass(frozen=True)
class Platform:
    """Its runs, in the order in which they were made.

    :ivar is_late: a list does not show the two runs that were made last.
    :ivar is_backward: its clocks disagree: a run that was made later says that it was made earlier.
    """

    runs: tuple[Run, ...] = ()
    made: int = 0
    is_late: bool = False
    is_backward: bool = False

    def perform(self, shard: int, run: int, request: Any) -> tuple[Platform, Any]:
        """Return the platform after a request, and its answer."""
        match request:
            case Look():
                shown = [each for each in self.runs if not self.is_late or each.id < self.made - 1]
                return self, tuple(map(self._candidate, shown))
            case Make():
                new = Run(self.made + 1, shard)
                return replace(self, runs=(*self.runs, new), made=new.id), self._candidate(new)
            case Count(run_id):
                return self, len(self._get(int(run_id)).tests)
            case Delete(run_id):
                assert not self._get(int(run_id)).tests, "a run with results was deleted"
                return replace(self, runs=tuple(each for each in self.runs if each.id != int(run_id))), None
            case Put(into, test):
                old = self._get(into)
                return self._change(replace(old, tests=old.tests | {(shard, test)})), None
            case Tell(name, status):
                old = self._get(run)
                return self._change(replace(old, told=old.told | {(name, status)})), True
            case ReadTold():
                return self, tuple(sorted(self._get(run).told))
            case ReadTotals():
                found = [test for _, test in self._get(run).tests]
                return self, Values({status: found.count(status) for status in STATUSES})
            case ReadRun():
                return self, Shown(self._get(run).fields)
            case Write(fields):
                return self._change(replace(self._get(run), fields=Values(fields))), None
        raise AssertionError(request)

    def _get(self, run: int) -> Run:
        (found,) = [each for each in self.runs if each.id == run]
        return found

    def _change(self, run: Run) -> Platform:
        return replace(self, runs=tuple(run if each.id == run.id else each for each in self.runs))

    def _candidate(self, run: Run) -> Candidate:
        created = -run.id if self.is_backward else run.id
        return Candidate(str(run.id), created, frozenset({f"maker-{run.maker}"}))


@dataclass(frozen=True)
class Shard:
    """How far a shard is.

    :ivar answers: to what it has asked since it began its phase, maybe anew.
    :ivar known: what of that still counts: the last write and the answers after it. Shards that know the same go on
        alike.
    """

    number: int
    of: int
    end: End
    phase: str = "join"
    until: str = "done"
    run: int = 0
    answers: tuple[Any, ...] = field(default=(), compare=False)
    known: tuple[Any, ...] = ()

    def hear(self, request: Any, answer: Any) -> Shard:
        known = (*self.known, answer)
        if isinstance(request, Write):
            known = (Values(request.fields), self.answers[-3])  # what it wrote, and the ends that it had read
        return replace(self, answers=(*self.answers, answer), known=known)

    def turn(self, phase: str, run: int | None = None) -> Shard:
        return replace(self, phase=phase, run=self.run if run is None else run, answers=(), known=())

    @property
    def name(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_over(self) -> bool:
        return self.phase == "done" or self.phase.startswith("dead")


@cache
def ask(shard: Shard) -> tuple[Any, Any]:
    """Return a shard's next request, or None and what its phase has come to."""
    rule = _rule(shard)
    try:
        request = next(rule)
        for answer in shard.answers:
            request = rule.send(list(answer) if isinstance(answer, tuple) else answer)
    except StopIteration as end:
        return None, end.value
    return request, None


def _rule(shard: Shard) -> Generator[Any, Any, Any]:
    if shard.phase == "join":
        return join(f"maker-{shard.number}")
    if shard.phase == "put":
        return _put(shard)
    return close(Share({shard.name: shard.end.shard}, shard.end.shard))


def _put(shard: Shard) -> Generator[Any, Any, None]:
    yield Put(shard.run, shard.end.test)


def _settle(shard: Shard) -> Shard:
    """Let a shard come to its next request."""
    while not shard.is_over:
        request, came_to = ask(shard)
        if request is not None:
            break
        if shard.phase == "join":
            shard = shard.turn("put", int(came_to.id))
        else:
            shard = shard.turn({"put": "close", "close": "done"}[shard.phase])
        if shard.phase == shard.until:
            shard = shard.turn("done")
    return shard


@dataclass(frozen=True)
class World:
    platform: Platform
    shards: tuple[Shard, ...]


Moment = tuple[int, tuple[int, ...], int, int]
"""The numbers of a platform and of the shards, how many faults may still happen, and how many machines may die."""


class Search:
    """Goes all ways from a beginning. What is equal has one number, so that a moment is compared in no time."""

    def __init__(self, check: Callable[[World], None], check_end: Callable[[World], None]) -> None:
        self._check = check
        self._check_end = check_end
        self._checked: set[int] = set()
        self._values: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._reads: list[Any] = []
        self._turned: dict[tuple[int, str], int] = {}
        self._answers: dict[tuple[int, int], tuple[int, int]] = {}

    def run(self, world: World, faults: int = 0, deaths: int = 0) -> int:
        """Check each moment and each end that *world* can come to; return how many moments there are."""
        first = (self._number(world.platform), tuple(map(self._number, world.shards)), faults, deaths)
        seen, to_do = {first}, [first]
        while to_do:
            here = to_do.pop()
            after = list(self._ways_on(here))
            is_new = here[0] not in self._checked  # nothing but the platform counts on the way
            if is_new or not after:
                self._checked.add(here[0])
                world = World(self._values[here[0]], tuple(self._values[each] for each in here[1]))
                self._check(world)
                if not after:
                    self._check_end(world)
            fresh = set(after) - seen
            seen |= fresh
            to_do += fresh
        return len(seen)

    def _ways_on(self, here: Moment) -> Iterator[Moment]:
        """Yield what may happen next: a request is answered, its answer or the request is lost, a machine dies."""
        platform, shards, faults, deaths = here
        living = [(place, each) for place, each in enumerate(shards) if not self._values[each].is_over]
        foregone = [each for each in living if self._is_foregone(platform, each[1], living)]
        # Where it is foregone, no order of what the others do makes a difference, nor whether it is lost.
        for place, shard in foregone[:1] or living:
            before, later = shards[:place], shards[place + 1 :]
            after, into = self._answer(platform, shard)
            yield after, (*before, into, *later), faults, deaths
            if faults and (after != platform or not foregone):
                yield after, (*before, self._turn(shard), *later), faults - 1, deaths
            if faults and after != platform:
                yield platform, (*before, self._turn(shard), *later), faults - 1, deaths
            if deaths and not foregone:
                dead = self._turn(shard, f"dead in {self._values[shard].phase}")
                yield platform, (*before, dead, *later), faults, deaths - 1

    def _is_foregone(self, platform: int, shard: int, living: list[tuple[int, int]]) -> bool:
        """Tell whether the shard reads what no other one can change any more."""
        reads = self._reads[shard]
        if reads is ReadTotals:
            return all(self._values[other].phase == "close" for _, other in living if other != shard)
        if reads is ReadTold:
            return all(other == shard or self._has_told(platform, self._values[other]) for _, other in living)
        return False

    def _has_told(self, platform: int, shard: Shard) -> bool:
        return shard.phase == "close" and any(shard.name == name for name, _ in self._values[platform].runs[0].told)

    def _turn(self, shard: int, phase: str = "") -> int:
        """Return the shard that begins anew, or dies."""
        if (shard, phase) not in self._turned:
            self._turned[shard, phase] = self._number(self._values[shard].turn(phase or self._values[shard].phase))
        return self._turned[shard, phase]

    def _answer(self, platform: int, shard: int) -> tuple[int, int]:
        if (platform, shard) not in self._answers:
            asking: Shard = self._values[shard]
            request, _ = ask(asking)
            after, answer = self._values[platform].perform(asking.number, asking.run, request)
            into = _settle(asking.hear(request, answer))
            self._answers[platform, shard] = self._number(after), self._number(into)
        return self._answers[platform, shard]

    def _number(self, value: Platform | Shard) -> int:
        if value not in self._numbers:
            self._numbers[value] = len(self._values)
            self._values.append(value)
            self._reads.append(type(ask(value)[0]) if isinstance(value, Shard) and not value.is_over else None)
        return self._numbers[value]


def check_moment(world: World) -> None:
    """No result is in a run of its own, and no run passes before all shards have."""
    assert sum(bool(run.tests) for run in world.platform.runs) <= 1, "results are in two runs"
    for run in world.platform.runs:
        if run.fields["status"] == "passed":
            ends = [shard.end for shard in world.shards]
            assert set(ends) == {End()}, "it passed though something failed"
            assert len(run.told) == len(world.shards), "it passed though a shard was missing"


def check_end(world: World) -> None:
    """All is in one run, which says so, and there is no other run."""
    (run,) = world.platform.runs
    ends = [shard.end for shard in world.shards]
    assert len(run.tests) == len(world.shards)
    counts = {f"{status}Tests": sum(end.test == status for end in ends) for status in STATUSES}
    told = {end.shard for end in ends}
    status = "cancelled" if told == {"cancelled"} else "passed" if set(ends) == {End()} else "failed"
    assert run.fields == {"status": status, "totalTests": len(ends), **counts, "duration": 0}


def check_end_without_some(world: World) -> None:
    """What the living shards have found is in one run, and the others are left by the dead."""
    living = {shard.number for shard in world.shards if shard.phase == "done"}
    dead = {shard.number for shard in world.shards} - living
    (run,) = [run for run in world.platform.runs if living <= {shard for shard, _ in run.tests}]
    assert {other.maker for other in world.platform.runs if other is not run} <= dead
    if "totalTests" in run.fields and not any(shard.phase == "dead in close" for shard in world.shards):
        assert run.fields["totalTests"] >= len(living)  # one that died there may have written last


PASSED = (End(), End(), End())
FAILED_TEST = (End(), End("failed", "failed"), End())
FAILED_WITHOUT = (End(), End("failed"), End())
CANCELLED = (End(), End("cancelled"), End("failed"))
ALL_CANCELLED = (End("cancelled"),) * 3


def begin(*ends: End, until: str = "done", platform: Platform = Platform()) -> World:
    return World(platform, tuple(Shard(number, len(ends), end, until=until) for number, end in enumerate(ends, 1)))


def begin_in_one_run(*ends: End) -> World:
    """All know their run already: what shards do to find it is nothing to those that close it, nor the reverse."""
    shards = (Shard(number, len(ends), end, "put", run=1) for number, end in enumerate(ends, 1))
    return World(Platform((Run(1, 0),), 1), tuple(shards))


def check_joined(world: World) -> None:
    """All is in one run, and there is no other one."""
    (run,) = world.platform.runs
    assert len(run.tests) == len(world.shards)


@pytest.mark.parametrize(("faults", "deaths"), [(3, 0), (1, 2)])
def test_all_find_one_run(faults: int, deaths: int) -> None:
    check = check_end_without_some if deaths else check_joined
    assert Search(check_moment, check).run(begin(*PASSED, until="close"), faults, deaths) > 10_000


@pytest.mark.parametrize("ends", [PASSED, FAILED_TEST, FAILED_WITHOUT, CANCELLED, ALL_CANCELLED])
def test_the_run_says_what_came_of_all(ends: tuple[End, ...]) -> None:
    assert Search(check_moment, check_end).run(begin_in_one_run(*ends)) > 10_000


@pytest.mark.parametrize(("faults", "deaths"), [(2, 0), (1, 1)])
@pytest.mark.parametrize("ends", [(End(), End()), (End("failed"), End())])
def test_two_shards_with_faults_all_along(ends: tuple[End, ...], faults: int, deaths: int) -> None:
    check = check_end_without_some if deaths else check_end
    assert Search(check_moment, check).run(begin(*ends), faults, deaths) > 5_000


def test_three_shards_of_which_one_never_comes() -> None:
    assert Search(check_moment, check_end_without_some).run(begin_in_one_run(*PASSED), deaths=1) > 10_000


def test_three_shards_with_a_fault() -> None:
    assert Search(check_moment, check_end).run(begin_in_one_run(*FAILED_WITHOUT), faults=1) > 100_000


@pytest.mark.parametrize("platform", [Platform(is_late=True), Platform(is_backward=True)])
def test_what_is_assumed_is_needed(platform: Platform) -> None:
    """A list that lags, or clocks that disagree: the search finds the way to two runs."""
    with pytest.raises(AssertionError, match="results are in two runs"):
        Search(check_moment, check_joined).run(begin(*PASSED, until="close", platform=platform))
