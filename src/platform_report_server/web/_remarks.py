"""What is to be said of a run as a whole before its failures: cut short, crashed, without a shard or some results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from platform_report_server.db.queries.failures import FailureGroup
from platform_report_server.db.queries.runs import RunRow

_CRASH = re.compile(r"process ended\b.* while running this test|worker '\S{1,100}' crashed while running ")
_WORD = re.compile(r"(\d{1,9})/(\d{1,9}) (passed|failed|cancelled|missing)", re.ASCII)
"""What a shard leaves at its end, after `2/3 found ...`."""
_NAMED = 20


@dataclass(frozen=True)
class Receipt:
    """How many tests were run, as the run was told, and how many results have arrived."""

    told: int
    arrived: int


def receipt(run: RunRow) -> Receipt | None:
    """Return the receipt; None where nobody has told how many tests were run."""
    if run.told_total is None:
        return None
    return Receipt(run.told_total, run.passed + run.failed + run.skipped + run.flaky)


def is_crash(group: FailureGroup) -> bool:
    """Tell whether these are tests that did not end, because their process did."""
    return _CRASH.match(group.message or "") is not None


def remarks(run: RunRow, words: list[str], crashed: int) -> list[str]:
    """Return the remarks; none where all went its way."""
    return [*_on_end(run), *_on_shards(run, words), *_on_crashes(crashed), *_on_results(run)]


def _on_end(run: RunRow) -> Iterator[str]:
    if run.abandoned_at is not None:
        yield "Nobody ended this run: it was closed because nothing was written to it any more"
    elif run.status == "cancelled":
        yield "This run was cut short: its session was interrupted or killed, and tests may be missing"


def _on_shards(run: RunRow, words: list[str]) -> Iterator[str]:
    ends = dict(_ends(words))
    if not ends:
        return
    expected = max(run.shard_total or 0, *(total for _, total in ends))
    there = {number for (number, _), end in ends.items() if end != "missing" and number <= expected}
    cut = sorted(number for (number, _), end in ends.items() if end == "cancelled")
    if cut:
        yield f"{_counted(len(cut), 'shard')} of {expected} cut short: {_listed(iter(cut), len(cut))}"
    lack = expected - len(there)
    if lack:
        missing = (number for number in range(1, expected + 1) if number not in there)
        what = "told no end" if run.finished_at is not None else "awaited"
        yield f"{_counted(lack, 'shard')} of {expected} {what}: {_listed(missing, lack)}"


def _ends(words: list[str]) -> Iterator[tuple[tuple[int, int], str]]:
    """Give out what each shard, as number and total, has told; the worst comes last."""
    ends = [word for word in map(_WORD.fullmatch, words) if word is not None and 0 < int(word[1]) <= int(word[2])]
    for end in ("missing", "passed", "failed", "cancelled"):
        yield from (((int(word[1]), int(word[2])), end) for word in ends if word[3] == end)


def _on_crashes(crashed: int) -> Iterator[str]:
    if crashed:
        yield f"{_counted(crashed, 'test')} crashed: the process that ran {'it' if crashed == 1 else 'them'} ended"


def _on_results(run: RunRow) -> Iterator[str]:
    told = receipt(run)
    if told is not None and run.finished_at is not None and told.arrived < told.told:
        yield f"{told.told - told.arrived} of {told.told} tests that were run have not arrived"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _listed(numbers: Iterator[int], count: int) -> str:
    return ", ".join(map(str, islice(numbers, _NAMED))) + (", …" if count > _NAMED else "")
