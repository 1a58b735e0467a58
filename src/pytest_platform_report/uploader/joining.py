"""The rules by which several machines make one run: which run all of them report into, and with what each closes it.

Each rule is a generator: it yields a request, and is given the answer. :class:`Drive` does that, however many of the
requests do not end well: nothing has to be remembered between two tries but what the platform holds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..model import STATUSES, RunStatus
from ..text import number_of
from .verdict import worst

_ROUNDS = 20
_FINAL: tuple[RunStatus, ...] = ("passed", "failed", "cancelled")

Found = tuple[int, ...]
"""How many tests a shard has found, by status, in the order of ``STATUSES``."""

# -- which run


@dataclass(frozen=True)
class Candidate:
    """A run that has the marker of all shards among its tags; ``created`` in seconds since 1970."""

    id: str
    created: float
    tags: frozenset[str]


@dataclass(frozen=True)
class Look:
    """List the runs that have the marker; answered by :class:`Candidate` objects."""


@dataclass(frozen=True)
class Make:
    """Create a run with the marker and the maker's own tag; answered by its :class:`Candidate`."""


@dataclass(frozen=True)
class Count:
    """Count the tests of a run."""

    run_id: str


@dataclass(frozen=True)
class Delete:
    """Delete a run."""

    run_id: str


def join(maker: str) -> Generator[Look | Make | Count | Delete, Any, Candidate]:
    """Return the one run that all shards report into: the oldest that there is.

    Whoever finds that a run of its own is not the oldest deletes that. Nobody else can be in it: all see the older one,
    since it was there before.

    :param maker: a tag that only the runs of this run folder have.
    """
    found: list[Candidate] = yield Look()
    if not found:
        made: Candidate = yield Make()
        seen: list[Candidate] = yield Look()
        found = [*seen, *([] if made.id in {run.id for run in seen} else [made])]
    standing = oldest(found)
    for run in found:
        if run.id != standing.id and maker in run.tags and not (yield Count(run.id)):
            yield Delete(run.id)
    return standing


def oldest(runs: list[Candidate]) -> Candidate:
    """Return the run that stands; of two that were made in the same moment, the one whose id comes first."""
    return min(runs, key=lambda run: (run.created, len(run.id), run.id))


# -- its end


@dataclass(frozen=True)
class Tell:
    """Leave word on the platform of what a shard has found, or how it has ended; it is added, and takes nothing away.

    Answered by whether the platform takes such words.
    """

    name: str
    word: Found | RunStatus


@dataclass(frozen=True)
class ReadTold:
    """Read what the shards have left word of; answered by pairs of name and word."""


@dataclass(frozen=True)
class ReadTotals:
    """Count the run's tests by status."""


@dataclass(frozen=True)
class ReadRun:
    """Read the run itself; answered by a :class:`Shown`."""


@dataclass(frozen=True)
class Write:
    """Change the run's status, totals and duration."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a run says of itself.

    :ivar fields: those of PATCH /runs/:id, as far as the platform tells them.
    :ivar expected: of how many shards it is, 0 where that is not known.
    :ivar is_awaited: ``platform-report run finish`` will end it.
    """

    fields: Mapping[str, Any]
    expected: int = 0
    is_awaited: bool = False


@dataclass(frozen=True)
class Share:
    """What one closes a run with.

    :ivar told: its shards' ends by name, ``K/N`` where the shard has a number; empty for a session that is none.
    :ivar found: what these have found, by name.
    :ivar status: of its sessions together.
    :ivar duration: theirs, in milliseconds.
    :ivar open: its tests that the platform does not have yet, by status.
    :ivar is_early: much is still to be sent: the ends are told later.
    :ivar is_mute: nothing is told: the platform takes no word at the moment.
    :ivar is_last: nobody comes after it: what is missing now will not come.
    :ivar expected: how many shards there have to be, 0 where only the run or the shards tell.
    """

    told: Mapping[str, RunStatus] = field(default_factory=dict)
    found: Mapping[str, Found] = field(default_factory=dict)
    status: RunStatus = "passed"
    duration: float = 0.0
    open: Mapping[str, int] = field(default_factory=dict)
    is_early: bool = False
    is_mute: bool = False
    is_last: bool = False
    expected: int = 0

    def words(self) -> list[tuple[str, Found | RunStatus]]:
        """Return what is to be told of its shards, by name."""
        ends = {} if self.is_early else self.told
        return [] if self.is_mute else [*sorted(self.found.items()), *sorted(ends.items())]


@dataclass(frozen=True)
class Closing:
    """What a run is closed with, by all that has been seen of it.

    :ivar told: how its shards have ended, the worst of each.
    :ivar expected: how many shards there have to be, 0 where that is not known.
    """

    fields: Mapping[str, Any]
    told: Mapping[str, RunStatus]
    expected: int

    @property
    def missing(self) -> tuple[int, ...]:
        """The shards that have not told their end, by number; where shards have none, as many as are missing."""
        numbers = {int(name.partition("/")[0]) for name in self.told if _is_numbered(name)}
        if not numbers:
            numbers = set(range(1, len(self.told) + 1))
        return tuple(number for number in range(1, self.expected + 1) if number not in numbers)

    def tell_missing(self) -> str:
        """Say which shards are missing; empty where none is."""
        missing = self.missing
        if not missing:
            return ""
        lack = f"{number_of(len(missing), 'shard')} of {self.expected} told no end"
        is_named = not self.told or any(map(_is_numbered, self.told))
        return f"{lack}: {', '.join(map(str, missing))}" if is_named else lack


