"""/api/teams"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from platform_report_server.accounts.teams import add_team
from platform_report_server.api._account_shapes import Team
from platform_report_server.api._call import Call
from platform_report_server.api._shapes import Data
from platform_report_server.api.answers import answer, body
from platform_report_server.db.queries.people import list_teams
from platform_report_server.errors import Forbidden
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewTeam

_new = msgspec.json.Decoder(NewTeam)


async def index(call: Call) -> Response:
    among = call.caller.teams
    rows = await call.read(lambda connection: list_teams(connection, among))
    return answer(Data([Team.of(row) for row in rows]))


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    owner = call.caller.user_id
    if owner is None and call.caller.teams is not None:
        raise Forbidden("A team needs a person who owns it: no person made this key")

    def job(write: Write) -> Answer:
        return answer_once(
            write, owner or 0, once, lambda: Answer(201, body(Team.of(add_team(write, new.name, owner))))
        )

    return await call.write(job)
