"""What projects decide."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from platform_report_server.db.schema import project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import SettingsChange


def change_settings(write: Write, project_id: int, change: SettingsChange) -> None:
    """Apply what is given."""
    wanted: dict[str, Any] = {
        "retention_days": change.data_retention_days,
        "flakiness_threshold": change.flakiness_threshold,
        "auto_quarantine": None if change.auto_quarantine_enabled is None else int(change.auto_quarantine_enabled),
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    write.connection.execute(update(project).where(project.c.id == project_id).values(**given, updated_at=write.now))
