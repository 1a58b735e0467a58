"""What the handlers share, opened when the application starts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio.to_thread
from sqlalchemy import Connection

from platform_report_server.auth.access import Access
from platform_report_server.auth.signing import Signer, load_signer
from platform_report_server.db.engine import Database, open_database
from platform_report_server.ingest.contents import sweep_contents
from platform_report_server.ingest.writer import Writer
from platform_report_server.settings import Settings
from platform_report_server.storage.folder import ArtifactFolder

T = TypeVar("T")

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Services:
    """The open store and everything around it."""

    settings: Settings
    database: Database
    writer: Writer
    artifacts: ArtifactFolder
    signer: Signer
    access: Access

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query off the event loop, on a snapshot of its own."""
        return await anyio.to_thread.run_sync(self._read, query)

    async def sweep(self) -> None:
        """Delete the files that no artifact refers to any more."""
        try:
            await self.writer.do(partial(sweep_contents, remove=self.artifacts.remove))
        except OSError:
            _log.exception("contents that nothing refers to could not be deleted; the next start tries again")

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self.database.reading() as connection:
            return query(connection)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store, and close it at the end."""
    # Whoever calls the app without keys has it in a process of another purpose.
    opening = partial(open_database, settings.database, is_sparing=settings.access == "open")
    database = await anyio.to_thread.run_sync(opening)
    try:
        signer = await anyio.to_thread.run_sync(load_signer, settings.signing_key, database.writing)
        artifacts = ArtifactFolder(settings.artifacts)
        await anyio.to_thread.run_sync(artifacts.sweep)
        writer = Writer(database)
        writer.start()
        try:
            access = Access(settings, signer)
            services = Services(settings, database, writer, artifacts, signer, access)
            await services.sweep()
            yield services
        finally:
            await anyio.to_thread.run_sync(writer.stop)
    finally:
        database.close()
