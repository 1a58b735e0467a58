"""The store as a SQLite file."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateTable

from platform_report_server.db import _migrate, counts
from platform_report_server.db.failures import cause_of
from platform_report_server.db.spot import Spot
from platform_report_server.errors import StoreError

_BUSY_SECONDS = 20
_AMPLE = ("PRAGMA cache_size=-65536", "PRAGMA mmap_size=1073741824")
_SPARING = ("PRAGMA cache_size=-8192", "PRAGMA mmap_size=0")
# what is sorted in memory is one long list: in pieces, 200,000 results take three fifths of the time
_IN_PIECES = "PRAGMA temp_store=FILE"
_SETTINGS = ("PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=4000", "PRAGMA temp_store=MEMORY")
_HASTY = "PRAGMA busy_timeout=1000"
_COPIES = 3

_log = logging.getLogger("platform_report_server")


class SqliteDatabase:
    """An open file; what it says is in `platform_report_server.db.engine.Database`."""

    def __init__(self, path: Path, *, is_sparing: bool) -> None:
        cache, mapped = _SPARING if is_sparing else _AMPLE
        self._writer = _engine(path, "BEGIN IMMEDIATE", cache, mapped, pool_size=1, max_overflow=0)
        reading = ["PRAGMA query_only=ON", mapped, *([] if is_sparing or not _has_temporary_folder() else [_IN_PIECES])]
        self._readers = _engine(path, "BEGIN", *reading, pool_size=8, max_overflow=40)
        self._counter = _counting_engine(path.with_name(f"{path.name}.counts"))
        self.small_writes = Spot(path, _SETTINGS + _SPARING)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._readers.begin() as connection:
            yield connection

    glancing = reading

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._writer.begin() as connection:
            yield connection

    alone = writing

    @contextmanager
    def counting(self) -> Iterator[Connection]:
        with self._counter.begin() as connection:
            yield connection

    def close(self) -> None:
        self.small_writes.close()
        self._counter.dispose()
        self._readers.dispose()
        self._writer.dispose()


def open_sqlite(path: Path, *, is_sparing: bool) -> SqliteDatabase:
    """Open the file; make or migrate it where needed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _use_wal(path)
        database = SqliteDatabase(path, is_sparing=is_sparing)
        try:
            with database.reading() as connection:
                found = _migrate.revision(connection)
            if found != _migrate.HEAD:
                with database.writing() as connection:
                    if not is_sparing:
                        _copy_before(connection, path)
                    _migrate.migrate(connection, path)
        except BaseException:
            database.close()
            raise
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise StoreError(f"{path}: the store cannot be opened: {cause_of(error)}") from error
    return database


def _copy_before(connection: Connection, path: Path) -> None:
    """Copy what is about to be migrated. Under the write lock, so that the copy is of its last state."""
    found = _migrate.revision(connection)
    if found in (None, _migrate.HEAD):
        return
    _migrate.check(connection, found, path)
    copy = path.with_name(f"{path.name}.before-{_migrate.HEAD}")
    draft = copy.with_name(f"{copy.name}.draft")
    try:
        draft.touch(0o600)
        shutil.copymode(path, draft)
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(draft)) as target:
            source.backup(target)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)
    copies = sorted(path.parent.glob(f"{path.name}.before-*"), reverse=True)
    for old in copies[_COPIES:]:
        old.unlink(missing_ok=True)
    _log.warning("%s: migrates from revision %s to %s; %s is a copy as it was", path, found, _migrate.HEAD, copy)


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
        connection.create_function("bit_count", 1, int.bit_count, deterministic=True)
        for statement in (*_SETTINGS, *pragmas):
            connection.execute(statement)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _has_temporary_folder() -> bool:
    try:
        return bool(tempfile.gettempdir())  # which looks where SQLite does
    except FileNotFoundError:
        return False


def _counting_engine(path: Path) -> Engine:
    engine = _engine(path, "BEGIN IMMEDIATE", *_SPARING, _HASTY, pool_size=1, max_overflow=0)

    @event.listens_for(engine, "connect")
    def make(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _use_wal(path)
        cursor = connection.cursor()
        for table in counts.metadata.sorted_tables:
            cursor.execute(str(CreateTable(table, if_not_exists=True).compile(engine)))
        cursor.close()

    return engine


def _lower(value: str | int | float | bytes | None) -> str | int | float | bytes | None:
    return value.lower() if isinstance(value, str) else value
