"""An open store: on SQLite, or on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection

from platform_report_server.db._sqlite import open_sqlite
from platform_report_server.db.spot import Spot
from platform_report_server.errors import StoreError
from platform_report_server.settings import PostgresUrl

if TYPE_CHECKING:
    from platform_report_server.db.pipeline import Pipeline


class Database(Protocol):
    """An open store. Readers see whole transactions only; there is one writing connection a process."""

    @property
    def small_writes(self) -> Spot | Callable[[], Pipeline]:
        """Where the event loop itself writes a few rows: on the spot, or on a connection of its own that this opens."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a snapshot to read from."""
        ...

    def glancing(self) -> AbstractContextManager[Connection]:
        """Open what to read from where a statement need not see the same as the one before it, without a transaction.

        SQLite has a snapshot all the same, because it takes more statements and they cost no way to a server.
        """
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction; it commits when the block ends well. SQLite has one at a time."""
        ...

    def alone(self) -> AbstractContextManager[Connection]:
        """Open a transaction that no other process has at the same time."""
        ...

    def counting(self) -> AbstractContextManager[Connection]:
        """Open a connection to what processes count together (`db.counts`); each statement is committed at once."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


def open_database(where: Path | PostgresUrl, *, is_sparing: bool = False) -> Database:
    """Open the store; make it where there is none yet.

    A SQLite file of an earlier version is migrated, after a copy. One that is sparing takes little memory, and no copy.
    """
    if isinstance(where, Path):
        return open_sqlite(where, is_sparing=is_sparing)
    database: Database = _postgres().open_postgres(where)
    return database


def open_existing(where: Path | PostgresUrl) -> Database:
    """Open the store; refuse where there is none yet."""
    if isinstance(where, Path) and not where.exists():
        raise StoreError(f"{where}: there is no store")
    return open_database(where)


def migrate_database(where: PostgresUrl) -> tuple[str | None, str]:
    """Bring a PostgreSQL database to this version's schema; return the revisions that it had and has."""
    revisions: tuple[str | None, str] = _postgres().migrate_postgres(where)
    return revisions


def _postgres() -> Any:
    # psycopg takes a while to import, and SQLAlchemy's part as well
    try:
        from platform_report_server.db import _postgres
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs packages that are not installed ({error}): "
            "pip install 'pytest-platform-report[postgres]' installs them"
        ) from error
    return _postgres
