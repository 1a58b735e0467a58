"""/api/projects/:id/settings"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from starlette.responses import Response

from platform_report_server.api._call import Call
from platform_report_server.api._shapes import Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.clock import iso
from platform_report_server.db.queries.project_settings import SettingsRow, find_settings
from platform_report_server.errors import NotFound
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.project_settings import change_settings
from platform_report_server.ingest.writer import Write
from platform_report_server.model import SettingsChange


class ProjectSettings(Struct, rename="camel"):
    """What a project has decided."""

    project_id: str
    data_retention_days: int
    flakiness_threshold: float
    auto_quarantine_enabled: bool
    updated_at: Moment


_change = msgspec.json.Decoder(SettingsChange)


async def show(call: Call) -> Response:
    project = _project(call)
    row = await call.read(lambda connection: find_settings(connection, project))
    return answer(_shape(project, row))


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)
    project = _project(call)

    def job(write: Write) -> Answer:
        row = _existing(project, find_settings(write.connection, project))

        def work() -> Answer:
            change_settings(write, row.id, wanted)
            return Answer(200, body(_shape(project, find_settings(write.connection, project))))

        return answer_once(write, row.id, once, work)

    return await call.write(job)


def _project(call: Call) -> str:
    project: str = call.request.path_params["project_id"]
    if not call.caller.may(project):
        raise _missing(project)
    call.caller.check(project)
    return project


def _shape(project: str, found: SettingsRow | None) -> ProjectSettings:
    row = _existing(project, found)
    return ProjectSettings(
        project, row.retention_days, row.flakiness_threshold, bool(row.auto_quarantine), iso(row.updated_at)
    )


def _existing(project: str, row: SettingsRow | None) -> SettingsRow:
    if row is None:
        raise _missing(project)
    return row


def _missing(project: str) -> NotFound:
    return NotFound(f"There is no project {project!r}")
