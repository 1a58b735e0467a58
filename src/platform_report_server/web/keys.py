"""The API keys on a project's page."""

from __future__ import annotations

from starlette.responses import Response

from platform_report_server.accounts.keys import add_key, delete_key, switch_key
from platform_report_server.accounts.people import check_name
from platform_report_server.auth.roles import ROLES
from platform_report_server.auth.visible import visible_key
from platform_report_server.db.queries.keys import KeyRow
from platform_report_server.errors import Forbidden, Invalid
from platform_report_server.ingest.writer import Write
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import shown_again
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import project_path, show, visible_project_page
from platform_report_server.web.teams import chosen_role


async def make(visit: Visit) -> Response:
    form, caller = visit.form, visit.caller

    def job(write: Write) -> tuple[KeyRow, str]:
        row = visible_project_page(write.connection, caller, visit.said("project_id"))
        name, role, expires_at = check_name(form.required("name")), chosen_role(form, ROLES), form.end_of_day("expires")
        caller.grant(role, caller.role_in(row.public_id))
        return add_key(write, row.id, name, role, expires_at=expires_at, made_by=caller.user_id)

    try:
        row, key = await visit.write(job)
    except (Forbidden, Invalid) as error:
        return await show(visit, key=shown_again(form, error))
    return visit.go(project_path(row.project_id), Notes(key=key, key_name=row.name))


async def switch(visit: Visit) -> Response:
    is_active = visit.form.text("active") == "on"

    def job(write: Write) -> KeyRow:
        row = visible_key(write.connection, visit.caller, visit.said("key_id"))
        if is_active:
            visit.caller.grant(row.role, visit.caller.role_in(row.project))
        switch_key(write, row.id, is_active=is_active)
        return row

    row = await visit.write(job)
    visit.services.access.keys.forget()
    return visit.go(project_path(row.project_id), Notes(told=f"The key {row.name} is {'on' if is_active else 'off'}."))


async def delete(visit: Visit) -> Response:
    def job(write: Write) -> KeyRow:
        row = visible_key(write.connection, visit.caller, visit.said("key_id"))
        delete_key(write, row.id)
        return row

    row = await visit.write(job)
    visit.services.access.keys.forget()
    return visit.go(project_path(row.project_id), Notes(told=f"The key {row.name} is deleted."))
