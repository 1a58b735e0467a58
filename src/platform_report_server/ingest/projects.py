"""Projects: made, renamed, deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update

from platform_report_server import ids
from platform_report_server.db.queries.projects import ProjectRow, load_project
from platform_report_server.db.queries.runs import find_run
from platform_report_server.db.schema import DEFAULT_TEAM, metadata, project, run
from platform_report_server.ingest.runs import delete_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import SettingsChange
from platform_report_server.text import clean

_RUNS_AT_ONCE = 20


def ensure_project(write: Write, public_id: str) -> int:
    """Return the project's number; make the project on its first use."""
    found = hold_project(write, public_id)
    return _insert(write, write.ids(), public_id, public_id, DEFAULT_TEAM) if found is None else found


def hold_project(write: Write, public_id: str) -> int | None:
    """Return the project's number, or None; keep the project from being deleted until the transaction ends."""
    this_project = select(project.c.id).where(project.c.public_id == public_id)
    return write.connection.execute(this_project.with_for_update(read=True, key_share=True)).scalar()


def add_project(write: Write, name: str, team_id: int) -> ProjectRow:
    """Store a new project of a team."""
    number = write.ids()
    public_id = ids.encode("proj", number)
    _insert(write, number, public_id, name, team_id)
    return _existing(write, public_id)


def rename_project(write: Write, row: ProjectRow, name: str | None) -> ProjectRow:
    """Change a project's name, where one is given."""
    values = {"updated_at": write.now} if name is None else {"updated_at": write.now, "name": clean(name)}
    write.connection.execute(update(project).where(project.c.id == row.id).values(values))
    return _existing(write, row.public_id)


def change_settings(write: Write, row: ProjectRow, change: SettingsChange) -> ProjectRow:
    """Change what is given of a project's settings."""
    values: dict[str, Any] = {"updated_at": write.now}
    if change.data_retention_days is not None:
        values["retention_days"] = change.data_retention_days
    if change.flakiness_threshold is not None:
        values["flakiness_threshold"] = change.flakiness_threshold
    if change.auto_quarantine_enabled is not None:
        values["auto_quarantine"] = int(change.auto_quarantine_enabled)
    write.connection.execute(update(project).where(project.c.id == row.id).values(values))
    return _existing(write, row.public_id)


def set_badges(write: Write, row: ProjectRow, *, is_on: bool) -> ProjectRow:
    """Make new addresses of badges, or take them back; those that there were end."""
    since = max(write.now, (row.badges_since or 0) + 1) if is_on else None
    values = {"updated_at": write.now, "badges_since": since}
    write.connection.execute(update(project).where(project.c.id == row.id).values(values))
    return _existing(write, row.public_id)


def delete_some_runs(write: Write, project_id: int) -> bool:
    """Delete some of a project's runs; tell whether there are more. A project is too much for one transaction."""
    query = select(run.c.id).where(run.c.project_id == project_id).order_by(run.c.id).limit(_RUNS_AT_ONCE)
    found = write.connection.execute(query).scalars().all()
    for run_id in found:
        row = find_run(write.connection, run_id)
        if row is not None:
            delete_run(write, row)
    return len(found) == _RUNS_AT_ONCE


def delete_project(write: Write, project_id: int) -> None:
    """Delete a project with all that is left of it."""
    write.connection.execute(select(project.c.id).where(project.c.id == project_id).with_for_update())
    while delete_some_runs(write, project_id):
        pass
    for table in metadata.sorted_tables:
        if "project_id" in table.c:
            write.connection.execute(delete(table).where(table.c.project_id == project_id))
    write.connection.execute(delete(project).where(project.c.id == project_id))


def _insert(write: Write, number: int, public_id: str, name: str, team_id: int) -> int:
    values = {"id": number, "public_id": public_id, "name": clean(name), "team_id": team_id}
    write.connection.execute(insert(project).values(**values, created_at=write.now, updated_at=write.now))
    return number


def _existing(write: Write, public_id: str) -> ProjectRow:
    row = load_project(write.connection, public_id)
    if row is None:
        raise LookupError(f"project {public_id!r} was just written and is not there")
    return row
