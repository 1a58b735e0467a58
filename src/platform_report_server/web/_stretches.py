"""A period cut into stretches of time, with what the runs of each show together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import Row

from platform_report_server import ids

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

LENGTHS = {7: 6 * HOUR_MS, 30: DAY_MS, 90: DAY_MS}
"""How long the stretches of a period are, by its days."""


@dataclass(frozen=True)
class Stretch:
    """What the runs that began in one stretch of time show; None where there are none."""

    begins: int
    runs: int
    failed: int
    """Runs that failed."""
    pass_rate: float | None
    """Percent of all their tests that count."""
    p50: float | None
    """The duration that half of the runs do not exceed."""
    p90: float | None
    p99: float | None
    flaky: float | None
    """Flaky tests a run."""
    tests: int | None
    """Tests of the largest run."""


def cut(rows: Iterable[Row[Any]], days: int, now: int) -> list[Stretch]:
    """Return the stretches of the period that ends now, the oldest first."""
    length = LENGTHS[days]
    last = now // length
    first = last - days * DAY_MS // length + 1
    within: dict[int, list[Row[Any]]] = {place: [] for place in range(first, last + 1)}
    for row in rows:
        members = within.get(ids.moment_of(row.id) // length)
        if members is not None:
            members.append(row)
    return [_stretch(place * length, members) for place, members in within.items()]


def begins(days: int, now: int) -> int:
    """Return when the first stretch of a period that ends now begins."""
    length = LENGTHS[days]
    return (now // length + 1) * length - days * DAY_MS


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that so many percent of all do not exceed."""
    return ordered[max(ceil(len(ordered) * percent / 100), 1) - 1] if ordered else None


def _stretch(begins: int, rows: Sequence[Row[Any]]) -> Stretch:
    counting = sum(row.total - row.skipped for row in rows)
    durations = sorted(row.duration for row in rows)
    return Stretch(
        begins=begins,
        runs=len(rows),
        failed=sum(row.status == "failed" for row in rows),
        pass_rate=round(100 * sum(row.passed for row in rows) / counting, 2) if counting > 0 else None,
        p50=percentile(durations, 50),
        p90=percentile(durations, 90),
        p99=percentile(durations, 99),
        flaky=round(sum(row.flaky for row in rows) / len(rows), 2) if rows else None,
        tests=max((row.total for row in rows), default=None),
    )
