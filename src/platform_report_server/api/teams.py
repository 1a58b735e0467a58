"""/api/teams"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts.teams import add_team
from platform_report_server.api._call import Call
from platform_report_server.api._shapes import Data, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.clock import iso
from platform_report_server.db.queries.people import list_teams
from platform_report_server.errors import Forbidden
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewTeam


class Team(Struct, rename="camel"):
    """A team."""

    id: str
    name: str
    created_at: Moment

    @classmethod
    def of(cls, row: Row[Any]) -> Team:
        """Return the shape of a row."""
        return cls(ids.encode("team", row.id), row.name, iso(row.created_at))


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
