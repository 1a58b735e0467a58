"""The counters of a run, by the driver's own statements: each group of results changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.model import TestStatus

COUNT = (
    f"UPDATE run SET {', '.join(f'{status} = {status} + %s' for status in RESULT_STATUSES)}, "  # noqa: S608
    "next_seq = next_seq + %s, updated_at = %s WHERE project_id = %s AND id = %s"
)
STATE = "next_seq, folded_seq, finished_at"
_COUNT_AND_TELL = f"{COUNT} RETURNING {STATE}"
COUNT_ON_SQLITE = COUNT.replace("%s", "?")
_TELL_ON_SQLITE = f"SELECT {STATE} FROM run WHERE project_id = ? AND id = ?"  # noqa: S608


class Counted(NamedTuple):
    """A run after results were counted on it."""

    next_seq: int
    folded_seq: int
    finished_at: int | None


def counting(project_id: int, run_id: int, by_status: Mapping[TestStatus, int], now: int) -> tuple[int, ...]:
    """Return the values of `COUNT`."""
    counts = [by_status.get(status, 0) for status in RESULT_STATUSES]
    return *counts, sum(counts), now, project_id, run_id


def count_results(
    connection: Connection, project_id: int, run_id: int, by_status: Mapping[TestStatus, int], now: int
) -> Counted | None:
    """Count results on their run, and hold it until the transaction ends; return None where there is no such run."""
    values = counting(project_id, run_id, by_status, now)
    if connection.dialect.name == "postgresql":
        row = connection.exec_driver_sql(_COUNT_AND_TELL, values).first()
    else:
        connection.exec_driver_sql(COUNT_ON_SQLITE, values)
        row = connection.exec_driver_sql(_TELL_ON_SQLITE, (project_id, run_id)).first()
    return None if row is None else Counted(*row)
