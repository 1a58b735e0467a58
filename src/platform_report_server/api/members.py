"""/api/team-members and /api/invitations"""

from __future__ import annotations

import logging
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict
from sqlalchemy import Connection, Row
from starlette.background import BackgroundTask
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts import invitations
from platform_report_server.accounts.teams import change_role, remove_member
from platform_report_server.api import answers
from platform_report_server.api._call import Call
from platform_report_server.api._query import TEAM
from platform_report_server.api._shapes import Data, Done, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_invitation, visible_member, visible_team
from platform_report_server.clock import iso, now_ms
from platform_report_server.db.queries.people import list_invitations, list_members
from platform_report_server.errors import Invalid, MailFailed
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import MemberChange, NewInvitation, Role

_log = logging.getLogger("platform_report_server")


class Member(Struct, rename="camel"):
    """A person in a team."""

    id: str
    user_id: str
    team_id: str
    role: Role
    name: str
    email: str
    avatar_url: None
    joined_at: Moment

    @classmethod
    def of(cls, row: Row[Any]) -> Member:
        """Return the shape of a row."""
        return cls(
            id=ids.encode("member", row.id),
            user_id=ids.encode("user", row.user_id),
            team_id=ids.encode("team", row.team_id),
            role=row.role,
            name=row.name,
            email=row.email,
            avatar_url=None,
            joined_at=iso(row.joined_at),
        )


class Invitation(Struct, rename="camel"):
    """An invitation that waits for its answer."""

    id: str
    team_id: str
    email: str
    role: Role
    status: Literal["pending"]
    expires_at: Moment
    created_at: Moment

    @classmethod
    def of(cls, row: Row[Any]) -> Invitation:
        """Return the shape of a row."""
        return cls(
            id=ids.encode("invite", row.id),
            team_id=ids.encode("team", row.team_id),
            email=row.email,
            role=row.role,
            status="pending",
            expires_at=iso(row.expires_at),
            created_at=iso(row.created_at),
        )


class MadeInvitation(Invitation, rename="camel"):
    """A new invitation."""

    url: Annotated[str, Meta(description="For the person who is invited alone: whoever has it may join")]


_new = msgspec.json.Decoder(NewInvitation)
_change = msgspec.json.Decoder(MemberChange)
_made = msgspec.json.Decoder(MadeInvitation)
_SENT = Invalid.field_is("Idempotency-Key", "the person was invited with it before; a link is shown once")


async def index(call: Call) -> Response:
    public_id = TEAM.read(call.request)

    def query(connection: Connection) -> list[Member]:
        team = visible_team(connection, call.caller, public_id)
        return [Member.of(row) for row in list_members(connection, team.id)]

    return answer(Data(await call.read(query)))


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    root = str(call.request.base_url).rstrip("/")

    def job(write: Write) -> Answer:
        team = visible_team(write.connection, call.caller, new.team_id)

        def invite() -> Answer:
            row, token = invitations.invite(write, team.id, new.email, new.role)
            made = MadeInvitation(**asdict(Invitation.of(row)), url=f"{root}/invitations/{token}")
            return Answer(201, body(made))

        return answer_once(write, team.id, once, invite, later=answers.kept_refusal(_SENT))

    response = await call.write(job)
    if response.status_code == 201:
        response.background = BackgroundTask(_mail, call, _made.decode(response.body))
    return response


async def _mail(call: Call, made: MadeInvitation) -> None:
    team_id = ids.decode("team", made.team_id) or 0
    try:
        await call.services.mailing.invite(made.email, team_id, call.caller.user_id, made.url)
    except MailFailed:
        _log.exception("an invitation could not be mailed; its link stands in the answer")


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)

    def job(write: Write) -> Answer:
        row = visible_member(write.connection, call.caller, call.said("member_id"))
        _check_strength(call, row, wanted.role)

        def work() -> Answer:
            change_role(write, row, wanted.role)
            return Answer(200, body(Member.of(visible_member(write.connection, call.caller, call.said("member_id")))))

        return answer_once(write, row.team_id, once, work)

    return await call.write(job)


async def delete(call: Call) -> Response:
    def work(write: Write) -> None:
        row = visible_member(write.connection, call.caller, call.said("member_id"))
        _check_strength(call, row, row.role)
        remove_member(write, row)

    await call.services.writer.do(work)
    return answer(Done("Team member removed successfully"))


async def index_invitations(call: Call) -> Response:
    public_id = TEAM.read(call.request)

    def query(connection: Connection) -> list[Invitation]:
        team = visible_team(connection, call.caller, public_id)
        return [Invitation.of(row) for row in list_invitations(connection, team.id, now_ms())]

    return answer(Data(await call.read(query)))


async def delete_invitation(call: Call) -> Response:
    public_id = call.said("invitation_id")

    def work(write: Write) -> None:
        invitations.withdraw(write, visible_invitation(write.connection, call.caller, public_id).id)

    await call.services.writer.do(work)
    return answer(Done("Invitation withdrawn successfully"))


def _check_strength(call: Call, row: Row[tuple[object, ...]], role: Role) -> None:
    own = call.caller.role_in_team(row.team_id)
    for each in (row.role, role):
        call.caller.grant(each, own)
