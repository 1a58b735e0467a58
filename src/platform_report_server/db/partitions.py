"""Monthly partitions of the big tables on PostgreSQL. Ids grow with time: a month is a range of run ids."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from platform_report_server.db import locks
from platform_report_server.db.failures import is_locked
from platform_report_server.ids import first_id

_TABLES = ("result", "detail")
_AHEAD = 2
_LOCK_TIMEOUT = "1s"
_NAMED = re.compile(r"\w+?_(\d{4})_(\d{2})")
_NAMES = text("SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid WHERE inhparent = to_regclass(:parent)")

Month = tuple[int, int]
"""Year and month."""


def make_partitions(connection: Connection, now: int) -> None:
    """Make what is missing for this month and the next two; without one, rows go to the default partition."""
    if connection.dialect.name != "postgresql" or not _missing(connection, now):
        return
    locks.take(connection, locks.Lock.PARTITIONS)
    for table, year, month in _missing(connection, now):
        _make(connection, table, year, month)


def months_before(connection: Connection, run_id: int) -> list[Month]:
    """Return the months with partitions that hold earlier runs only."""
    if connection.dialect.name != "postgresql":
        return []
    found = {name for table in _TABLES for name in connection.execute(_NAMES, {"parent": table}).scalars()}
    months = {(int(named[1]), int(named[2])) for name in found if (named := _NAMED.fullmatch(name))}
    return [month for month in sorted(months) if runs_of(month)[1] <= run_id]


def runs_of(month: Month) -> tuple[int, int]:
    """Return the first id of a run of this month, and the first after it."""
    return _start(*month), _start(*_month(month[0], month[1] + 1))


def drop_partitions(connection: Connection, month: Month) -> bool:
    """Drop a month, unless others hold its tables for long: who waits for such a lock makes all others wait."""
    try:
        with connection.begin_nested():
            usual = connection.execute(text("SHOW lock_timeout")).scalar_one()
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            for table in _TABLES:
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_name(table, *month)}")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{usual}'")
    except OperationalError as error:
        if not is_locked(error):
            raise
        return False
    return True


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
