"""Many rows into one table, by the driver's own statement: on the ingest path Core costs twice as much."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain

from sqlalchemy import Connection, Dialect, Table, insert

from platform_report_server.db.failures import is_duplicate

Rows = Sequence[tuple[object, ...]]

_MANY = 32
"""Rows from which on one statement for all of them takes more than a statement for each, or than a COPY."""


def bulk_insert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> None:
    """Insert `rows`, whose values stand in the order of `columns`."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
    elif len(rows) < _MANY:
        connection.exec_driver_sql(insert_few(table, columns, len(rows)), tuple(chain.from_iterable(rows)))
    else:
        connection.exec_driver_sql(_insert(connection.dialect, table, columns), list(rows))


def insert_missing(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows, key: str) -> int:
    """Insert those of `rows` whose key, names with commas between, is not there; return how many these are."""
    if not rows:
        return 0
    ending = f" ON CONFLICT ({key}) DO NOTHING"
    if connection.dialect.name == "postgresql":
        if len(rows) >= _MANY and _copy_new(connection, table, columns, rows):
            return len(rows)
        statement = _insert_arrays(connection.dialect, table, columns) + ending
        return connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True)))).rowcount
    return connection.exec_driver_sql(_insert(connection.dialect, table, columns) + ending, list(rows)).rowcount


def _copy_new(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> bool:
    """Insert `rows`, unless one of them is there already; COPY knows no ON CONFLICT."""
    try:
        with connection.begin_nested():
            _copy(connection, table, columns, rows)
    except Exception as error:
        if not is_duplicate(error):
            raise
        return False
    return True


def _copy(connection: Connection, table: Table, columns: tuple[str, ...], rows: Rows) -> None:
    driver = connection.connection.driver_connection
    if driver is None:
        raise ValueError("the connection is closed")
    with driver.cursor() as cursor:
        statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(statement) as copy:
            copy.set_types(column_types(connection.dialect, table, columns))
            for row in rows:
                copy.write_row(row)


@cache
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    compiled = insert(table).compile(dialect=dialect, column_keys=list(columns))
    if tuple(compiled.positiontup or ()) != columns:
        raise ValueError(f"the columns of {table.name} must be named in the table's order, got {columns}")
    return str(compiled)


@cache
def insert_few(table: Table, columns: tuple[str, ...], count: int) -> str:
    """Return the statement for so many rows on SQLite, which takes their values one after the other."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"  # noqa: S608


@cache
def _insert_arrays(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    # one statement with an array a column: row by row costs a round trip each
    arrays = ", ".join(f"%s::{kind}[]" for kind in column_types(dialect, table, columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"  # noqa: S608


@cache
def column_types(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> list[str]:
    """Return the columns' types as PostgreSQL names them, without a length."""
    return [table.c[name].type.compile(dialect).lower().partition("(")[0] for name in columns]
