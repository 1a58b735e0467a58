"""Many rows into one table, by the driver's own statement: on the ingest path Core costs twice as much."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Dialect, Table, insert


def bulk_insert(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert `rows`, whose values stand in the order of `columns`."""
    if rows:
        connection.exec_driver_sql(_statement(connection.dialect, table, columns), list(rows))


@cache
def _statement(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    if tuple(compiled.positiontup or ()) != columns:
        raise ValueError(f"the columns of {table.name} must be named in the table's order, got {columns}")
    return str(compiled)
