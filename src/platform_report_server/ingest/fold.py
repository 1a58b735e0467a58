"""Folding: what a run's results add to the history of their tests, written in the order of the tests.

PostgreSQL has an index for that, and nothing to fold.
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, literal, select, update

from platform_report_server.db.queries.history import BUCKET_ROWS
from platform_report_server.db.schema import history, project, result, run

FOLD_AT = 25_000
"""Unfolded results of one run after which they are folded although it goes on: a history lookup reads them all."""


def fold(connection: Connection, project_id: int, run_id: int) -> None:
    """Fold what is not folded yet."""
    if connection.dialect.name == "postgresql":
        return
    this_run = (run.c.project_id == project_id, run.c.id == run_id)
    state = connection.execute(select(run.c.next_seq, run.c.folded_seq, run.c.bucket).where(*this_run)).one()
    count = state.next_seq - state.folded_seq
    if not count:
        return
    bucket = state.bucket
    if bucket is None:  # a run stays in one bucket, so that deleting it has one place to look at
        folded = connection.execute(select(project.c.folded).where(project.c.id == project_id)).scalar_one()
        bucket = folded // BUCKET_ROWS
    rows = select(result.c.project_id, literal(bucket), result.c.case_id, result.c.run_id, result.c.seq)
    rows = rows.where(result.c.project_id == project_id, result.c.run_id == run_id, result.c.seq >= state.folded_seq)
    columns = ["project_id", "bucket", "case_id", "run_id", "seq"]
    connection.execute(insert(history).from_select(columns, rows.order_by(result.c.case_id, result.c.seq)))
    connection.execute(update(run).where(*this_run).values(folded_seq=state.next_seq, bucket=bucket))
    connection.execute(update(project).where(project.c.id == project_id).values(folded=project.c.folded + count))
