"""What badges tell of."""

from __future__ import annotations

from sqlalchemy import Connection

from platform_report_server.db.queries.runs import ALL_RUNS, RunRow
from platform_report_server.db.schema import run


def newest_verdict(connection: Connection, project_id: int, branch: str | None) -> RunRow | None:
    """Return a project's newest run that has ended by itself, on one branch where one is named."""
    # "is not" uses no index: the newest runs are looked through until one has ended
    query = ALL_RUNS.where(run.c.project_id == project_id, run.c.status.not_in(("running", "cancelled")))
    if branch is not None:
        query = query.where(run.c.branch == branch)
    return connection.execute(query.order_by(run.c.id.desc()).limit(1)).first()
