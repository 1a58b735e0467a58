"""The pages of projects: name, settings, API keys, webhooks, the end."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isfinite
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts.people import check_name
from platform_report_server.auth.badges import NAMES, badge_path
from platform_report_server.auth.caller import Caller
from platform_report_server.auth.roles import reaches
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.keys import list_keys
from platform_report_server.db.queries.people import find_team
from platform_report_server.db.queries.projects import ProjectRow, find_project_by_number
from platform_report_server.db.queries.webhooks import list_webhooks
from platform_report_server.errors import Invalid, NotFound
from platform_report_server.ingest.projects import change_settings, rename_project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Event, Format, SettingsChange
from platform_report_server.web import _chosen
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, Shown, converted, shown_again
from platform_report_server.web._visit import Visit
from platform_report_server.web.teams import given_by

HOOK_EVENTS: dict[str, list[Event]] = {
    "each run": ["run.completed"],
    "runs that failed": ["run.failed"],
    "both, apart": ["run.completed", "run.failed"],
}
HOOK_FORMATS: dict[str, Format | None] = {"by its address": None, "JSON": "json", "Slack": "slack"}


_KEYS = 100
"""Keys that a page shows."""


async def show(visit: Visit, **forms: Shown) -> Response:
    return await show_project(visit, visit.said("project_id"), **forms)


async def show_project(visit: Visit, project_id: str, **forms: Shown) -> Response:
    """Return the page of a project, with the forms on it that were refused."""
    part = partial(_chosen.part, visit.request)

    def query(connection: Connection) -> dict[str, Any]:
        row = visible_project_page(connection, visit.caller, project_id)
        own = visit.caller.role_in(row.public_id) or "viewer"
        return {
            "project": row,
            "team": find_team(connection, row.team_id),
            "keys": part("keys", list_keys(connection, row.id) if reaches(own, "admin") else [], _KEYS),
            "webhooks": list_webhooks(connection, row.id) if reaches(own, "admin") else [],
            "role": own,
            "badges": list(_badges(visit, row)) if reaches(own, "admin") else [],
            "home": _home(visit),
        }

    found = await visit.read(query)
    return visit.page(
        "project.html",
        **found,
        roles=given_by(found["role"]),
        hook_events=list(HOOK_EVENTS),
        hook_formats=list(HOOK_FORMATS),
        now=now_ms(),
        forms=forms,
    )


def _badges(visit: Visit, row: ProjectRow) -> Iterator[tuple[str, str, str]]:
    """Give out name, path and address of each badge that has one."""
    for name in NAMES:
        path = badge_path(visit.services.signer, row, name)
        if path is not None:
            yield name, path, _home(visit) + path


def _home(visit: Visit) -> str:
    """Return the address of this platform."""
    return (visit.services.settings.public_url or str(visit.request.base_url)).rstrip("/")


async def rename(visit: Visit) -> Response:
    def job(write: Write) -> ProjectRow:
        row = visible_project_page(write.connection, visit.caller, visit.said("project_id"))
        return rename_project(write, row, check_name(visit.form.required("name")))

    try:
        row = await visit.write(job)
    except Invalid as error:
        return await show(visit, name=shown_again(visit.form, error))
    return visit.go(project_path(row.id), Notes(told=f"The project is named {row.name} now."))


async def change(visit: Visit) -> Response:
    def job(write: Write) -> ProjectRow:
        row = visible_project_page(write.connection, visit.caller, visit.said("project_id"))
        return change_settings(write, row, _settings(visit.form))

    try:
        row = await visit.write(job)
    except Invalid as error:
        return await show(visit, settings=shown_again(visit.form, error))
    return visit.go(project_path(row.id), Notes(told="The settings are changed."))


def _settings(form: Form) -> SettingsChange:
    said = {"dataRetentionDays": form.required("dataRetentionDays")}
    said["flakinessThreshold"] = form.required("flakinessThreshold")
    change = converted(said, SettingsChange, strict=False)
    if not isfinite(change.flakiness_threshold or 0):
        raise Invalid.field_is("flakinessThreshold", "expected a number from 0 to 1")
    return msgspec.structs.replace(change, auto_quarantine_enabled=form.text("autoQuarantineEnabled") == "on")


async def delete(visit: Visit) -> Response:
    row = await visit.read(lambda connection: visible_project_page(connection, visit.caller, visit.said("project_id")))
    try:
        if visit.form.required("typed") != row.name.strip():
            raise Invalid.field_is("typed", "is not the project's name")
    except Invalid as error:
        return await show(visit, delete=shown_again(visit.form, error))
    await visit.services.projects.delete(row.id)
    return visit.go(f"/teams/{ids.encode('team', row.team_id)}", Notes(told=f"The project {row.name} is deleted."))


def visible_project_page(connection: Connection, caller: Caller, page_id: str) -> ProjectRow:
    """Return a project by the id that stands in its page's address: names of projects may hold any letter."""
    number = ids.decode("proj", page_id)
    row = None if number is None else find_project_by_number(connection, number)
    if row is None or not caller.may(row.public_id):
        raise NotFound(f"There is no project {page_id!r}")
    caller.check(row.public_id)
    return row


def project_path(number: int) -> str:
    """Return the address of a project's page."""
    return f"/projects/{ids.encode('proj', number)}"
