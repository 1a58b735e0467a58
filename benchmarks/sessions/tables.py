"""What the sessions took, as tables.

Times are told as they would be on cores that are always at their full speed: a second of CPU counts as much as its core
did meanwhile, and a second that nobody computed in counts as a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles

from benchmarks.sessions.candidates import Candidate
from benchmarks.sessions.cores import Speeds
from benchmarks.sessions.corpora import Corpus
from benchmarks.sessions.runs import Run

_COLUMNS = (
    "CPU",
    "CPU of others",
    "wall to the last test",
    "wall",
    "memory",
    "memory of others",
    "requests",
    "arrived",
)


@dataclass(frozen=True)
class Turn:
    """A session, and those that it is compared with: the one just before it and the one just after it."""

    run: Run
    beside: tuple[Run, ...] = ()


Turns = dict[str, list[Turn]]


def table(corpus: Corpus, candidates: Sequence[Candidate], turns: Turns, speeds: Speeds, others: Speeds) -> str:
    """Return what a corpus took of each candidate.

    :param turns: by the candidates' names.
    :param speeds: those of the sessions' core; ``others`` those of the other one.
    """
    clock = _Clock(speeds, others)
    lines = [
        f"| {corpus.count:,} {corpus.name} tests | {' | '.join(_COLUMNS)} |",
        f"| --- |{' ---: |' * len(_COLUMNS)}",
    ]
    lines += [
        _line(corpus, candidate, turns[candidate.name], clock) for candidate in candidates if candidate.name in turns
    ]
    return "\n".join(lines)


class _Clock:
    """Tells times of sessions as of full speed."""

    def __init__(self, speeds: Speeds, others: Speeds) -> None:
        self._speeds = speeds
        self._others = others

    def cpu(self, run: Run) -> float:
        over = run.measured.began + run.tests_wall
        later = self._speeds.between(over, run.measured.began + run.measured.wall)
        return self._tests_cpu(run) + (run.measured.cpu - run.tests_cpu) * later

    def left_cpu(self, run: Run) -> float:
        began = run.measured.began
        return run.measured.left_cpu * self._others.between(began, began + run.measured.wall)

    def tests_wall(self, run: Run) -> float:
        return run.tests_wall - run.tests_cpu + self._tests_cpu(run)

    def wall(self, run: Run) -> float:
        return run.measured.wall - run.measured.cpu + self.cpu(run)

    def _tests_cpu(self, run: Run) -> float:
        return run.tests_cpu * self._speeds.between(run.measured.began, run.measured.began + run.tests_wall)


def _line(corpus: Corpus, candidate: Candidate, turns: Sequence[Turn], clock: _Clock) -> str:
    mine = [turn.run for turn in turns]
    first = mine[0]

    def compare(value: Callable[[Run], float]) -> str:
        if not turns[0].beside:
            return f"{median(map(value, mine)):.2f} s"
        ratios = [value(turn.run) / mean(map(value, turn.beside)) for turn in turns]
        if len(ratios) == 1:
            return f"{ratios[0]:.2f}"
        lower, middle, upper = quantiles(ratios, n=4, method="inclusive")
        return f"{middle:.2f} ({lower:.2f} to {upper:.2f})"

    left = median(map(clock.left_cpu, mine))
    left_peak = median(run.measured.left_peak for run in mine)
    cells = [
        compare(clock.cpu),
        f"{left:.2f} s" if left_peak else "",
        compare(clock.tests_wall),
        compare(clock.wall),
        f"{median(run.measured.peak for run in mine):.0f} MiB",
        f"{left_peak:.0f} MiB" if left_peak else "",
        "" if first.requests is None else f"{median(run.requests or 0 for run in mine):,.0f}",
        _describe_arrived(corpus, mine),
    ]
    return f"| {candidate.name}{_describe_exit(corpus, mine)} | {' | '.join(cells)} |"


def _describe_arrived(corpus: Corpus, mine: Sequence[Run]) -> str:
    at_end, in_the_end = ([run.at_end for run in mine], [run.in_the_end for run in mine])
    counts = [count for count in in_the_end if count is not None]
    if not counts:
        return ""
    least = "all" if set(counts) == {corpus.count} else f"{min(counts):,}"
    if at_end == in_the_end:
        return least
    return f"{least} ({min(count or 0 for count in at_end):,} at its end)"


def _describe_exit(corpus: Corpus, mine: Sequence[Run]) -> str:
    odd = sorted({run.measured.exit for run in mine} - {corpus.exit})
    return f" (exit {', '.join(map(str, odd))})" if odd else ""
