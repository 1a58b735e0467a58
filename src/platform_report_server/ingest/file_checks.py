"""Which files are to be held against the artifacts that refer to them: a shelf now and then, each once a day.

A shelf is what has digests that begin with the same byte. Whoever takes one checks it; no other process does.
"""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from platform_report_server.db.schema import file_check
from platform_report_server.ingest.writer import Write

SHELVES = range(256)

_DAY_MS = 24 * 3600 * 1000
_PAUSE_MS = 300 * 1000


def take_shelf(write: Write) -> int | None:
    """Return a shelf to check now, or None while it is too early for the next."""
    last = write.connection.execute(select(func.max(file_check.c.checked_at))).scalar()
    if last is None:
        write.connection.execute(insert(file_check), [{"shelf": n, "checked_at": 0, "missing": 0} for n in SHELVES])
    elif last > write.now - _PAUSE_MS:
        return None
    due = select(file_check.c.shelf).where(file_check.c.checked_at <= write.now - _DAY_MS)
    due = due.order_by(file_check.c.checked_at, file_check.c.shelf).limit(1).with_for_update(skip_locked=True)
    shelf = write.connection.execute(due).scalar()
    if shelf is not None:
        write.connection.execute(update(file_check).where(file_check.c.shelf == shelf).values(checked_at=write.now))
    return shelf


def settle_shelf(write: Write, shelf: int, missing: int) -> None:
    """Note how many artifacts of a shelf lack their file."""
    write.connection.execute(update(file_check).where(file_check.c.shelf == shelf).values(missing=missing))
