"""Deliveries: written with what they tell of, claimed by whoever sends them, kept as a log."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, insert, select, tuple_, update

from platform_report_server.db.queries.deliveries import DELIVERIES, DeliveryRow, find_delivery, is_due
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.schema import delivery, webhook
from platform_report_server.errors import Invalid
from platform_report_server.ingest.messages import Message, first_failed, told_project, told_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import DeliveryStatus

LEASE_MS = 60_000
"""Who has not said by then what came of a delivery counts as lost, and it is sent again."""
KEPT = 1000
"""Deliveries of a webhook that its log holds, beside those that wait."""

_LOOKED_AT = 256
_DAY_MS = 24 * 3600 * 1000
_KEPT_MS = 30 * _DAY_MS
_FIRST_WAIT_MS = 10_000
_LONGEST_WAIT_MS = 4 * 3600 * 1000
_DROPPED = {"status": "cancelled", "error": "the webhook was turned off or deleted"}

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Outcome:
    """What came of sending a delivery."""

    error: str | None = None
    """Why it does not count as delivered."""
    status: int | None = None
    answer: str | None = None
    """The beginning of the answer's body."""
    is_final: bool = False
    """Whether sending it again cannot help."""


def announce_end(write: Write, row: RunRow) -> None:
    """Write a delivery for each webhook that wants to know that a run has ended."""
    hooks = select(webhook.c.id, webhook.c.events).where(
        webhook.c.project_id == row.project_id, webhook.c.is_active == 1
    )
    wanted = [
        (hook.id, event) for hook in write.connection.execute(hooks) for event in msgspec.json.decode(hook.events)
    ]
    if not wanted:
        return
    run = told_run(row)
    is_failed = row.status == "failed" or run.failed_tests > 0
    project, failed = told_project(write.connection, row.project_id), first_failed(write.connection, row)
    messages = {event: Message(event, project, run, failed) for _, event in wanted}
    for webhook_id, event in wanted:
        if event == "run.completed" or is_failed:
            _add(write, row.project_id, webhook_id, messages[event], row.id)


def add_ping(write: Write, project_id: int, webhook_id: int) -> DeliveryRow:
    """Write a delivery that tells of nothing, in the hands of whoever asked for it."""
    ping = Message("ping", told_project(write.connection, project_id))
    return _add(write, project_id, webhook_id, ping, None, is_claimed=True)


def replay(write: Write, row: DeliveryRow) -> DeliveryRow:
    """Write a delivery anew, as another one."""
    if not row.is_active:
        raise Invalid.field_is("webhook", "is turned off: nothing is sent to it")
    message = msgspec.json.decode(row.message, type=Message)
    return _add(write, row.project_id, row.webhook_id, message, row.run_id)


def claim(write: Write, at_most: int, busy: Collection[int]) -> list[DeliveryRow]:
    """Take deliveries that are due, one of each webhook that is not `busy`; what nobody waits for is cancelled."""
    due = is_due(write.now)
    waiting = select(delivery.c.webhook_id, delivery.c.project_id, delivery.c.id).where(due)
    waiting = waiting.where(delivery.c.webhook_id.not_in(busy)).order_by(delivery.c.next_at, delivery.c.id)
    first: dict[int, tuple[int, int]] = {}
    for webhook_id, *place in write.connection.execute(waiting.limit(_LOOKED_AT)):
        first.setdefault(webhook_id, (place[0], place[1]))
    chosen = list(first.values())[:at_most]
    # what another process claimed in between is due no more
    query = DELIVERIES.where(due, tuple_(delivery.c.project_id, delivery.c.id).in_(chosen))
    found = write.connection.execute(query.with_for_update(skip_locked=True, of=delivery)).all()
    claimed = [row for row in found if row.is_active or row.event == "ping"]
    _change(write, [row for row in found if row not in claimed], _DROPPED)
    _change(
        write,
        claimed,
        {"next_at": write.now + LEASE_MS, "first_at": func.coalesce(delivery.c.first_at, write.now)},
    )
    return claimed


def conclude(write: Write, row: DeliveryRow, outcome: Outcome) -> DeliveryRow | None:
    """Write what came of a delivery, unless it is gone; without success it waits for its next time, for a day."""
    began = row.first_at or write.now
    wait = min(_FIRST_WAIT_MS * 3 ** min(row.attempts, 10), _LONGEST_WAIT_MS)
    next_at = write.now + round(wait * random.uniform(0.9, 1.1))  # noqa: S311  so that many do not come at once
    status: DeliveryStatus = "pending"
    if outcome.error is None:
        status = "delivered"
    elif outcome.is_final or row.event == "ping" or next_at > began + _DAY_MS:
        status = "failed"
    values = {
        "status": status,
        "attempts": delivery.c.attempts + 1,
        "next_at": next_at,
        "first_at": began,
        "last_at": write.now,
        "answer_status": outcome.status,
        "answer": outcome.answer,
        "error": outcome.error,
    }
    this = and_(_is(row), delivery.c.status == "pending")  # it may have been cancelled meanwhile
    write.connection.execute(update(delivery).where(this).values(values))
    return find_delivery(write.connection, row.project_id, row.id)


def cancel(write: Write, project_id: int, webhook_id: int) -> None:
    """Cancel what waits for a webhook."""
    waiting = _of_webhook(project_id, webhook_id) & (delivery.c.status == "pending")
    write.connection.execute(update(delivery).where(waiting).values(_DROPPED))


def forget(write: Write, project_id: int, webhook_id: int) -> None:
    """Delete all of a webhook's deliveries."""
    write.connection.execute(delete(delivery).where(_of_webhook(project_id, webhook_id)))


def forget_old(write: Write) -> None:
    """Delete deliveries that are old, and those of one webhook that are too many."""
    write.connection.execute(delete(delivery).where(delivery.c.created_at < write.now - _KEPT_MS))
    over = delivery.c.status != "pending"
    hook = (delivery.c.project_id, delivery.c.webhook_id)
    crowded = select(*hook).where(over).group_by(*hook).having(func.count() > KEPT)
    for project_id, webhook_id in write.connection.execute(crowded).all():
        theirs = _of_webhook(project_id, webhook_id) & over
        oldest = select(delivery.c.id).where(theirs).order_by(delivery.c.id.desc()).offset(KEPT - 1).limit(1)
        write.connection.execute(delete(delivery).where(theirs, delivery.c.id < oldest.scalar_subquery()))


def _add(
    write: Write, project_id: int, webhook_id: int, message: Message, run_id: int | None, *, is_claimed: bool = False
) -> DeliveryRow:
    number = write.ids()
    values = {
        "project_id": project_id,
        "id": number,
        "webhook_id": webhook_id,
        "run_id": run_id,
        "event": message.event,
        "message": _encode(message),
        "status": "pending",
        "created_at": write.now,
        "next_at": write.now + LEASE_MS if is_claimed else write.now,
    }
    write.connection.execute(insert(delivery).values(values))
    row = find_delivery(write.connection, project_id, number)
    if row is None:
        raise LookupError(f"delivery {number} was just written and is not there")
    return row


def _change(write: Write, rows: Iterable[DeliveryRow], values: dict[str, Any]) -> None:
    for row in rows:
        write.connection.execute(update(delivery).where(_is(row)).values(values))


def _is(row: DeliveryRow) -> ColumnElement[bool]:
    return and_(delivery.c.project_id == row.project_id, delivery.c.id == row.id)


def _of_webhook(project_id: int, webhook_id: int) -> ColumnElement[bool]:
    return and_(delivery.c.project_id == project_id, delivery.c.webhook_id == webhook_id)
