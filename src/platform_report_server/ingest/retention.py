"""Retention: runs that are older than their project keeps them go with all that hangs on them.

Tests, their statistics and what was decided about them stay.
"""

from __future__ import annotations

import operator
from dataclasses import astuple, dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, func, literal, or_, select

from platform_report_server.db import partitions
from platform_report_server.db.queries.runs import find_run
from platform_report_server.db.schema import artifact, project, run
from platform_report_server.ids import first_id
from platform_report_server.ingest.ending import is_silent_since
from platform_report_server.ingest.runs import delete_run, shorten_run
from platform_report_server.ingest.writer import Write

_RUNS_TOGETHER = 20
_RESULTS_TOGETHER = 4000
_DAY_MS = 24 * 3600 * 1000
_DAY_OF_IDS = first_id(2 * 10**12 + _DAY_MS) - first_id(2 * 10**12)


@dataclass(frozen=True)
class Gone:
    """How much went: runs, and what hung on them."""

    runs: int = 0
    results: int = 0
    artifacts: int = 0

    def __add__(self, other: Gone) -> Gone:
        return Gone(*map(operator.add, astuple(self), astuple(other)))


def expire(write: Write) -> Gone | None:
    """Delete some of what is too old; return None where nothing is."""
    _drop_months(write)
    gone = Gone()
    for run_id, size in _some_old_runs(write):
        row = find_run(write.connection, run_id)
        if row is None:
            continue
        if gone.results and gone.results + size > _RESULTS_TOGETHER:
            return gone
        if shorten_run(write, row, _RESULTS_TOGETHER):
            return gone
        gone += Gone(1, row.next_seq, _count_artifacts(write.connection, artifact.c.run_id == run_id))
        delete_run(write, row)
    return gone if gone.runs else None


def count_expired(connection: Connection, now: int) -> Gone:
    """Return what is too old."""
    old = and_(run.c.project_id == project.c.id, _is_expired(now))
    runs, results = connection.execute(
        select(func.count(), func.coalesce(func.sum(run.c.next_seq), 0)).where(old)
    ).one()
    of_run = and_(artifact.c.project_id == run.c.project_id, artifact.c.run_id == run.c.id)
    return Gone(runs, int(results), _count_artifacts(connection, and_(old, of_run)))


def _some_old_runs(write: Write) -> list[tuple[int, int]]:
    """Return the ids and sizes of some runs that are too old."""
    # one look at the index for each project: asked for all at once, SQLite reads every run
    oldest = select(func.min(run.c.id)).where(run.c.project_id == project.c.id).scalar_subquery()
    found: list[tuple[int, int]] = []
    for project_id in write.connection.execute(select(project.c.id).where(oldest < _bound(write.now))).scalars().all():
        query = select(run.c.id, run.c.next_seq).join(project, project.c.id == run.c.project_id)
        query = query.where(run.c.project_id == project_id, _is_expired(write.now)).limit(_RUNS_TOGETHER - len(found))
        # what another process deletes at this moment is left to it
        rows = write.connection.execute(query.with_for_update(of=run, skip_locked=True))
        found += [(run_id, size) for run_id, size in rows]
        if len(found) == _RUNS_TOGETHER:
            break
    return found


def _is_expired(now: int) -> ColumnElement[bool]:
    last = literal(now, BigInteger) - project.c.retention_days * literal(_DAY_MS, BigInteger)
    return and_(run.c.id < _bound(now), or_(run.c.finished_at.is_not(None), is_silent_since(last)))


def _bound(now: int) -> ColumnElement[int]:
    """Return the first id of the runs that a project keeps."""
    return literal(first_id(now), BigInteger) - project.c.retention_days * literal(_DAY_OF_IDS, BigInteger)


def _count_artifacts(connection: Connection, where: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).where(where)).scalar_one()


def _drop_months(write: Write) -> None:
    """Drop the results of whole months that every project is past; their runs go after, run by run."""
    longest = write.connection.execute(select(func.max(project.c.retention_days))).scalar()
    if longest is None:
        return
    for month in partitions.months_before(write.connection, first_id(write.now - longest * _DAY_MS)):
        first, after = partitions.runs_of(month)
        kept = select(run.c.id).join(project, project.c.id == run.c.project_id)
        kept = kept.where(run.c.id >= first, run.c.id < after, ~_is_expired(write.now))
        if write.connection.execute(kept.limit(1)).first() is None:
            partitions.drop_partitions(write.connection, month)
