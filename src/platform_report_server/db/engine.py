"""Connections: one for writing, a pool for reading."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from platform_report_server.db import _migrate
from platform_report_server.errors import StoreError

_BUSY_SECONDS = 20
_AMPLE = ("PRAGMA cache_size=-65536", "PRAGMA mmap_size=1073741824")
_SPARING = ("PRAGMA cache_size=-8192", "PRAGMA mmap_size=0")


class Database:
    """An open store. Readers see whole transactions only; there is one writing connection a process."""

    def __init__(self, path: Path, *, is_sparing: bool = False) -> None:
        self.path = path
        cache, mapped = _SPARING if is_sparing else _AMPLE
        self._writer = _engine(path, "BEGIN IMMEDIATE", cache, mapped, pool_size=1, max_overflow=0)
        self._readers = _engine(path, "BEGIN", "PRAGMA query_only=ON", mapped, pool_size=8, max_overflow=40)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a snapshot to read from."""
        with self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock; it commits when the block ends well."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._readers.dispose()
        self._writer.dispose()


def open_database(path: Path, *, is_sparing: bool = False) -> Database:
    """Open the store at `path`; make or migrate it where needed. One that is sparing takes little memory."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _use_wal(path)
        database = Database(path, is_sparing=is_sparing)
        try:
            with database.reading() as connection:
                current = _migrate.is_current(connection)
            if not current:
                with database.writing() as connection:
                    _migrate.migrate(connection, path)
        except BaseException:
            database.close()
            raise
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise StoreError(f"{path}: the store cannot be opened: {_cause(error)}") from error
    return database


def _use_wal(path: Path) -> None:
    # SQLite's busy timeout does not cover this statement when two processes open a new file
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        finally:
            connection.close()
        if mode != "wal":
            raise StoreError(
                f"{path}: this file system offers no shared memory (found journal mode {mode!r}, expected 'wal'); "
                "network file systems cannot hold the store, point to a folder on a local disk"
            )
        return


def _engine(path: Path, begin: str, *pragmas: str, pool_size: int, max_overflow: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=pool_size,
        max_overflow=max_overflow,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        if not isinstance(connection, sqlite3.Connection):
            raise TypeError(f"expected a connection of sqlite3, got {type(connection)}")
        connection.isolation_level = None  # or sqlite3 begins and commits where it likes, around DDL too
        # SQLite's own lower() and LIKE know ASCII only
        connection.create_function("lower", 1, _lower, deterministic=True)
        for statement in (
            "PRAGMA synchronous=NORMAL",
            "PRAGMA wal_autocheckpoint=4000",
            "PRAGMA temp_store=MEMORY",
            *pragmas,
        ):
            connection.execute(statement)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _lower(value: str | int | float | bytes | None) -> str | int | float | bytes | None:
    return value.lower() if isinstance(value, str) else value


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
