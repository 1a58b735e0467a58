"""The thumbnails of images, made when somebody first asks for one, in few processes at a time."""

from __future__ import annotations

from functools import partial

import anyio
import anyio.to_thread

from platform_report_server.db.queries.artifacts import find_thumbnail
from platform_report_server.db.reader import Reader
from platform_report_server.ingest.thumbnails import keep_thumbnail
from platform_report_server.ingest.writer import Writer
from platform_report_server.storage.store import ArtifactStore

_AT_ONCE = 2


class Thumbnails:
    """Finds thumbnails, or makes them of the contents in the store of files."""

    def __init__(self, reader: Reader, writer: Writer, store: ArtifactStore) -> None:
        self._reader = reader
        self._writer = writer
        self._store = store
        self._slots = anyio.CapacityLimiter(_AT_ONCE)
        self._threads = anyio.CapacityLimiter(_AT_ONCE)

    async def of(self, sha256: bytes) -> bytes | None:
        """Return a content's thumbnail, or None where it has none, or is not there."""
        found = await self._find(sha256)
        if found is None:
            async with self._slots:
                found = await self._find(sha256) or await self._make(sha256)
        return found[0]

    async def _find(self, sha256: bytes) -> tuple[bytes | None] | None:
        row = await self._reader.read(partial(find_thumbnail, sha256=sha256))
        return None if row is None else (row[0],)

    async def _make(self, sha256: bytes) -> tuple[bytes | None]:
        from platform_report_server.storage.picture import thumbnail_of

        content = await anyio.to_thread.run_sync(self._store.read, sha256, limiter=self._threads)
        if content is None:
            return (None,)
        drawn = await anyio.to_thread.run_sync(thumbnail_of, content, limiter=self._threads)
        await self._writer.do(partial(keep_thumbnail, sha256=sha256, data=drawn))
        return (drawn,)
