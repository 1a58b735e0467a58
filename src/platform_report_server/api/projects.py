"""/api/projects"""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import TEAM
from platform_report_server.api._shapes import Data, Done, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_project, visible_team
from platform_report_server.clock import iso
from platform_report_server.db.queries.projects import ProjectRow, projects_of
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.projects import add_project, rename_project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewProject, ProjectChange


class Project(Struct, rename="camel"):
    """A project."""

    id: str
    name: str
    team_id: str
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: ProjectRow) -> Project:
        """Return the shape of a row."""
        team_id = ids.encode("team", row.team_id)
        return cls(row.public_id, row.name, team_id, iso(row.created_at), iso(row.updated_at))


class ChangedProject(Struct, rename="camel"):
    """A project after a change."""

    id: str
    name: str
    team_id: str
    updated_at: Moment


_new = msgspec.json.Decoder(NewProject)
_change = msgspec.json.Decoder(ProjectChange)


async def index(call: Call) -> Response:
    public_id = TEAM.read(call.request)

    def query(connection: Connection) -> list[Project]:
        team = visible_team(connection, call.caller, public_id)
        rows = projects_of(connection, team.id)
        return [Project.of(row) for row in rows if call.caller.may(row.public_id)]

    return answer(Data(await call.read(query)))


async def create(call: Call) -> Response:
    new, once = await call.body(_new)

    def job(write: Write) -> Answer:
        team_id = visible_team(write.connection, call.caller, new.team_id).id
        return answer_once(
            write, team_id, once, lambda: Answer(201, body(Project.of(add_project(write, new.name, team_id))))
        )

    return await call.write(job)


async def show(call: Call) -> Response:
    row = await call.read(partial(visible_project, caller=call.caller, public_id=call.said("project_id")))
    return answer(Project.of(row))


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)

    def job(write: Write) -> Answer:
        before = visible_project(write.connection, call.caller, call.said("project_id"))

        def rename() -> Answer:
            row = rename_project(write, before, wanted.name)
            team_id = ids.encode("team", row.team_id)
            return Answer(200, body(ChangedProject(row.public_id, row.name, team_id, iso(row.updated_at))))

        return answer_once(write, before.id, once, rename)

    return await call.write(job)


async def delete(call: Call) -> Response:
    row = await call.read(partial(visible_project, caller=call.caller, public_id=call.said("project_id")))
    await call.services.projects.delete(row.id)
    return answer(Done("Project deleted successfully"))
