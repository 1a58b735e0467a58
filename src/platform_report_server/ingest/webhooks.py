"""Webhooks: who is told of what. What may be a secret is sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, select, update

from platform_report_server.db.queries.webhooks import WebhookRow, find_webhook
from platform_report_server.db.schema import webhook
from platform_report_server.errors import Invalid
from platform_report_server.ingest.deliveries import cancel, forget
from platform_report_server.ingest.writer import Write

HEADERS = "webhook's headers"
SECRET = "webhook's secret"  # noqa: S105  it names the purpose of a seal

_MOST = 50


def add_webhook(write: Write, project_id: int, values: dict[str, Any]) -> WebhookRow:
    """Store a new webhook."""
    there = select(func.count()).select_from(webhook).where(webhook.c.project_id == project_id)
    if write.connection.execute(there).scalar_one() >= _MOST:
        raise Invalid.field_is("projectId", f"has {_MOST} webhooks already, the most that a project may have")
    number = write.ids()
    place = {"id": number, "project_id": project_id, "created_at": write.now, "updated_at": write.now}
    write.connection.execute(insert(webhook).values(values | place))
    return _existing(write, number)


def change_webhook(write: Write, row: WebhookRow, values: dict[str, Any]) -> WebhookRow:
    """Change some of a webhook's values; one that is turned off gets nothing more."""
    changed = update(webhook).where(webhook.c.id == row.id)
    write.connection.execute(changed.values(values | {"updated_at": write.now}))
    after = _existing(write, row.id)
    if not after.is_active:
        cancel(write, row.project_id, row.id)
    return after


def delete_webhook(write: Write, row: WebhookRow) -> None:
    """Delete a webhook with its deliveries."""
    write.connection.execute(delete(webhook).where(webhook.c.id == row.id))
    forget(write, row.project_id, row.id)


def _existing(write: Write, number: int) -> WebhookRow:
    row = find_webhook(write.connection, number)
    if row is None:
        raise LookupError(f"webhook {number} was just written and is not there")
    return row
