"""A few results of one run in one statement, on PostgreSQL, where each statement is a way there and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import msgspec
from sqlalchemy import Connection, Dialect, Table

from platform_report_server.db.bulk import column_types
from platform_report_server.db.counters import COUNT, STATE, Counted, counting
from platform_report_server.db.details import ZLIB
from platform_report_server.db.schema import result
from platform_report_server.model import TestStatus

LARGEST = 32
"""Results of a group: those of more are copied faster."""

_encode = msgspec.json.Encoder().encode


def store_group(
    connection: Connection,
    project_id: int,
    run_id: int,
    by_status: Mapping[TestStatus, int],
    now: int,
    columns: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    details: bytes,
) -> Counted | None:
    """Count results on their run and store them; return the run's state, or None where there is no such run.

    The values of each row stand in the order of `columns`, which lack its place; `details` is one chunk for all.
    """
    place = project_id, run_id
    values = (
        *counting(project_id, run_id, by_status, now),
        *(*place, len(rows), _encode(rows).decode()),
        *(*place, len(rows), ZLIB, details),
    )
    row = connection.exec_driver_sql(_statement(connection.dialect, result, columns), values).first()
    return None if row is None else Counted(*row)


@cache
def _statement(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    kinds = column_types(dialect, table, columns)
    told = ", ".join(f"(told.row->>{place})::{kind}" for place, kind in enumerate(kinds))
    return (
        f"WITH counted AS ({COUNT} RETURNING {STATE}), "  # noqa: S608
        f"stored AS (INSERT INTO result (project_id, run_id, seq, {', '.join(columns)}) "
        f"SELECT %s::bigint, %s::bigint, counted.next_seq - %s::int + told.place - 1, {told} "
        "FROM counted, jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS told(row, place)), "
        "detailed AS (INSERT INTO detail (project_id, run_id, lo, hi, codec, data) "
        "SELECT %s::bigint, %s::bigint, next_seq - %s::int, next_seq - 1, %s::smallint, %s::bytea FROM counted) "
        f"SELECT {STATE} FROM counted"
    )
