"""Small writes on the spot, on SQLite: by whoever has them, as long as nobody has to be waited for.

What SQLAlchemy and another thread cost is more than the statements of a few results.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from platform_report_server.db import schema
from platform_report_server.db.bulk import insert_few
from platform_report_server.db.counters import COUNT_ON_SQLITE, counting
from platform_report_server.db.details import COLUMNS, ZLIB
from platform_report_server.db.queries.cases import among
from platform_report_server.model import TestStatus

_NO_WAIT = ("PRAGMA busy_timeout=0", "PRAGMA wal_autocheckpoint=0")
_NEXT = "SELECT next_seq FROM run WHERE project_id = ? AND id = ? AND finished_at IS NULL AND next_seq - folded_seq < ?"


class Taken(Exception):
    """Somebody else is writing."""


class Spot:
    """A connection of its own, opened when it is needed first; one thread uses it.

    It leaves the log of what it wrote to others: moving that into the file waits for the disk.
    """

    def __init__(self, path: Path, settings: Sequence[str]) -> None:
        self._path = path
        self._settings = settings
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction, or raise Taken; it commits when the block ends well."""
        connection = self._connection or self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise Taken from error
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for statement in (*self._settings, *_NO_WAIT):
            connection.execute(statement)
        self._connection = connection
        return connection


def cases_on_spot(
    connection: sqlite3.Connection, project_id: int, keys: Collection[bytes]
) -> dict[bytes, tuple[int, str]]:
    """Return the numbers and titles of those tests that are there, by their keys."""
    found = connection.execute(among(len(keys)), (*keys, project_id))
    return {key: (number, title) for key, number, title in found}


def store_on_spot(
    connection: sqlite3.Connection,
    project_id: int,
    run_id: int,
    by_status: Mapping[TestStatus, int],
    now: int,
    columns: tuple[str, ...],
    rows: Sequence[tuple[object, ...]],
    details: bytes,
    most: int,
) -> int | None:
    """Count results on their run and store them; return the sequence number of the first.

    The values of each row stand in the order of `columns`, which lack its place; `details` is one chunk for all. None:
    there is no such run, or it has ended, or it would come to `most` results that are not folded.
    """
    count = len(rows)
    found = connection.execute(_NEXT, (project_id, run_id, most - count)).fetchone()
    if found is None:
        return None
    first: int = found[0]
    connection.execute(COUNT_ON_SQLITE, counting(project_id, run_id, by_status, now))
    whole = chain.from_iterable((project_id, run_id, seq, *row) for seq, row in enumerate(rows, first))
    connection.execute(insert_few(schema.result, ("project_id", "run_id", "seq", *columns), count), tuple(whole))
    place = project_id, run_id, first, first + count - 1
    connection.execute(insert_few(schema.detail, COLUMNS, 1), (*place, ZLIB, details))
    return first
