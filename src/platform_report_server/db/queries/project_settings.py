"""What projects have decided."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, select

from platform_report_server.db.schema import project

SettingsRow = Row[Any]
"""id, retention_days, flakiness_threshold, auto_quarantine, updated_at of a project."""

_SETTINGS: Select[Any] = select(
    project.c.id,
    project.c.retention_days,
    project.c.flakiness_threshold,
    project.c.auto_quarantine,
    project.c.updated_at,
)


def find_settings(connection: Connection, public_id: str) -> SettingsRow | None:
    """Return a project's settings; None where there is no such project."""
    return connection.execute(_SETTINGS.where(project.c.public_id == public_id)).first()
