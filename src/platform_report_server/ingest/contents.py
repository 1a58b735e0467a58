"""File contents that no artifact refers to any more: a debt is a row, paid by deleting the file."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import Exists, delete, exists, insert, select

from platform_report_server.db import locks
from platform_report_server.db.schema import artifact, stale_content
from platform_report_server.ingest.writer import Write


def forget_contents(write: Write, contents: Collection[bytes]) -> None:
    """Note those of `contents` that nothing refers to."""
    if contents:
        locks.take(write.connection, locks.Lock.CONTENTS)
    for sha256 in contents:
        noted = exists().where(stale_content.c.sha256 == sha256)
        if not write.connection.execute(select(_used(sha256) | noted)).scalar():
            write.connection.execute(insert(stale_content).values(sha256=sha256, since=write.now))


def sweep_contents(write: Write, remove: Callable[[bytes], None]) -> None:
    """Remove the files behind the debts. Under a lock, so that no upload can take a file up again meanwhile."""
    locks.take(write.connection, locks.Lock.CONTENTS)
    for sha256 in write.connection.execute(select(stale_content.c.sha256)).scalars().all():
        if not write.connection.execute(select(_used(sha256))).scalar():
            remove(sha256)
        write.connection.execute(delete(stale_content).where(stale_content.c.sha256 == sha256))


def _used(sha256: bytes) -> Exists:
    return exists().where(artifact.c.sha256 == sha256)
