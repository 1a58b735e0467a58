"""Deliveries of webhooks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal_column, select

from platform_report_server.db.schema import delivery, webhook

DeliveryRow = Row[Any]
"""A row of `delivery` with `url`, `secret`, `headers`, `format`, `is_active` of its webhook."""

DELIVERIES = select(
    delivery,
    webhook.c.url,
    webhook.c.secret,
    webhook.c.headers,
    webhook.c.format,
    func.coalesce(webhook.c.is_active, 0).label("is_active"),
).outerjoin(webhook, and_(webhook.c.project_id == delivery.c.project_id, webhook.c.id == delivery.c.webhook_id))

# the partial index is used only where its own condition stands in the query
_WAITS = delivery.c.status == literal_column("'pending'")


def is_due(now: int) -> ColumnElement[bool]:
    """Return the condition that a delivery waits and may be sent."""
    return and_(_WAITS, delivery.c.next_at <= now)


def any_due(connection: Connection, now: int) -> bool:
    """Tell whether there is something to send."""
    return connection.execute(select(delivery.c.id).where(is_due(now)).limit(1)).first() is not None


def find_delivery(connection: Connection, project_id: int, delivery_id: int) -> DeliveryRow | None:
    """Return a delivery."""
    this = (delivery.c.project_id == project_id, delivery.c.id == delivery_id)
    return connection.execute(DELIVERIES.where(*this)).first()


def list_deliveries(
    connection: Connection, project_id: int, webhook_id: int, *, limit: int, offset: int
) -> tuple[list[DeliveryRow], int]:
    """Return a page of a webhook's deliveries, newest first, and how many there are."""
    theirs = (delivery.c.project_id == project_id, delivery.c.webhook_id == webhook_id)
    page = DELIVERIES.where(*theirs).order_by(delivery.c.id.desc()).limit(limit).offset(offset)
    total = connection.execute(select(func.count()).select_from(delivery).where(*theirs)).scalar_one()
    return list(connection.execute(page).all()), total
