"""The executions of one test over the runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Exists, Row, Select, and_, bindparam, exists, func, or_, select, text

from platform_report_server.db.schema import RESULT_STATUSES, history, project, result, run

BUCKET_ROWS = 1_000_000
"""Executions after which a new bucket is begun; a lookup probes each of them."""

Execution = Row[Any]
"""run_id, seq, status, duration, created_at of a result, and the branch of its run."""

Place = tuple[int, int]
"""A result's run id and its number in that run."""

_NEWEST: Select[Any] = (
    select(result.c.run_id, result.c.seq, result.c.status, result.c.duration, result.c.created_at, run.c.branch)
    .join(run, and_(run.c.project_id == result.c.project_id, run.c.id == result.c.run_id))
    .order_by(result.c.run_id.desc(), result.c.seq.desc())
)
_SKIPPED = RESULT_STATUSES.index("skipped")

# built once: putting such a statement together takes longer than running it
_OF_CASE = (result.c.project_id == bindparam("in_project"), result.c.case_id == bindparam("of_case"))
_COUNTED = select(func.count()).select_from(result).where(*_OF_CASE).scalar_subquery().label("total")
_NEWEST_COUNTED = _NEWEST.add_columns(_COUNTED).where(*_OF_CASE).limit(bindparam("most"))
# the same on SQLite
_UNFOLDED = select(run.c.id, run.c.folded_seq).where(
    run.c.project_id == bindparam("in_project"), text("folded_seq < next_seq")
)
_FOLDED = select(project.c.folded).where(project.c.id == bindparam("in_project"))
_IN_HISTORY = (
    history.c.project_id == bindparam("in_project"),
    history.c.bucket.in_(bindparam("in_buckets", expanding=True)),
    history.c.case_id == bindparam("of_case"),
)
_HISTORY_COUNTED = select(func.count()).select_from(history).where(*_IN_HISTORY)
_PLACES = (
    select(history.c.project_id, history.c.run_id, history.c.seq)
    .where(*_IN_HISTORY)
    .order_by(history.c.run_id.desc(), history.c.seq.desc())
    .limit(bindparam("most"))
    .subquery()
)
_NEWEST_FOLDED = _NEWEST.join(_PLACES, and_(*(result.c[column.name] == column for column in _PLACES.c)))


def list_executions(connection: Connection, project_id: int, case_id: int, limit: int) -> tuple[list[Execution], int]:
    """Return the newest executions, newest first, and how many there are."""
    if connection.dialect.name == "postgresql":
        return _indexed(connection, project_id, case_id, limit)
    asked = {"in_project": project_id, "of_case": case_id, "in_buckets": _buckets(connection, project_id)}
    rows = list(connection.execute(_NEWEST_FOLDED, asked | {"most": limit}).all())
    total = connection.execute(_HISTORY_COUNTED, asked).scalar_one()
    unfolded = _unfolded(connection, project_id, case_id)
    if unfolded:
        rows += _executions(connection, project_id, sorted(unfolded)[-limit:])
        rows.sort(key=lambda row: (row.run_id, row.seq), reverse=True)
    return rows[:limit], total + len(unfolded)


def in_buckets(connection: Connection, project_id: int) -> ColumnElement[bool]:
    """Return the condition that names all buckets of a project's history: without it, SQLite reads them all."""
    return history.c.bucket.in_(_buckets(connection, project_id))


def _buckets(connection: Connection, project_id: int) -> range:
    folded = connection.execute(_FOLDED, {"in_project": project_id}).scalar() or 0
    return range(folded // BUCKET_ROWS + 1)


def _indexed(connection: Connection, project_id: int, case_id: int, limit: int) -> tuple[list[Execution], int]:
    values = {"in_project": project_id, "of_case": case_id, "most": limit}
    rows = list(connection.execute(_NEWEST_COUNTED, values).all())
    return rows, rows[0].total if rows else 0


def executed_before(
    dialect: str,
    case_id: ColumnElement[int],
    project_id: ColumnElement[int],
    run_id: ColumnElement[int],
    bucket: ColumnElement[int],
    seq: ColumnElement[int],
) -> Exists:
    """Return the condition that a test has, in a run's results before `seq`, all folded, one that is not skipped."""
    known = exists().where(result.c.project_id == project_id, result.c.run_id == run_id, result.c.status != _SKIPPED)
    if dialect != "sqlite":
        return known.where(result.c.case_id == case_id, result.c.seq < seq)
    place = (history.c.project_id == project_id, history.c.bucket == bucket, history.c.run_id == run_id)
    return known.where(*place, history.c.case_id == case_id, history.c.seq < seq, result.c.seq == history.c.seq)


def unfolded_runs(project_id: int) -> Select[Any]:
    """Return the query of the runs of which not every result is in the history, which SQLite has."""
    return select(run.c.id).where(run.c.project_id == project_id, text("folded_seq < next_seq"))


def _unfolded(connection: Connection, project_id: int, case_id: int) -> list[Place]:
    # runs that have not ended keep what arrived since the last fold in their own rows alone; as one query with a join,
    # SQLite would rather read every result of the project
    places: list[Place] = []
    for open_run in connection.execute(_UNFOLDED, {"in_project": project_id}).all():
        rest = select(result.c.seq).where(
            result.c.project_id == project_id,
            result.c.run_id == open_run.id,
            result.c.seq >= open_run.folded_seq,
            result.c.case_id == case_id,
        )
        places += [(open_run.id, seq) for seq in connection.execute(rest).scalars()]
    return places


def _executions(connection: Connection, project_id: int, places: list[Place]) -> list[Execution]:
    chosen = _NEWEST.where(result.c.project_id == project_id, stands_at(places))
    return list(connection.execute(chosen).all())


def stands_at(places: Collection[Place]) -> ColumnElement[bool]:
    """Return the condition that a result stands at one of some places."""
    runs, numbers = ({place[part] for place in places} for part in (0, 1))
    exactly = or_(*(and_(result.c.run_id == run_id, result.c.seq == seq) for run_id, seq in places))
    # by the last alone, SQLite would read every result of the project where there are more than two
    return and_(result.c.run_id.in_(runs), result.c.seq.in_(numbers), exactly)
