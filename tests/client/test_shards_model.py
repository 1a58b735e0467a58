"""Every order in which three shards can create, join and close a run, with crashes and lost answers in all places.

The rules are those that the uploader follows; the platform is a model of one, a value, so that all ways on from a
moment can be tried. Each shard finds its run, may tell early what it has found, puts one test there, and closes it.
What the platform must be like for the rules to hold stands in docs/shards.md; where it is not, the same search finds
what goes wrong. Orders of which it is certain that they come to the same are not all tried.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

import pytest

from pytest_platform_report.model import STATUSES, RunStatus
from pytest_platform_report.uploader.joining import (
    Candidate,
    Count,
    Delete,
    Found,
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

pytestmark = [pytest.mark.newest, pytest.mark.uncovered]

Names = tuple[int, ...]
"""The new number of each shard, in the order of their old ones."""

Told = frozenset[tuple[str, Found | RunStatus]]


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
    told: Told = frozenset()

    def rename(self, names: Names, is_standing: bool) -> Run:
        id_, maker = (1, 0) if is_standing else (self.id, names[self.maker - 1])
        tests = frozenset((names[shard - 1], test) for shard, test in self.tests)
        return replace(self, id=id_, maker=maker, tests=tests, told=rename_told(self.told, names))


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
            case Tell(name, word):
                old = self._get(run)
                return self._change(replace(old, told=old.told | {(name, word)})), True
            case ReadTold():
                return self, self._get(run).told
            case ReadTotals():
                found = [test for _, test in self._get(run).tests]
                return self, Values({status: found.count(status) for status in STATUSES})
            case ReadRun():
                return self, Shown(self._get(run).fields)
            case Write(fields):
                return self._change(replace(self._get(run), fields=Values(fields))), None
        raise AssertionError(request)

    def rename(self, names: Names) -> Platform:
        """Return it with other numbers for the shards, the run in which they are being that of nobody."""
        standing = min((run.id for run in self.runs), default=0)
        return Platform(tuple(run.rename(names, is_standing=run.id == standing) for run in self.runs), 1)

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
    plan: tuple[str, ...]
    phase: str = ""
    run: int = 0
    answers: tuple[Any, ...] = field(default=(), compare=False)
    known: tuple[Any, ...] = ()

    def hear(self, request: Any, answer: Any) -> Shard:
        after = replace(self, answers=(*self.answers, answer), known=(*self.known, answer))
        to_write, _ = ask(after) if isinstance(request, ReadRun) else (None, None)
        if to_write is None:
            return after
        return replace(after, known=(Values(to_write.fields), self.answers[-2]))

    def turn(self, phase: str, run: int | None = None) -> Shard:
        return replace(self, phase=phase, run=self.run if run is None else run, answers=(), known=())

    def rename(self, names: Names) -> Shard:
        """Return it with the shards' other numbers, in the run that is that of nobody."""
        new = replace(self, number=names[self.number - 1], run=1)
        parts = [
            tuple(rename_told(each, names) if isinstance(each, frozenset) else each for each in known)
            for known in (self.answers, self.known)
        ]
        return replace(new, answers=parts[0], known=parts[1])

    @cached_property
    def kind(self) -> tuple[End, tuple[str, ...]]:
        return self.end, self.plan

    @cached_property
    def key(self) -> str:
        """A text that is the same for shards that are as far, and have heard as much of themselves and of others."""
        known = [
            sorted((name == self.name, str(word)) for name, word in each) if isinstance(each, frozenset) else each
            for each in self.known
        ]
        return f"{self.phase} {known}"

    def go_on(self, came_to: Any = None) -> Shard:
        """Begin the next phase of the plan."""
        after = self.plan[self.plan.index(self.phase) + 1 :] if self.phase else self.plan
        return self.turn(after[0] if after else "done", int(came_to.id) if self.phase == "join" else None)

    @cached_property
    def name(self) -> str:
        return f"{self.number}/{self.of}"

    @cached_property
    def is_over(self) -> bool:
        return self.phase == "done" or self.phase.startswith("dead")

    @property
    def share(self) -> Share:
        found = tuple(int(status == self.end.test) for status in STATUSES)
        unsent = {} if self.phase == "close" else {self.end.test: 1}
        told, is_early = {self.name: self.end.shard}, self.phase == "announce"
        return Share(told, {self.name: found}, self.end.shard, open=unsent, is_early=is_early)

    @cached_property
    def words(self) -> set[tuple[str, Found | RunStatus]]:
        """What it will have told."""
        share = self.share
        return {*share.found.items(), *(share.told.items() if self.plan[-1] in ("close", "keep") else ())}


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
    return close(shard.share)


