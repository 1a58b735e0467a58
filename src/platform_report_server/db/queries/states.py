"""Where runs stand, in few columns: what is looked at again and again while somebody watches."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from platform_report_server.db.schema import project, run

RunState = Row[Any]
"""Differs from an earlier one if anything of the run has changed; `totals_of` takes it."""

_AT_ONCE = 500  # parameters of a statement

_COLUMNS = (
    *(run.c.id, run.c.status, run.c.created_at, run.c.updated_at, run.c.next_seq),
    *(run.c.passed, run.c.failed, run.c.skipped, run.c.flaky),
    *(run.c.told_total, run.c.told_passed, run.c.told_failed, run.c.told_skipped, run.c.told_flaky),
    *(run.c.told_duration, project.c.public_id.label("project")),
)
_STATES = select(*_COLUMNS).join(project, project.c.id == run.c.project_id)
_NEWEST = _STATES.order_by(run.c.id.desc()).limit(100)
_GOING_ON = _STATES.where(run.c.finished_at.is_(None)).order_by(run.c.project_id, run.c.id).limit(500)


def newest_states(connection: Connection) -> dict[int, RunState]:
    """Return the states of the newest runs, and of those that go on, by their numbers."""
    return _read(connection, _GOING_ON) | _read(connection, _NEWEST)


def states_of(connection: Connection, run_ids: Collection[int]) -> dict[int, RunState]:
    """Return the states of some runs; those that are not there are left out."""
    numbers, found = list(run_ids), dict[int, RunState]()
    for start in range(0, len(numbers), _AT_ONCE):
        found |= _read(connection, _STATES.where(run.c.id.in_(numbers[start : start + _AT_ONCE])))
    return found


def _read(connection: Connection, query: Select[Any]) -> dict[int, RunState]:
    return {row.id: row for row in connection.execute(query)}
