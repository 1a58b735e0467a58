"""/api/projects/:id/settings"""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Struct
from starlette.responses import Response

from platform_report_server.api._call import Call
from platform_report_server.api._shapes import Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_project
from platform_report_server.clock import iso
from platform_report_server.db.queries.projects import ProjectRow
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.projects import change_settings
from platform_report_server.ingest.writer import Write
from platform_report_server.model import SettingsChange


class ProjectSettings(Struct, rename="camel"):
    """What a project has decided."""

    project_id: str
    data_retention_days: int
    flakiness_threshold: float
    auto_quarantine_enabled: bool
    updated_at: Moment

    @classmethod
    def of(cls, row: ProjectRow) -> ProjectSettings:
        """Return the shape of a row."""
        is_automatic = bool(row.auto_quarantine)
        return cls(row.public_id, row.retention_days, row.flakiness_threshold, is_automatic, iso(row.updated_at))


_change = msgspec.json.Decoder(SettingsChange)


async def show(call: Call) -> Response:
    row = await call.read(partial(visible_project, caller=call.caller, public_id=call.said("project_id")))
    return answer(ProjectSettings.of(row))


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)

    def job(write: Write) -> Answer:
        before = visible_project(write.connection, call.caller, call.said("project_id"))

        def work() -> Answer:
            return Answer(200, body(ProjectSettings.of(change_settings(write, before, wanted))))

        return answer_once(write, before.id, once, work)

    return await call.write(job)