def close(share: Share) -> Generator[Tell | ReadTold | ReadTotals | ReadRun | Write, Any, Closing]:
    """Close a run of which nobody knows who is last: tell the own end, read, write, until what was read is written.

    The ends are read before the totals: a shard tells its end when all that it has is delivered, or what it has found
    before that, so whoever sees all ends knows of all tests. And they are told before anything is read: of two that end
    at once, the one that writes last has read what the other one told, or finds out when it reads again.
    """
    for name, word in share.words():
        if not (yield Tell(name, word)):
            share = replace(share, told={})
            break
    written: Closing | None = None
    seen: set[tuple[str, Found | RunStatus]] = set()
    for _ in range(_ROUNDS):
        told: list[tuple[str, Found | RunStatus]] = yield ReadTold()
        if written is not None and (written.missing or share.is_early) and set(told) == seen:
            return written  # tests go on arriving; who has not told its end yet will write after us
        seen = set(told)
        totals: dict[str, int] = yield ReadTotals()
        shown: Shown = yield ReadRun()
        closing = _decide(share, told, totals, shown)
        if written is not None and closing.fields == written.fields:
            return closing
        if all(shown.fields.get(name) == value for name, value in closing.fields.items()):
            return closing
        yield Write(closing.fields)
        written = closing
    return closing


def _decide(
    share: Share, told: list[tuple[str, Found | RunStatus]], totals: Mapping[str, int], shown: Shown
) -> Closing:
    ends: dict[str, RunStatus] = {}
    found: dict[str, Found] = {}
    for name, word in (*told, *share.found.items(), *share.told.items()):
        if isinstance(word, tuple):
            found[name] = max(word, found.get(name, ()), key=sum)
        else:
            ends[name] = worst(word, ends.get(name, word))
    numbered = [int(name.partition("/")[2]) for name in ends if _is_numbered(name)]
    expected = (share.expected or max(shown.expected, *numbered, 0)) if ends or share.is_last else 0
    known = [totals.get(status, 0) + share.open.get(status, 0) for status in STATUSES]
    said = [sum(counts) for counts in zip(*found.values(), strict=True)]
    shown_before = [_number(shown.fields.get(f"{status}Tests")) for status in STATUSES]
    is_open = share.is_early or (not share.is_last and bool(Closing({}, ends, expected).missing))
    # What others still hold is on the platform in words only, or, where it takes none, in what they have written.
    sums = max(known, said, shown_before if is_open else known, key=sum)
    fields = {
        "totalTests": sum(sums),
        **{f"{status}Tests": count for status, count in zip(STATUSES, sums, strict=True)},
        "duration": max(round(share.duration), _number(shown.fields.get("duration"))),
    }
    undecided = Closing(fields, ends, expected)
    return Closing({"status": _judge(share, undecided, shown), **fields}, ends, expected)


def _judge(share: Share, closing: Closing, shown: Shown) -> str:
    """Return a run's status.

    ``cancelled`` where all shards were that have ended; ``failed`` as soon as a test or a shard has failed, or a shard
    was cancelled; ``passed`` once all shards have told that they have; and ``running`` until then.
    """
    before = str(shown.fields.get("status"))
    ends = set(closing.told.values())
    if not ends:  # nobody in it tells an end: whoever came before has left its word in the run's status only
        ends = {share.status, *(status for status in _FINAL if status == before)}
        ends = {worst(*ends)}
    if ends == {"cancelled"}:
        return "cancelled"
    if closing.fields["failedTests"] or ends != {"passed"}:
        return "failed"
    if share.is_last:
        return "failed" if closing.missing or not closing.fields["totalTests"] else "passed"
    if closing.missing or shown.is_awaited or share.is_early:
        return before if before in _FINAL else "running"  # one that was finished is not begun again
    return "passed"


def _is_numbered(name: str) -> bool:
    current, _, total = name.partition("/")
    return current.isdecimal() and total.isdecimal()


def _number(value: object) -> int:
    return round(value) if isinstance(value, int | float) else 0


_HARMLESS = (Look, Count, Tell, ReadTold, ReadTotals, ReadRun)


class Drive:
    """Runs a rule to its end, in as many tries as that takes.

    A question that failed is asked again, and a word told again, which twice is once. After anything else, which may
    have been done all the same, the rule begins anew.

    :param rule: begins it.
    """

    def __init__(self, rule: Callable[[], Generator[Any, Any, Any]]) -> None:
        self._begin = rule
        self._rule: Generator[Any, Any, Any] | None = None
        self._request: Any = None
        self._is_vain = False

    def run(self, perform: Callable[[Any], Any], knock: Callable[[], object] = lambda: None) -> Any:
        """Return what the rule returns; an error of *perform* ends this try.

        :param knock: asks the platform for something small. It is called before a request that has failed, and before
            which others have been answered since: of a platform that fails every second request it takes the failure.
            Its error ends this try too, and the next one goes on from there.
        """
        if self._rule is None:
            rule = self._begin()
            self._request, self._rule = next(rule), rule
        while True:
            is_harmless = isinstance(self._request, _HARMLESS)
            if self._is_vain and not is_harmless:
                self._is_vain = False
                knock()
            try:
                answer = perform(self._request)
            except BaseException:
                if not is_harmless:
                    self._rule, self._is_vain = None, True
                raise
            try:
                self._request = self._rule.send(answer)
            except StopIteration as end:
                self._rule = None
                return end.value
