"""Teams and their members."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from platform_report_server.db.queries.people import count_owners, find_member, find_team
from platform_report_server.db.schema import DEFAULT_TEAM, member, team
from platform_report_server.errors import Invalid
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role
from platform_report_server.text import clean


def add_team(write: Write, name: str, owner: int | None) -> Row[Any]:
    """Store a team with its owner."""
    team_id = write.ids()
    write.connection.execute(insert(team).values(id=team_id, name=clean(name), created_at=write.now))
    if owner is not None:
        add_member(write, team_id, owner, "owner")
    row = find_team(write.connection, team_id)
    if row is None:
        raise LookupError(f"team {team_id} was just written and is not there")
    return row


def add_member(write: Write, team_id: int, user_id: int, role: Role) -> int:
    """Put a person into a team; return the member's number."""
    member_id = write.ids()
    values = {"id": member_id, "team_id": team_id, "user_id": user_id, "role": role, "joined_at": write.now}
    write.connection.execute(insert(member).values(values))
    return member_id


def change_role(write: Write, row: Row[Any], role: Role) -> None:
    """Change a member's role."""
    lock_team(write, row.team_id)
    if role != "owner":
        _keep_an_owner(write, row.id)
    write.connection.execute(update(member).where(member.c.id == row.id).values(role=role))


def remove_member(write: Write, row: Row[Any]) -> None:
    """Take a member out of their team."""
    lock_team(write, row.team_id)
    _keep_an_owner(write, row.id)
    write.connection.execute(delete(member).where(member.c.id == row.id))


def lock_team(write: Write, team_id: int = DEFAULT_TEAM) -> None:
    """Let nobody else change who is in a team until this transaction is over."""
    write.connection.execute(select(team.c.id).where(team.c.id == team_id).with_for_update())


def _keep_an_owner(write: Write, member_id: int) -> None:
    row = find_member(write.connection, member_id)  # as it is now, under the lock
    if row is not None and row.role == "owner" and count_owners(write.connection, row.team_id) == 1:
        raise Invalid.field_is("role", "is that of the team's last owner: make another one first")
