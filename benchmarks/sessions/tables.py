"""What the sessions took, as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles

from benchmarks.sessions.candidates import Candidate
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


def table(corpus: Corpus, candidates: Sequence[Candidate], turns: Turns) -> str:
    """Return what a corpus took of each candidate; ``turns`` by the candidates' names."""
    lines = [
        f"| {corpus.count:,} {corpus.name} tests | {' | '.join(_COLUMNS)} |",
        f"| --- |{' ---: |' * len(_COLUMNS)}",
    ]
    lines += [_line(corpus, candidate, turns[candidate.name]) for candidate in candidates if candidate.name in turns]
    return "\n".join(lines)


def _line(corpus: Corpus, candidate: Candidate, turns: Sequence[Turn]) -> str:
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

    left = median(run.measured.left_cpu for run in mine)
    left_peak = median(run.measured.left_peak for run in mine)
    cells = [
        compare(lambda run: run.measured.cpu),
        f"{left:.2f} s" if left_peak else "",
        compare(lambda run: run.tests_wall),
        compare(lambda run: run.measured.wall),
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
