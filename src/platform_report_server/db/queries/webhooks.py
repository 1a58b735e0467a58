"""Webhooks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from platform_report_server.db.schema import project, webhook

WebhookRow = Row[Any]
"""A row of `webhook` with the public id of its project as `project`."""

_WEBHOOKS = select(webhook, project.c.public_id.label("project")).join(project, project.c.id == webhook.c.project_id)


def find_webhook(connection: Connection, webhook_id: int) -> WebhookRow | None:
    """Return a webhook."""
    return connection.execute(_WEBHOOKS.where(webhook.c.id == webhook_id)).first()


def list_webhooks(connection: Connection, project_id: int) -> list[WebhookRow]:
    """Return the webhooks of a project, the oldest first."""
    return list(connection.execute(_WEBHOOKS.where(webhook.c.project_id == project_id).order_by(webhook.c.id)).all())
