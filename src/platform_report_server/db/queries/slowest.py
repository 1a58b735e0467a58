"""Where the time of a run goes."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from platform_report_server.db.queries.tests import TestRow, tests_at
from platform_report_server.db.schema import result


def slowest_tests(connection: Connection, project_id: int, run_id: int, limit: int) -> tuple[list[TestRow], float]:
    """Return the results that took longest, the slowest first, and how long all results of the run took together."""
    of_run = (result.c.project_id == project_id, result.c.run_id == run_id)
    slowest = select(result.c.seq).where(*of_run).order_by(result.c.duration.desc(), result.c.seq).limit(limit)
    places = [(run_id, seq) for seq in connection.execute(slowest).scalars()]
    together = connection.execute(select(func.sum(result.c.duration)).where(*of_run)).scalar_one() or 0.0
    rows = tests_at(connection, project_id, places)
    return sorted(rows, key=lambda row: (-row.duration, row.seq)), together
