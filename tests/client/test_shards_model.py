"""Every order in which three shards can create, join and close a run, with crashes and lost answers in all places.

The rules are those that the uploader follows; the platform is a model of one, a value, so that all ways on from a
moment can be tried. Each shard finds its run, puts one test there, and closes it. What the platform must be like for
the rules to hold stands in docs/shards.md; where it is not, the same search finds what goes wrong.
"""

from __future__ import annotations

import math
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

SHARDS = 3


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

    :ivar is_late: a list does not show the run that was made last.
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
                shown = [each for each in self.runs if not (self.is_late and each.id == self.made)]
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
                return self._change(replace(old, told=old.told | {(name, status)})), None
            case ReadTold():
                return self, tuple(sorted(self._get(run).told))
            case ReadTotals():
                found = [test for _, test in self._get(run).tests]
                return self, Values({status: found.count(status) for status in STATUSES})
            case ReadRun():
                return self, Shown(self._get(run).fields, SHARDS)
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
    end: End
    phase: str = "join"
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
    def is_over(self) -> bool:
        return self.phase in ("done", "dead")


@dataclass(frozen=True)
class World:
    platform: Platform
    shards: tuple[Shard, ...]
    faults: int
    deaths: int


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
    return close(Share({f"{shard.number}/{SHARDS}": shard.end.shard}, shard.end.shard))


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
    return shard


def ways_on(world: World) -> Iterator[World]:
    """Yield what may happen next: a request is answered, its answer or the request itself is lost, a machine dies."""
    for place, shard in enumerate(world.shards):
        if not shard.is_over and _is_foregone(world, shard):
            yield _go(world, place, *_answer(world, shard))
            return  # whatever the others do first, the answer is the same
    for place, shard in enumerate(world.shards):
        if shard.is_over:
            continue
        into, platform = _answer(world, shard)
        yield _go(world, place, into, platform)
        if world.faults and platform != world.platform:
            yield _go(world, place, shard.turn(shard.phase), platform, faults=1)
        if world.faults and shard.answers:
            yield _go(world, place, shard.turn(shard.phase), world.platform, faults=1)
        if world.deaths:
            yield _go(world, place, shard.turn("dead"), world.platform, deaths=1)


def _answer(world: World, shard: Shard) -> tuple[Shard, Platform]:
    request, _ = ask(shard)
    platform, answer = world.platform.perform(shard.number, shard.run, request)
    return shard.hear(request, answer), platform


def _go(world: World, place: int, into: Shard, platform: Platform, *, faults: int = 0, deaths: int = 0) -> World:
    shards = (*world.shards[:place], _settle(into), *world.shards[place + 1 :])
    return World(platform, shards, world.faults - faults, world.deaths - deaths)


def _is_foregone(world: World, shard: Shard) -> bool:
    """Tell whether the shard reads what nobody else can change any more."""
    request, _ = ask(shard)
    others = {other for other in world.shards if other is not shard and not other.is_over}
    before = {"ReadTotals": ("join", "put"), "ReadTold": ("join", "put", "close"), "ReadRun": ("join", "put", "close")}
    name = type(request).__name__
    if name == "ReadTold":
        told = {int(told_name[0]) for run in world.platform.runs for told_name, _ in run.told}
        return all(other.number in told for other in others)
    return name in before and not any(other.phase in before[name] for other in others)


def search(world: World, check: Callable[[World], None], check_end: Callable[[World], None]) -> int:
    """Go all ways, check each moment and each end; return how many moments there are."""
    seen = {world}
    to_do = [world]
    while to_do:
        here = to_do.pop()
        check(here)
        if all(shard.is_over for shard in here.shards):
            check_end(here)
            continue
        for after in ways_on(here):
            if after not in seen:
                seen.add(after)
                to_do.append(after)
    return len(seen)


def begin(*ends: End, faults: int = 0, deaths: int = 0, platform: Platform = Platform()) -> World:  # noqa: B008
    shards = tuple(Shard(number, end) for number, end in enumerate(ends, 1))
    return World(platform, shards, faults, deaths)


def check_moment(world: World) -> None:
    """No result is in a run of its own, and no run passes before all shards have."""
    assert sum(bool(run.tests) for run in world.platform.runs) <= 1, "results are in two runs"
    for run in world.platform.runs:
        if run.fields["status"] == "passed":
            ends = [shard.end for shard in world.shards]
            assert set(ends) == {End()}, "it passed though something failed"
            assert len(run.told) == SHARDS, "it passed though a shard was missing"


def check_end(world: World) -> None:
    """All is in one run, which says so, and there is no other run."""
    (run,) = world.platform.runs
    ends = [shard.end for shard in world.shards]
    assert len(run.tests) == SHARDS
    counts = {f"{status}Tests": sum(end.test == status for end in ends) for status in STATUSES}
    told = {end.shard for end in ends}
    status = "cancelled" if told == {"cancelled"} else "passed" if set(ends) == {End()} else "failed"
    assert run.fields == {"status": status, "totalTests": SHARDS, **counts, "duration": 0}


def check_end_without_some(world: World) -> None:
    """What the living shards have found is in one run that does not pass, and the others are left by the dead."""
    living = {shard.number for shard in world.shards if shard.phase == "done"}
    dead = {shard.number for shard in world.shards} - living
    (run,) = [run for run in world.platform.runs if living <= {shard for shard, _ in run.tests}]
    assert {other.maker for other in world.platform.runs if other is not run} <= dead
    assert run.fields["status"] == "running" or not dead or len(run.told) == SHARDS
