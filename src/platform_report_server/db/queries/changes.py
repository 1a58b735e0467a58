"""What is different between two runs of a project, test by test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, Subquery, and_, case, cast, func, or_, select

from platform_report_server.db.queries.runs import ALL_RUNS, RunRow
from platform_report_server.db.schema import RESULT_STATUSES, result, run

KINDS = ("failing", "fixed", "slower", "added", "gone")
"""In the order in which they are shown; a test is of one kind only."""

MOST = 30
"""Tests of a kind that are named."""

SLOWER_TIMES, SLOWER_MS = 2, 1000
"""By how much a test must have become slower to be named: both."""

_PASSED, _FAILED, _SKIPPED, _FLAKY = map(RESULT_STATUSES.index, ("passed", "failed", "skipped", "flaky"))
_STATUSES = len(RESULT_STATUSES)


@dataclass(frozen=True)
class Change:
    """A test that is not as it was: its last result, which the earlier run has where the test is gone."""

    seq: int
    duration: float
    before: float | None
    """How long it took in the earlier run; None where it was not there."""


@dataclass(frozen=True)
class Changes:
    """The tests of one kind: how many there are, and the first of them; of the slower ones the worst."""

    total: int
    first: list[Change]


def changes_between(connection: Connection, project_id: int, run_id: int, before: int) -> dict[str, Changes]:
    """Return what a run has changed against an earlier one, by kind.

    A test that a run has more than once counts with its last result and its longest duration.
    """
    found = {kind: Changes(0, []) for kind in KINDS}
    for row in connection.execute(_changed(project_id, run_id, before)):
        kind = KINDS[row.kind]
        found[kind] = Changes(row.total, [*found[kind].first, _change(row)])
    return found


def runs_before(connection: Connection, row: RunRow, limit: int, *, is_of_branch: bool) -> list[RunRow]:
    """Return the newest runs of a run's project, or of its branch, that are earlier than it and have ended."""
    query = ALL_RUNS.where(run.c.project_id == row.project_id, run.c.id < row.id, run.c.finished_at.is_not(None))
    if is_of_branch:
        query = query.where(run.c.branch == row.branch)
    return list(connection.execute(query.order_by(run.c.id.desc()).limit(limit)).all())


def _change(row: Row[Any]) -> Change:
    is_gone = row.here is None
    last = row.there if is_gone else row.here
    return Change(last // _STATUSES, row.before if is_gone else row.took, row.before)


def _changed(project_id: int, run_id: int, before: int) -> Select[Any]:
    both = _compared(project_id, run_id, before)
    changed = select(both, _kind_of(both).label("kind")).subquery()
    by_arrival = func.coalesce(changed.c.here, changed.c.there)
    order = case((changed.c.kind == KINDS.index("slower"), changed.c.before - changed.c.took), else_=by_arrival)
    place = func.row_number().over(partition_by=changed.c.kind, order_by=order)
    total = func.count().over(partition_by=changed.c.kind)
    ranked = select(changed, place.label("place"), total.label("total")).where(changed.c.kind.is_not(None)).subquery()
    return select(ranked).where(ranked.c.place <= MOST).order_by(ranked.c.kind, ranked.c.place)


def _compared(project_id: int, run_id: int, before: int) -> Subquery:
    """Return a row for each test of either run, read in one pass; the last result is its number and status in one."""

    def most(of: int, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.max(case((result.c.run_id == of, value)))

    last = cast(result.c.seq, BigInteger) * _STATUSES + result.c.status
    return (
        select(
            most(run_id, last).label("here"),
            most(before, last).label("there"),
            most(run_id, result.c.duration).label("took"),
            most(before, result.c.duration).label("before"),
        )
        .where(result.c.project_id == project_id, result.c.run_id.in_((run_id, before)))
        .group_by(result.c.case_id)
        .subquery()
    )


def _kind_of(both: Subquery) -> ColumnElement[Any]:
    status, earlier = both.c.here % _STATUSES, both.c.there % _STATUSES
    took, before = both.c.took, both.c.before
    is_slower = and_(earlier != _SKIPPED, took >= SLOWER_TIMES * before, took - before >= SLOWER_MS)
    kinds = {
        "failing": and_(status == _FAILED, or_(both.c.there.is_(None), earlier != _FAILED)),
        "added": both.c.there.is_(None),
        "gone": both.c.here.is_(None),
        "fixed": and_(earlier == _FAILED, status.in_((_PASSED, _FLAKY))),
        "slower": is_slower,
    }
    return case(*((condition, KINDS.index(kind)) for kind, condition in kinds.items()))
