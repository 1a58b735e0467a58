"""The executions of a test on its page: those of one branch, and how long they took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from sqlalchemy import Connection

from platform_report_server.db.queries.history import Execution, list_executions
from platform_report_server.db.schema import RESULT_STATUSES

SHOWN = 100
LOOKED_THROUGH = 1000
"""Executions among which those of a branch are looked for, the newest."""

_LEAST = 5
_WIDTH, _HEIGHT = 600, 96
_SKIPPED = RESULT_STATUSES.index("skipped")


@dataclass(frozen=True)
class Bar:
    """One execution in the chart of durations."""

    row: Execution
    x: float
    y: float
    height: float
    is_outlier: bool


@dataclass(frozen=True)
class Chart:
    """How long executions took, the oldest first; what is higher than the chart is cut."""

    bars: list[Bar]
    width: int
    height: int
    bar_width: float
    median: float
    median_y: float
    fastest: float
    slowest: float

    @property
    def outliers(self) -> list[Execution]:
        """The executions that took far longer than most, the newest first."""
        return [bar.row for bar in reversed(self.bars) if bar.is_outlier]


def show_history(connection: Connection, project_id: int, case_id: int, branch: str | None) -> dict[str, Any]:
    """Return what the page of a test tells of its executions, on one branch where one is named."""
    most = SHOWN if branch is None else LOOKED_THROUGH
    found, count = list_executions(connection, project_id, case_id, most)
    newest = found[:SHOWN]
    shown = newest if branch is None else [row for row in found if row.branch == branch][:SHOWN]
    return {
        "executions": found,
        "shown": shown,
        "count": count,
        "looked_through": len(found),
        "branches": sorted({row.branch for row in newest if row.branch} | ({branch} if branch else set())),
        "chart": draw(shown),
    }


def draw(executions: Sequence[Execution]) -> Chart | None:
    """Return the chart of executions that stand newest first; None where there are not two to compare."""
    rows = [row for row in reversed(executions) if row.status != _SKIPPED]
    if len(rows) < 2:
        return None
    times = [row.duration for row in rows]
    fence = _fence(times)
    # an outlier may be a thousand times as high: the others are to be told apart still
    top = min(max(times), fence * 1.25) or 1
    step = _WIDTH / max(len(rows), 20)

    def height(time: float) -> float:
        return round(max(min(time / top, 1) * _HEIGHT, 1), 2)

    bars = [
        Bar(row, round(place * step, 2), _HEIGHT - height(row.duration), height(row.duration), row.duration > fence)
        for place, row in enumerate(rows)
    ]
    middle = median(times)
    return Chart(bars, _WIDTH, _HEIGHT, round(step * 0.8, 2), middle, _HEIGHT - height(middle), min(times), max(times))


def _fence(times: Sequence[float]) -> float:
    """Return the duration above which an execution is an outlier, after Tukey."""
    if len(times) < _LEAST:
        return max(times)
    low, middle, high = quantiles(times, n=4, method="inclusive")
    # of times that are all but equal, a few milliseconds more are no outlier
    return max(high + 1.5 * (high - low), 1.5 * middle)
