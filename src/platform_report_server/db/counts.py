"""What the processes of one store count together. It may be lost: then counting begins anew.

On SQLite it has a file of its own, so that counting does not wait for those who write results.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table, TextClause, delete, text

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

_NOW = "CAST(extract(epoch FROM now()) * 1000000 AS BIGINT)"
_USED = "{least}({greatest}(request_count.free_at - {now}, 0), {minute})"
_GRANTED = "{least}(CAST(:wanted AS BIGINT), ({minute} - {used}) / CAST(:share AS BIGINT))"
_TAKE = """
INSERT INTO request_count (name, free_at, granted)
VALUES (:name, {now} + CAST(:wanted AS BIGINT) * CAST(:share AS BIGINT), CAST(:wanted AS BIGINT))
ON CONFLICT (name) DO UPDATE
SET granted = {granted}, free_at = {now} + {used} + {granted} * CAST(:share AS BIGINT)
"""
_TELL = "granted, free_at - {now} AS used"


def take(connection: Connection, name: bytes, wanted: int, share: int, now: int) -> tuple[int, int]:
    """Take as many requests as are wanted, or as there are; return how many, and what of the minute is used then.

    Each takes a `share` of the minute. The time is the database's own where it has a clock.
    """
    statements = _statements(connection.dialect.name)
    said = {"name": name, "wanted": wanted, "share": share, "now": now}
    for statement in statements:
        done = connection.execute(statement, said)
    granted, used = done.one()
    return granted, used


def forget(connection: Connection, now: int) -> None:
    """Delete what says nothing any more, at a time in milliseconds."""
    connection.execute(delete(request_count).where(request_count.c.free_at <= now * 1000))
    connection.execute(delete(login_failure).where(login_failure.c.until <= now - FORGOTTEN_MS))


@cache
def _statements(dialect: str) -> tuple[TextClause, ...]:
    if dialect == "postgresql":
        words = {"least": "least", "greatest": "greatest", "now": _NOW, "minute": MINUTE}
    else:
        words = {"least": "min", "greatest": "max", "now": ":now", "minute": MINUTE}
    words["used"] = _USED.format_map(words)
    words["granted"] = _GRANTED.format_map(words)
    taking, told = _TAKE.format_map(words), _TELL.format_map(words)
    if dialect == "postgresql":
        return (text(f"{taking} RETURNING {told}"),)
    # SQLite knows RETURNING from 3.35 on only; this is in one transaction
    return text(taking), text(f"SELECT {told} FROM request_count WHERE name = :name")  # noqa: S608
