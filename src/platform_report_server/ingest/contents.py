"""Contents on their way into the store of files and out of it.

While a content is not where it belongs, a row says so: one of `incoming_content` for each upload, from before it is
stored until an artifact refers to it, one of `stale_content` from when nothing refers to it until it is deleted.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Exists, delete, exists, insert, or_, select, update

from platform_report_server.db import locks
from platform_report_server.db.schema import artifact, incoming_content, stale_content, thumbnail
from platform_report_server.errors import Unavailable
from platform_report_server.ingest.writer import Write

_LONGEST_UPLOAD = 3600 * 1000
_LONGEST_DELETION = 300 * 1000
_TOGETHER = 500


def expect_content(write: Write, sha256: bytes) -> int | None:
    """Note that a content is about to be stored; return the note's id, or None while the content is being deleted."""
    locks.take(write.connection, locks.Lock.CONTENTS, shared=True)
    debt = stale_content.c.sha256 == sha256
    taken_at = write.connection.execute(select(stale_content.c.taken_at).where(debt)).scalar()
    if taken_at is not None:
        if taken_at > write.now - _LONGEST_DELETION:
            return None
        write.connection.execute(update(stale_content).where(debt).values(taken_at=None))
    note = write.ids()
    write.connection.execute(insert(incoming_content).values(id=note, sha256=sha256, since=write.now))
    return note


def take_content(write: Write, note: int) -> None:
    """Let an artifact of this transaction refer to the content that was expected."""
    locks.take(write.connection, locks.Lock.CONTENTS, shared=True)
    if not write.connection.execute(delete(incoming_content).where(incoming_content.c.id == note)).rowcount:
        raise Unavailable("Storing the file took so long that it was given up; send it again")


def forget_contents(write: Write, contents: Collection[bytes]) -> None:
    """Note those of `contents` that nothing refers to."""
    if contents:
        locks.take(write.connection, locks.Lock.CONTENTS)
    for sha256 in contents:
        noted = exists().where(stale_content.c.sha256 == sha256)
        if not write.connection.execute(select(_used(sha256) | noted)).scalar():
            write.connection.execute(insert(stale_content).values(sha256=sha256, since=write.now))


def take_stale(write: Write) -> list[bytes]:
    """Return some contents to delete now: nothing refers to them, and no upload begins to until they are settled.

    What is not settled in time, because a process was killed, is taken again.
    """
    locks.take(write.connection, locks.Lock.CONTENTS)
    _give_up_uploads(write)
    write.connection.execute(delete(stale_content).where(_used(stale_content.c.sha256)))
    is_free = or_(stale_content.c.taken_at.is_(None), stale_content.c.taken_at < write.now - _LONGEST_DELETION)
    is_expected = exists().where(incoming_content.c.sha256 == stale_content.c.sha256)
    due = select(stale_content.c.sha256).where(is_free, ~is_expected).limit(_TOGETHER)
    contents = list(write.connection.execute(due).scalars())
    if contents:
        these = stale_content.c.sha256.in_(contents)
        write.connection.execute(update(stale_content).where(these).values(taken_at=write.now))
    return contents


def settle_stale(write: Write, contents: Collection[bytes]) -> None:
    """Note that these contents were deleted; their thumbnails go, too."""
    is_taken = stale_content.c.taken_at.is_not(None)
    write.connection.execute(delete(stale_content).where(stale_content.c.sha256.in_(contents), is_taken))
    write.connection.execute(delete(thumbnail).where(thumbnail.c.sha256.in_(contents)))


def _give_up_uploads(write: Write) -> None:
    is_late = incoming_content.c.since < write.now - _LONGEST_UPLOAD
    late = write.connection.execute(select(incoming_content.c.sha256).where(is_late).distinct()).scalars().all()
    forget_contents(write, late)
    write.connection.execute(delete(incoming_content).where(is_late))


def _used(sha256: bytes | ColumnElement[bytes]) -> Exists:
    return exists().where(artifact.c.sha256 == sha256)
