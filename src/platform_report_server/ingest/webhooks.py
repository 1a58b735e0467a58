"""Webhooks: who is told of what. What may be a secret is sealed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, update

from platform_report_server.db.queries.webhooks import WebhookRow, find_webhook
from platform_report_server.db.schema import webhook
from platform_report_server.ingest.writer import Write

HEADERS = "webhook's headers"
SECRET = "webhook's secret"  # noqa: S105  it names the purpose of a seal


def add_webhook(write: Write, project_id: int, values: dict[str, Any]) -> WebhookRow:
    """Store a new webhook."""
    number = write.ids()
    place = {"id": number, "project_id": project_id, "created_at": write.now, "updated_at": write.now}
    write.connection.execute(insert(webhook).values(values | place))
    return _existing(write, number)


def change_webhook(write: Write, webhook_id: int, values: dict[str, Any]) -> WebhookRow:
    """Change some of a webhook's values."""
    changed = update(webhook).where(webhook.c.id == webhook_id)
    write.connection.execute(changed.values(values | {"updated_at": write.now}))
    return _existing(write, webhook_id)


def delete_webhook(write: Write, webhook_id: int) -> None:
    """Delete a webhook."""
    write.connection.execute(delete(webhook).where(webhook.c.id == webhook_id))


def _existing(write: Write, number: int) -> WebhookRow:
    row = find_webhook(write.connection, number)
    if row is None:
        raise LookupError(f"webhook {number} was just written and is not there")
    return row
