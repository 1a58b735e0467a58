"""Files held against the artifacts that refer to them: those that belong to nothing go, those that lack are told."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import anyio
import anyio.to_thread

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.contents import Contents
from platform_report_server.db.engine import Database
from platform_report_server.db.queries.artifacts import ArtifactRow, artifacts_of, contents_after, used_of
from platform_report_server.ingest.contents import forget_contents
from platform_report_server.ingest.file_checks import settle_shelf, take_shelf
from platform_report_server.ingest.writer import Writer
from platform_report_server.storage.store import ArtifactStore

T = TypeVar("T")

_DAY_SECONDS = 24 * 3600
_SKEW_MS = 60 * 1000
_TOGETHER = 500
_NAMED = 10

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Found:
    """What does not match on a shelf."""

    orphans: list[bytes]
    """Contents that lie there for a day or longer and belong to nothing."""
    missing: list[ArtifactRow]
    """Artifacts whose file is not there."""


def check_shelf(database: Database, store: ArtifactStore, shelf: int) -> Found:
    """Hold the files of a shelf against their rows."""
    now, present, orphans = now_ms(), set[bytes](), list[bytes]()
    for some in in_pieces(store.list(shelf)):
        present.update(each.sha256 for each in some)
        old = [each.sha256 for each in some if each.modified < now / 1000 - _DAY_SECONDS]
        with database.reading() as connection:
            used = used_of(connection, old)
        orphans += [sha256 for sha256 in old if sha256 not in used]
    # files are there before their rows, and go after them; the clock of who wrote a row may be late
    return Found(orphans, list(_missing(database, shelf, present, now - _SKEW_MS)))


def in_pieces(things: Iterable[T]) -> Iterator[list[T]]:
    """Give out as many at a time as a query takes."""
    remaining = iter(things)
    while some := list(islice(remaining, _TOGETHER)):
        yield some


class FileCheck:
    """Checks a shelf of a running server."""

    def __init__(self, database: Database, writer: Writer, store: ArtifactStore, contents: Contents) -> None:
        self._database = database
        self._writer = writer
        self._store = store
        self._contents = contents
        self._thread = anyio.CapacityLimiter(1)

    async def check(self) -> bool:
        """Delete the files of a shelf that belong to nothing, and say which are missing; tell whether one was due."""
        shelf = await self._writer.do(take_shelf)
        if shelf is None:
            return False
        check = partial(check_shelf, self._database, self._store, shelf)
        found = await anyio.to_thread.run_sync(check, limiter=self._thread)
        for some in in_pieces(found.orphans):
            await self._writer.do(partial(forget_contents, contents=some))
        if found.orphans:
            _log.warning("files that belong to nothing are deleted: %d in %02x/", len(found.orphans), shelf)
            while await self._contents.sweep():
                pass
        await self._writer.do(partial(settle_shelf, shelf=shelf, missing=len(found.missing)))
        if found.missing:
            named = [ids.encode("artifact", row.run_id, row.id) for row in found.missing[:_NAMED]]
            _log.error("artifacts whose file is missing: %d in %02x/: %s", len(found.missing), shelf, ", ".join(named))
        return True


def _missing(database: Database, shelf: int, present: set[bytes], before: int) -> Iterator[ArtifactRow]:
    last = bytes([shelf])
    while last[0] == shelf:
        with database.reading() as connection:
            contents = contents_after(connection, last)
            if not contents:
                return
            for sha256 in contents:
                if sha256[0] == shelf and sha256 not in present:
                    yield from artifacts_of(connection, sha256, before)
        last = contents[-1]