def _put(shard: Shard) -> Generator[Any, Any, None]:
    yield Put(shard.run, shard.end.test)


def _settle(shard: Shard) -> Shard:
    """Let a shard come to its next request."""
    while not shard.is_over:
        request, came_to = ask(shard)
        if request is not None:
            break
        shard = shard.go_on(came_to)
    return shard


@dataclass(frozen=True)
class World:
    platform: Platform
    shards: tuple[Shard, ...]


def rename_told(told: Told, names: Names) -> Told:
    new = {f"{old}/{len(names)}": f"{number}/{len(names)}" for old, number in enumerate(names, 1)}
    return frozenset((new[name], word) for name, word in told)


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
        self._renamed: dict[tuple[int, Names], int] = {}
        self._orders: dict[tuple[int, ...], tuple[Names, tuple[int, ...]]] = {}
        self._answers: dict[tuple[int, int], tuple[int, int]] = {}

    def run(self, world: World, faults: int = 0, deaths: int = 0) -> int:
        """Check each moment and each end that *world* can come to; return how many moments there are."""
        first = (self._number(world.platform), tuple(map(self._number, world.shards)), faults, deaths)
        seen, to_do = {first}, [first]
        while to_do:
            here = to_do.pop()
            after = [self._in_order(each) for each in self._ways_on(here)]
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
        joining = [each for each in living if self._values[each[1]].phase == "join"]
        # Where it is foregone, no order of what the others do makes a difference, nor whether it is lost. And what is
        # done in a run makes none to those that look for it, as long as they leave it alone: so they may go first.
        for place, shard in foregone[:1] or joining or living:
            self._check_that_nobody_is_there(shard, shards)
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

    def _in_order(self, moment: Moment) -> Moment:
        """Return one and the same of all moments that differ only in which of the shards that are alike is which.

        Nor does it matter who has made the run, once all have found it.
        """
        platform, shards, faults, deaths = moment
        if shards not in self._orders:
            self._orders[shards] = self._order(shards)
        names, ordered = self._orders[shards]
        standing = self._values[platform].runs[0].id if names else 0
        if not names or any(self._values[shard].run not in (0, standing) for shard in shards):
            return moment
        return (self._rename(platform, names), ordered, faults, deaths)

    def _order(self, shards: tuple[int, ...]) -> tuple[Names, tuple[int, ...]]:
        """Return new numbers for shards, those that are alike ordered by what they know, and the shards with these."""
        values = [self._values[each] for each in shards]
        if any(shard.phase == "join" for shard in values):
            return (), shards
        numbers: dict[int, int] = {}
        for kind in {shard.kind for shard in values}:
            alike = [shard for shard in values if shard.kind == kind]
            for new, old in zip(alike, sorted(alike, key=attrgetter("key")), strict=True):
                numbers[old.number] = new.number
        names = tuple(numbers[shard.number] for shard in values)
        by_number = sorted(zip(names, shards, strict=True))
        return names, tuple(self._rename(each, names) for _, each in by_number)

    def _rename(self, value: int, names: Names) -> int:
        if (value, names) not in self._renamed:
            self._renamed[value, names] = self._number(self._values[value].rename(names))
        return self._renamed[value, names]

    def _is_foregone(self, platform: int, shard: int, living: list[tuple[int, int]]) -> bool:
        """Tell whether the shard reads what no other one can change any more."""
        reads = self._reads[shard]
        others = [self._values[other] for _, other in living if other != shard]
        if reads is ReadTotals:
            return not any("put" in other.plan[other.plan.index(other.phase) :] for other in others)
        if reads is ReadTold:
            return not any(other.words - self._values[platform].runs[0].told for other in others)
        return False

    def _check_that_nobody_is_there(self, shard: int, shards: tuple[int, ...]) -> None:
        """Check that a shard that may delete a run is the only one that knows of it."""
        if self._reads[shard] in (Count, Delete):
            request, _ = ask(self._values[shard])
            others = [self._values[other] for other in shards if other != shard]
            assert int(request.run_id) not in {other.run for other in others}, "a run that another shard is in goes"

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
            told = {name for name, word in run.told if word == "passed"}
            assert len(told) == len(world.shards), "it passed though a shard was missing"


def check_end(world: World) -> None:
    """All is in one run, which says so, and there is no other run."""
    check_joined(world)
    check_told(world, "passed")


