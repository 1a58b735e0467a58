"""A few results of one run in one statement, on PostgreSQL, where each statement is a way there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, Dialect

from platform_report_server.db.bulk import column_types
from platform_report_server.db.counters import STATE, Counted
from platform_report_server.db.details import ZLIB
from platform_report_server.db.schema import RESULT_STATUSES, result
from platform_report_server.model import TestStatus

LARGEST = 32
"""Results of a group: those of more are copied faster."""
COLUMNS = (
    *("case_id", "status", "flaky", "attempt", "retries", "duration", "created_at"),
    *("title", "message", "lane", "started", "lasted"),
)
"""What a row says of a result, beside its place."""
_VALUES = ("project", "run", *RESULT_STATUSES, "count", "now", "rows", "details")
FORMATS = [0] * (len(_VALUES) - 1) + [1]
"""Which of the values are text, 0, and which are bytes."""

_encode = msgspec.json.Encoder().encode


class Group(NamedTuple):
    """Some results of one run."""

    project_id: int
    run_id: int
    by_status: Mapping[TestStatus, int]
    now: int
    rows: Sequence[tuple[object, ...]]
    """Values in the order of `COLUMNS`."""
    details: bytes
    """One chunk."""

    def values(self) -> list[bytes]:
        """Return what the statement takes, as PostgreSQL reads it: the details as they are, all else as text."""
        counts = [self.by_status.get(status, 0) for status in RESULT_STATUSES]
        numbers = (self.project_id, self.run_id, *counts, len(self.rows), self.now)
        return [*(b"%d" % number for number in numbers), _encode(self.rows), self.details]


def store_group(connection: Connection, group: Group) -> Counted | None:
    """Count results on their run and store them; return the run's state, or None where there is no such run."""
    *texts, details = group.values()
    values = dict(zip(_VALUES, [*(text.decode() for text in texts), details], strict=True))
    row = connection.exec_driver_sql(_named(connection.dialect), values).first()
    return None if row is None else Counted(*row)


@cache
def _named(dialect: Dialect) -> str:
    return _statement(dialect).format_map({name: f"%({name})s" for name in _VALUES})


def group_statement(dialect: Dialect) -> str:
    """Return the statement as PostgreSQL itself reads it; it stores nothing in a run that has ended."""
    return _statement(dialect, " AND finished_at IS NULL").format_map(
        {name: f"${number}" for number, name in enumerate(_VALUES, 1)}
    )


def _statement(dialect: Dialect, condition: str = "") -> str:
    counts = ", ".join(f"{status} = {status} + {{{status}}}" for status in RESULT_STATUSES)
    told = ", ".join(
        f"(told.row->>{place})::{kind}" for place, kind in enumerate(column_types(dialect, result, COLUMNS))
    )
    place = "{project}::bigint, {run}::bigint"
    return (
        f"WITH counted AS (UPDATE run SET {counts}, next_seq = next_seq + {{count}}, updated_at = {{now}} "  # noqa: S608
        f"WHERE project_id = {{project}} AND id = {{run}}{condition} RETURNING {STATE}), "
        f"stored AS (INSERT INTO result (project_id, run_id, seq, {', '.join(COLUMNS)}) "
        f"SELECT {place}, counted.next_seq - {{count}}::int + told.place - 1, {told} "
        "FROM counted, jsonb_array_elements({rows}::jsonb) WITH ORDINALITY AS told(row, place)), "
        "detailed AS (INSERT INTO detail (project_id, run_id, lo, hi, codec, data) "
        f"SELECT {place}, next_seq - {{count}}::int, next_seq - 1, {ZLIB}, {{details}}::bytea FROM counted) "
        f"SELECT {STATE} FROM counted"
    )
