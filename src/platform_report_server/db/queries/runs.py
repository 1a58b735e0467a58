"""Runs and their totals."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select

from platform_report_server.db.schema import project, run

RunRow = Row[Any]
"""A row of `run` with the public id of its project as `project`."""

ALL_RUNS = select(run, project.c.public_id.label("project")).join(project, project.c.id == run.c.project_id)
_RUN = ALL_RUNS.where(run.c.id == bindparam("this"))


@dataclass(frozen=True)
class Totals:
    """A run's numbers: what the client told where it told, else what was counted."""

    total: int
    passed: int
    failed: int
    skipped: int
    flaky: int
    duration: float

    @property
    def pass_rate(self) -> float:
        """Percent of the tests that count; skipped ones do not."""
        counting = self.total - self.skipped
        return round(100 * self.passed / counting, 2) if counting > 0 else 0.0


def totals_of(row: RunRow) -> Totals:
    """Return the totals to show for a run."""

    def told(name: str) -> int:
        value = getattr(row, f"told_{name}")
        return int(getattr(row, name) if value is None else value)

    parts = {name: told(name) for name in ("passed", "failed", "skipped", "flaky")}
    total = sum(parts.values()) if row.told_total is None else row.told_total
    # as long as nobody told it, a run has lasted from its beginning to its last news
    duration = row.updated_at - row.created_at if row.told_duration is None else row.told_duration
    return Totals(total=total, duration=duration, **parts)


def find_run(connection: Connection, run_id: int) -> RunRow | None:
    """Return one run."""
    return connection.execute(_RUN, {"this": run_id}).first()


def find_runs_of(connection: Connection, project_id: int, run_ids: Collection[int]) -> dict[int, RunRow]:
    """Return those of some runs of a project that are there, by their numbers."""
    query = ALL_RUNS.where(run.c.project_id == project_id, run.c.id.in_(run_ids))
    return {row.id: row for row in connection.execute(query)} if run_ids else {}


def list_runs(
    connection: Connection, projects: Collection[str] | None, *, limit: int, offset: int, **asked: Any
) -> tuple[list[RunRow], int]:
    """Return a page of runs that meet some conditions, newest first, and how many there are."""
    where = run_conditions(projects, **asked)
    rows = connection.execute(ALL_RUNS.where(*where).order_by(run.c.id.desc()).limit(limit).offset(offset)).all()
    total = connection.execute(select(func.count()).select_from(run).where(*where)).scalar_one()
    return list(rows), total


def run_conditions(
    projects: Collection[str] | None,
    *,
    status: str | None = None,
    branch: str | None = None,
    first: int | None = None,
    before: int | None = None,
) -> list[ColumnElement[bool]]:
    """Return the conditions that a run is of one of some projects (None: of any), and what else is asked of it."""
    where: list[ColumnElement[bool]] = []
    if projects is not None:
        where.append(run.c.project_id.in_(select(project.c.id).where(project.c.public_id.in_(projects))))
    if status is not None:
        where.append(run.c.status == status)
    if branch is not None:
        where.append(run.c.branch == branch)
    if first is not None:
        where.append(run.c.id >= first)
    if before is not None:
        where.append(run.c.id < before)
    return where
