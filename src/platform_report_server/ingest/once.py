"""Idempotency keys: the first answer is given again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import and_, delete, insert, select

from platform_report_server.db.schema import idempotency
from platform_report_server.errors import Invalid
from platform_report_server.ingest.writer import Write

_KEPT_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Once:
    """One request that carries a key: where it went, and the SHA-256 of what it said."""

    key: str
    endpoint: str
    request: bytes


def answer_once(
    write: Write, project_id: int, once: Once | None, work: Callable[[], Answer], later: Answer | None = None
) -> Answer:
    """Do the work and keep its answer, or return the answer that is kept.

    An answer that holds a secret is not kept: `later` is, in its place.
    """
    if once is None:
        return work()
    table = idempotency
    place = and_(table.c.project_id == project_id, table.c.endpoint == once.endpoint, table.c.key == once.key)
    write.connection.execute(delete(table).where(place, table.c.expires_at <= write.now))
    kept = write.connection.execute(select(table).where(place)).first()
    if kept is not None:
        if kept.request != once.request:
            raise Invalid.field_is("Idempotency-Key", "was used before with another request")
        return Answer(kept.status, kept.answer)
    answer = work()
    told = later or answer
    write.connection.execute(
        insert(table).values(
            project_id=project_id,
            endpoint=once.endpoint,
            key=once.key,
            request=once.request,
            status=told.status,
            answer=told.body,
            expires_at=write.now + _KEPT_MS,
        )
    )
    return answer


def forget_answers(write: Write) -> None:
    """Delete the answers that nobody asks for any more."""
    write.connection.execute(delete(idempotency).where(idempotency.c.expires_at <= write.now))
