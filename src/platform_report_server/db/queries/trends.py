"""How a project's runs ended over a period, and which of its tests became slower."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select

from platform_report_server.db.queries.runs import ALL_RUNS, RunRow
from platform_report_server.db.queries.tests import TestRow, tests_at
from platform_report_server.db.schema import result, run

MOST_RUNS = 10_000
"""Runs of a period that are put together, its newest ones."""
SLOWEST = 1000
"""Tests of a run, its slowest ones, that are held against an earlier run."""

_MOST_RESULTS = 200_000
_SHOWN = 50
_PARTS = ("passed", "failed", "skipped", "flaky")
_TOLD: Mapping[str, ColumnElement[int]] = {name: func.coalesce(run.c[f"told_{name}"], run.c[name]) for name in _PARTS}
_ENDED = run.c.status.in_(("passed", "failed"))
_COLUMNS = (
    *(run.c.id, run.c.status),
    *(_TOLD[name].label(name) for name in _PARTS),
    func.coalesce(run.c.told_total, sum(_TOLD.values())).label("total"),
    func.coalesce(run.c.told_duration, run.c.updated_at - run.c.created_at).label("duration"),
)


@dataclass(frozen=True)
class Mover:
    """A test that became slower."""

    test: TestRow
    """Its result in the newer run."""
    before: float
    """How long it took in the earlier one."""

    @property
    def growth(self) -> float:
        """How much longer it takes."""
        return float(self.test.duration) - self.before


@dataclass(frozen=True)
class Movers:
    """The tests that became slower between two runs, the most first."""

    newest: RunRow | None
    """None where no run has ended."""
    earlier: RunRow | None
    """None where there is only one."""
    movers: list[Mover]


def ended_runs(connection: Connection, project_id: int, branch: str | None, first: int) -> list[Row[Any]]:
    """Return the newest runs of a period that ended by themselves, newest first, and one more than are put together."""
    query = select(*_COLUMNS).where(run.c.project_id == project_id, run.c.id >= first, _ENDED)
    if branch is not None:
        query = query.where(run.c.branch == branch)
    return list(connection.execute(query.order_by(run.c.id.desc()).limit(MOST_RUNS + 1)).all())


def find_movers(connection: Connection, project_id: int, branch: str | None, first: int) -> Movers:
    """Return what became slower between the newest run of a branch and the last one before a period.

    Without a branch, it is that of the newest run; where no run is old enough, the earlier one is the period's first.
    """
    of_project = ALL_RUNS.where(run.c.project_id == project_id, _ENDED)
    latest = of_project if branch is None else of_project.where(run.c.branch == branch)
    newest = connection.execute(latest.order_by(run.c.id.desc()).limit(1)).first()
    if newest is None:
        return Movers(None, None, [])
    # "is not distinct from" uses no index
    same = run.c.branch.is_(None) if newest.branch is None else run.c.branch == newest.branch
    others = of_project.where(same, run.c.id < newest.id)
    earlier = connection.execute(others.where(run.c.id < first).order_by(run.c.id.desc()).limit(1)).first()
    earlier = earlier or connection.execute(others.order_by(run.c.id).limit(1)).first()
    if earlier is None:
        return Movers(newest, None, [])
    return Movers(newest, earlier, _compare(connection, newest, earlier))


def _compare(connection: Connection, newest: RunRow, earlier: RunRow) -> list[Mover]:
    slowest = _passed(newest).order_by(result.c.duration.desc()).limit(SLOWEST)
    after = {row.case_id: row for row in connection.execute(slowest)}
    if not after:
        return []
    # as literals: SQLite may take no more than 999 parameters
    cases = result.c.case_id.in_(bindparam("cases", sorted(after), expanding=True, literal_execute=True))
    before = {row.case_id: row.duration for row in connection.execute(_passed(earlier).where(cases))}
    grown = {row.seq: before[case] for case, row in after.items() if row.duration > before.get(case, row.duration)}
    by_seq = {row.seq: row.duration for row in after.values()}
    most = nlargest(_SHOWN, grown, key=lambda seq: by_seq[seq] - grown[seq])
    tests = tests_at(connection, newest.project_id, [(newest.id, seq) for seq in most])
    return sorted((Mover(test, grown[test.seq]) for test in tests), key=lambda mover: -mover.growth)


def _passed(row: RunRow) -> Select[Any]:
    of_run = (result.c.project_id == row.project_id, result.c.run_id == row.id, result.c.seq < _MOST_RESULTS)
    return select(result.c.case_id, result.c.seq, result.c.duration).where(*of_run, result.c.status == 0)