def check_told(world: World, where_all_is_well: str) -> None:
    """The run says what came of all, delivered or not."""
    (run,) = world.platform.runs
    ends = [shard.end for shard in world.shards]
    counts = {f"{status}Tests": sum(end.test == status for end in ends) for status in STATUSES}
    told = {end.shard for end in ends}
    status = "cancelled" if told == {"cancelled"} else where_all_is_well if set(ends) == {End()} else "failed"
    assert run.fields == {"status": status, "totalTests": len(ends), **counts, "duration": 0}


def check_end_without_some(world: World) -> None:
    """What the living shards have found is in one run, and the others are left by the dead."""
    living = {shard.number for shard in world.shards if shard.phase == "done"}
    dead = {shard.number for shard in world.shards} - living
    (run,) = [run for run in world.platform.runs if living <= {shard for shard, _ in run.tests}]
    assert {other.maker for other in world.platform.runs if other is not run} <= dead
    is_whole = not any(shard.phase in ("dead in announce", "dead in close") for shard in world.shards)
    if "totalTests" in run.fields and is_whole:
        assert run.fields["totalTests"] >= len(living)  # one that died there may have written last


PASSED = (End(), End(), End())
FAILED_TEST = (End(), End("failed", "failed"), End())
FAILED_WITHOUT = (End(), End("failed"), End())
CANCELLED = (End(), End("cancelled"), End("cancelled"))
ALL_CANCELLED = (End("cancelled"),) * 3


ALL_THE_WAY = ("join", "put", "close")
AND_EARLY = ("join", "announce", "put", "close")


def begin(*ends: End, plan: tuple[str, ...] = ALL_THE_WAY, platform: Platform = Platform()) -> World:
    return World(platform, tuple(Shard(number, len(ends), end, plan).go_on() for number, end in enumerate(ends, 1)))


def check_joined(world: World) -> None:
    """All is in one run, and there is no other one."""
    (run,) = world.platform.runs
    assert len(run.tests) == len(world.shards)


@pytest.mark.parametrize(("faults", "deaths"), [(3, 0), (1, 2)])
def test_all_find_one_run(faults: int, deaths: int) -> None:
    check = check_end_without_some if deaths else check_joined
    assert Search(check_moment, check).run(begin(*PASSED, plan=("join", "put")), faults, deaths) > 4_000


@pytest.mark.parametrize("ends", [FAILED_TEST, FAILED_WITHOUT, CANCELLED, ALL_CANCELLED])
def test_three_shards_all_the_way(ends: tuple[End, ...]) -> None:
    assert Search(check_moment, check_end).run(begin(*ends)) > 10_000


@pytest.mark.parametrize(("faults", "deaths"), [(1, 0), (0, 1)])
def test_three_shards_all_the_way_with_a_fault(faults: int, deaths: int) -> None:
    check = check_end_without_some if deaths else check_end
    assert Search(check_moment, check).run(begin(*PASSED), faults, deaths) > 10_000


def test_three_shards_that_tell_early_what_they_have_found() -> None:
    assert Search(check_moment, check_end).run(begin(*PASSED, plan=AND_EARLY)) > 20_000


def test_what_was_told_early_is_what_all_have_found() -> None:
    """No test is delivered yet."""
    early = begin(*FAILED_TEST, plan=("join", "announce"))
    assert Search(check_moment, lambda world: check_told(world, "running")).run(early, faults=1) > 2_000


def test_the_run_says_what_came_of_all_where_one_shard_keeps_its_test() -> None:
    keeps, *others = begin(*PASSED).shards
    world = World(Platform(), (replace(keeps, plan=("join", "keep")), *others))
    assert Search(check_moment, lambda world: check_told(world, "passed")).run(world) > 10_000


@pytest.mark.parametrize(("faults", "deaths"), [(2, 0), (1, 1)])
@pytest.mark.parametrize("ends", [(End(), End()), (End("failed"), End())])
def test_two_shards_with_faults_all_along(ends: tuple[End, ...], faults: int, deaths: int) -> None:
    check = check_end_without_some if deaths else check_end
    assert Search(check_moment, check).run(begin(*ends, plan=AND_EARLY), faults, deaths) > 1_000


@pytest.mark.parametrize("platform", [Platform(is_late=True), Platform(is_backward=True)])
def test_what_is_assumed_is_needed(platform: Platform) -> None:
    """A list that lags, or clocks that disagree: the search finds the way to two runs."""
    with pytest.raises(AssertionError, match="results are in two runs"):
        Search(check_moment, check_joined).run(begin(*PASSED, plan=("join", "put"), platform=platform))
