"""Queries, off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Connection

from platform_report_server.db.engine import Database

T = TypeVar("T")


class Reader:
    """Runs queries in threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a snapshot of its own."""
        return await anyio.to_thread.run_sync(self._read, query)

    async def glance(self, query: Callable[[Connection], T]) -> T:
        """Do the same, where it need not be one snapshot: each statement of PostgreSQL may have its own."""
        return await anyio.to_thread.run_sync(self._glance, query)

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._database.reading() as connection:
            return query(connection)

    def _glance(self, query: Callable[[Connection], T]) -> T:
        with self._database.glancing() as connection:
            return query(connection)
