"""The end of a run, told or not: its results go into the history and the statistics of their tests, its failures into
groups."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, func, select, update

from platform_report_server.db.queries.runs import find_run
from platform_report_server.db.schema import artifact, project, run, suite
from platform_report_server.ingest.deliveries import announce_end
from platform_report_server.ingest.failures import note_failures
from platform_report_server.ingest.flakiness import count_results
from platform_report_server.ingest.fold import fold
from platform_report_server.ingest.writer import Write

_TOGETHER = 20


def settle(write: Write, project_id: int, run_id: int) -> None:
    """Fold and count the results of a run that has ended, and note its failures, as far as that is not done."""
    fold(write.connection, project_id, run_id)
    if count_results(write, project_id, run_id):
        note_failures(write, run_id)


def close_silent_runs(write: Write, longest: int) -> None:
    """End the runs, some at a time, that nobody has written to for `longest` milliseconds and nobody has ended."""
    last = write.now - longest
    silent = select(run.c.project_id, run.c.id).where(run.c.finished_at.is_(None), is_silent_since(last))
    for project_id, run_id in write.connection.execute(silent.limit(_TOGETHER)).all():
        closing = update(run).where(run.c.project_id == project_id, run.c.id == run_id)
        # another process may have been faster
        closing = closing.where(run.c.finished_at.is_(None), run.c.updated_at < last)
        values = {
            "status": "cancelled",
            "told_duration": func.coalesce(run.c.told_duration, run.c.updated_at - run.c.created_at),
            "updated_at": write.now,
            "finished_at": write.now,
            "abandoned_at": write.now,
        }
        if write.connection.execute(closing.values(values)).rowcount:
            settle(write, project_id, run_id)
            row = find_run(write.connection, run_id)
            if row is not None:
                announce_end(write, row)


def is_silent_since(last: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether nobody has written to a run since a time."""
    hangs_on = {
        table: and_(table.c.project_id == run.c.project_id, table.c.run_id == run.c.id) for table in (artifact, suite)
    }
    new_artifact = exists().where(hangs_on[artifact], artifact.c.created_at >= last)
    new_suite = exists().where(hangs_on[suite], suite.c.updated_at >= last)
    return and_(run.c.updated_at < last, ~new_artifact.correlate(run, project), ~new_suite.correlate(run, project))
