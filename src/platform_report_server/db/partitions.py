"""Monthly partitions of the big tables on PostgreSQL. Ids grow with time: a month is a range of run ids."""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import Connection, text

from platform_report_server.db import locks
from platform_report_server.ids import first_id

_TABLES = ("result", "detail")
_AHEAD = 2
_NAMES = text("SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid WHERE inhparent = to_regclass(:parent)")


def make_partitions(connection: Connection, now: int) -> None:
    """Make what is missing for this month and the next two; without one, rows go to the default partition."""
    if connection.dialect.name != "postgresql" or not _missing(connection, now):
        return
    locks.take(connection, locks.Lock.PARTITIONS)
    for table, year, month in _missing(connection, now):
        _make(connection, table, year, month)


def _missing(connection: Connection, now: int) -> list[tuple[str, int, int]]:
    today = datetime.fromtimestamp(now / 1000, timezone.utc)
    months = [_month(today.year, today.month + ahead) for ahead in range(_AHEAD + 1)]
    found = {name for table in _TABLES for name in connection.execute(_NAMES, {"parent": table}).scalars()}
    return [(table, *month) for table in _TABLES for month in months if _name(table, *month) not in found]


def _make(connection: Connection, table: str, year: int, month: int) -> None:
    name, other = _name(table, year, month), f"{table}_default"
    start, end = _start(year, month), _start(*_month(year, month + 1))
    range_ = f"run_id >= {start} AND run_id < {end}"
    # attached, not made in place: that would lock the whole table against readers
    for statement in (
        f"LOCK TABLE {other} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)",
        f"INSERT INTO {name} SELECT * FROM {other} WHERE {range_}",  # noqa: S608
        f"DELETE FROM {other} WHERE {range_}",  # noqa: S608
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
    ):
        connection.exec_driver_sql(statement)


def _start(year: int, month: int) -> int:
    return first_id(int(datetime(year, month, 1, tzinfo=timezone.utc).timestamp()) * 1000)


def _month(year: int, month: int) -> tuple[int, int]:
    return year + (month - 1) // 12, (month - 1) % 12 + 1


def _name(table: str, year: int, month: int) -> str:
    return f"{table}_{year}_{month:02}"
