"""The contents of artifacts: brought into their store and taken out of it, outside of the transactions that say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_thread

from platform_report_server.errors import Unavailable
from platform_report_server.ingest.contents import expect_content, settle_stale, take_stale
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.storage.draft import Draft
from platform_report_server.storage.store import ArtifactStore

_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_AT_ONCE = 16


class Contents:
    """Moves contents. A store that hangs takes threads of its own only."""

    def __init__(self, writer: Writer, store: ArtifactStore) -> None:
        self._writer = writer
        self._store = store
        self._threads = anyio.CapacityLimiter(_AT_ONCE)

    async def keep(self, draft: Draft, check: Callable[[Write], object]) -> int:
        """Store a draft's content, unless `check` refuses it; return the note that lets an artifact refer to it."""
        sha256 = draft.sha256()

        def expect(write: Write) -> int | None:
            check(write)
            return expect_content(write, sha256)

        deadline = anyio.current_time() + _PATIENCE_SECONDS
        while (note := await self._writer.do(expect)) is None:
            if anyio.current_time() > deadline:
                raise Unavailable("The same content is being deleted; try again")
            await anyio.sleep(_LOOK_SECONDS)
        await anyio.to_thread.run_sync(self._store.keep, draft, limiter=self._threads)
        return note

    async def sweep(self) -> bool:
        """Delete some of the contents that nothing refers to any more; tell whether there were any."""
        contents = await self._writer.do(take_stale)
        if contents:
            await anyio.to_thread.run_sync(self._store.remove, contents, limiter=self._threads)
            await self._writer.do(partial(settle_stale, contents=contents))
        return bool(contents)
