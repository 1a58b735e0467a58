"""The store on PostgreSQL."""

from __future__ import annotations

import logging
import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from platform_report_server.clock import now_ms
from platform_report_server.db import _migrate, locks, partitions
from platform_report_server.db.failures import cause_of, is_ending
from platform_report_server.db.groups import FORMATS, group_statement
from platform_report_server.db.pipeline import Pipeline
from platform_report_server.errors import StoreBehind, StoreError, Unavailable
from platform_report_server.settings import PostgresUrl

_DEFAULTS = {
    "connect_timeout": "10",
    "tcp_user_timeout": "30000",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "application_name": "platform-report",
    "client_encoding": "utf8",
}
_LOCK_TIMEOUT = "20s"
_COUNTING_TIMEOUT = "1s"
_OLDEST = (14,)
# what an index of titles costs a new test is more than all else about it: a title that the full title holds needs none
_INDEX_TITLES = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS test_case_full_titles ON test_case USING gin (full_title gin_trgm_ops)",
    (
        "CREATE INDEX IF NOT EXISTS test_case_own_titles ON test_case USING gin (title gin_trgm_ops) "
        "WHERE strpos(full_title, title) = 0"
    ),
    "DROP INDEX IF EXISTS test_case_titles",
)

_log = logging.getLogger("platform_report_server")


class PostgresDatabase:
    """An open database; what it says is in `platform_report_server.db.engine.Database`."""

    def __init__(self, url: PostgresUrl) -> None:
        self._url = url
        self.writer = _engine(url, lock_timeout=_LOCK_TIMEOUT, pool_size=1, max_overflow=0)
        self.readers = _engine(url, pool_size=8, max_overflow=8)
        self.counter = _engine(url, lock_timeout=_COUNTING_TIMEOUT, commits_each=True, pool_size=1, max_overflow=0)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._telling(), self.readers.begin() as connection:
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        with self._telling(), self.readers.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.autocommit = True
            try:
                yield connection
            finally:
                if not driver.closed:
                    driver.autocommit = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self._telling(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        with self.writing() as connection:
            locks.take(connection, locks.Lock.STORE)
            yield connection

    @contextmanager
    def counting(self) -> Iterator[Connection]:
        with self._telling(), self.counter.connect() as connection:
            yield connection

    def small_writes(self) -> Pipeline:
        with self._telling():
            connection = _connect(self._url, _LOCK_TIMEOUT)
            try:
                return Pipeline(self._url, connection, group_statement(self.writer.dialect), FORMATS)
            except BaseException:
                connection.close()
                raise

    def close(self) -> None:
        self.counter.dispose()
        self.readers.dispose()
        self.writer.dispose()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, psycopg.Error) as error:
            if not _is_lost(error):
                raise
            _log.error("%s: the database cannot be reached: %s", self._url, cause_of(error))
            raise Unavailable("The database cannot be reached; try again") from error


def open_postgres(url: PostgresUrl) -> PostgresDatabase:
    """Open a database of this version's schema; one that is empty gets it."""
    database = PostgresDatabase(url)
    try:
        with _opening(url):
            with database.readers.begin() as connection:
                found = _migrate.revision(connection)
                if found != _migrate.HEAD:
                    _migrate.check(connection, found, url)
            if found is None:
                _upgrade(database, url)
            elif found != _migrate.HEAD:
                raise StoreBehind(url, found, _migrate.HEAD)
            with database.writer.begin() as connection:
                partitions.make_partitions(connection, now_ms())
    except BaseException:
        database.close()
        raise
    return database


def migrate_postgres(url: PostgresUrl) -> tuple[str | None, str]:
    """Bring a database to this version's schema; return the revisions that it had and has."""
    database = PostgresDatabase(url)
    try:
        with _opening(url):
            return _upgrade(database, url), _migrate.HEAD
    finally:
        database.close()


def _upgrade(database: PostgresDatabase, url: PostgresUrl) -> str | None:
    with database.writer.begin() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # another one may be at it for long
        locks.take(connection, locks.Lock.STORE)
        version = connection.dialect.server_version_info or (0,)
        if version < _OLDEST:
            raise StoreError(f"{url}: found PostgreSQL {version[0]}, expected {_OLDEST[0]} or newer")
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise StoreError(f"{url}: the database has the encoding {encoding}, expected UTF8")
        found = _migrate.revision(connection)
        _migrate.migrate(connection, url)
        partitions.make_partitions(connection, now_ms())
        _index_titles(connection, url)
    return found


def _index_titles(connection: Connection, url: PostgresUrl) -> None:
    """Make the indexes that find tests by a part of their titles, where the extension is there or may be made."""
    try:
        with connection.begin_nested():
            for statement in _INDEX_TITLES:
                connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        _log.warning(
            "%s: searches do without an index (%s); 'platform-report migrate' makes it once the extension pg_trgm "
            "can be created",
            url,
            cause_of(error),
        )


@contextmanager
def _opening(url: PostgresUrl) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        cause = cause_of(error)
        hint = "; 'createdb' makes it" if "database" in cause and "does not exist" in cause else ""
        raise StoreError(f"{url}: the store cannot be opened: {cause}{hint}") from error


def _engine(
    url: PostgresUrl, *, pool_size: int, max_overflow: int, lock_timeout: str | None = None, commits_each: bool = False
) -> Engine:
    """Return an engine that writes where it has a time limit for locks, and else reads snapshots."""
    _arguments(url)  # what is wrong with them is told at once
    engine = create_engine(
        "postgresql+psycopg://",
        creator=partial(_connect, url, lock_timeout),
        use_native_hstore=False,  # asks the server about a type at each connection
        pool_size=pool_size,
        max_overflow=max_overflow,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _entry: object) -> None:
        connection.autocommit = commits_each
        if lock_timeout is None:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True

    @event.listens_for(engine, "checkout")
    def look(connection: Any, _entry: object, _proxy: object) -> None:
        try:
            if _has_news(connection):
                engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise DisconnectionError from error

    return engine


def _connect(url: PostgresUrl, lock_timeout: str | None) -> psycopg.Connection[Any]:
    connection = psycopg.connect(**_arguments(url), autocommit=True)
    connection.execute("SET jit = off")  # takes a second to make a query faster that takes some milliseconds
    if lock_timeout is not None:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [lock_timeout])
    return connection


def _arguments(url: PostgresUrl) -> dict[str, Any]:
    try:
        told = conninfo_to_dict(url.address)
    except psycopg.ProgrammingError:  # its words quote what it could not read, which may be a part of a password
        raise StoreError(f"{url}: libpq cannot read this address") from None
    return _DEFAULTS | {name: value for name, value in told.items() if value is not None}


def _has_news(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether an idle connection was sent something: mostly that it is over.

    To ask the server each time would take as long as a small query.
    """
    with selectors.DefaultSelector() as watch:
        watch.register(connection, selectors.EVENT_READ)
        return bool(watch.select(0))


def _is_lost(error: Exception) -> bool:
    # what the driver found out by itself has no state
    cause = getattr(error, "orig", None) or error
    return is_ending(error) or (isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None)
