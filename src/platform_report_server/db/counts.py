"""What the processes of one store count together. It may be lost: then counting begins anew.

On SQLite it has a file of its own, so that counting does not wait for those who write results.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table, delete

MINUTE = 60_000_000
"""All moments and times of requests are in microseconds."""
FORGOTTEN_MS = 3_600_000
"""Milliseconds after the end of a wait in which failures are forgotten."""

metadata = MetaData()

request_count = Table(
    "request_count",
    metadata,
    Column("name", LargeBinary(32), primary_key=True),  # the SHA-256 of who and what
    Column("free_at", BigInteger, nullable=False),  # when a whole minute's requests are free again
    Column("granted", BigInteger, nullable=False),  # by the last statement
)

login_failure = Table(
    "login_failure",
    metadata,
    Column("name", LargeBinary(32), primary_key=True),  # the SHA-256 of who
    Column("failures", Integer, nullable=False),
    Column("until", BigInteger, nullable=False),  # milliseconds; the next try is welcome then
)

_USED = "{least}({greatest}(request_count.free_at - {now}, 0), {minute})"
_GRANTED = "{least}({wanted}, ({minute} - {used}) / {share})"
_TAKE = """
INSERT INTO request_count (name, free_at, granted) VALUES ({name}, {now} + {wanted} * {share}, {wanted})
ON CONFLICT (name) DO UPDATE SET granted = {granted}, free_at = {now} + {used} + {granted} * {share}
"""
_TELL = "granted, free_at - {now} AS used"
_ON_SQLITE = {"least": "min", "greatest": "max", "now": ":now", "name": ":name"}
_ON_POSTGRES = {
    "least": "least",
    "greatest": "greatest",
    "now": "CAST(extract(epoch FROM now()) * 1000000 AS BIGINT)",
    "name": "%(name)s",
}


def take(connection: Connection, name: bytes, wanted: int, share: int, now: int) -> tuple[int, int]:
    """Take as many requests as are wanted, or as there are; return how many, and what of the minute is used then.

    Each takes a `share` of the minute. The time is the database's own where it has a clock.
    """
    said = {"name": name, "now": now}
    for statement in _statements(connection.dialect.name, wanted, share):
        done = connection.exec_driver_sql(statement, said)
    granted, used = done.one()
    return granted, used


def forget(connection: Connection, now: int) -> None:
    """Delete what says nothing any more, at a time in milliseconds."""
    connection.execute(delete(request_count).where(request_count.c.free_at <= now * 1000))
    connection.execute(delete(login_failure).where(login_failure.c.until <= now - FORGOTTEN_MS))


@lru_cache(1024)
def _statements(dialect: str, wanted: int, share: int) -> tuple[str, ...]:
    words: dict[str, object] = {"wanted": wanted, "share": share, "minute": MINUTE}
    words |= _ON_POSTGRES if dialect == "postgresql" else _ON_SQLITE
    words["used"] = _USED.format_map(words)
    words["granted"] = _GRANTED.format_map(words)
    taking, told = _TAKE.format_map(words), _TELL.format_map(words)
    if dialect == "postgresql":
        return (f"{taking} RETURNING {told}",)
    # SQLite knows RETURNING from 3.35 on only; this is in one transaction
    return taking, f"SELECT {told} FROM request_count WHERE name = :name"  # noqa: S608
