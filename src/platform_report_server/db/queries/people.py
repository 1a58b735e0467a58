"""Teams and the people in them: accounts, members, invitations, sessions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, func, select

from platform_report_server.db.schema import invitation, member, project, session, team, user_account
from platform_report_server.model import Role

_MEMBERS = select(member, user_account.c.name, user_account.c.email).join(
    user_account, user_account.c.id == member.c.user_id
)


def has_accounts(connection: Connection) -> bool:
    """Tell whether anybody can log in."""
    return connection.execute(select(user_account.c.id).limit(1)).first() is not None


def find_account(connection: Connection, user_id: int) -> Row[Any] | None:
    """Return an account."""
    return connection.execute(select(user_account).where(user_account.c.id == user_id)).first()


def find_account_by_email(connection: Connection, email: str) -> Row[Any] | None:
    """Return the account with an email address, which is in the form that is kept."""
    return connection.execute(select(user_account).where(user_account.c.email == email)).first()


def find_session(connection: Connection, token_hash: bytes, now: int) -> Row[Any] | None:
    """Return a session that has not ended."""
    query = select(session).where(session.c.token_hash == token_hash, session.c.expires_at > now)
    return connection.execute(query).first()


def roles_in_teams(connection: Connection, user_id: int) -> dict[int, Role]:
    """Return the role of a person in each of their teams."""
    query = select(member.c.team_id, member.c.role).where(member.c.user_id == user_id)
    return {row.team_id: row.role for row in connection.execute(query)}


def roles_in_projects(connection: Connection, user_id: int) -> dict[str, Role]:
    """Return the role of a person in each project of their teams."""
    query = select(project.c.public_id, member.c.role).join(member, member.c.team_id == project.c.team_id)
    return {row.public_id: row.role for row in connection.execute(query.where(member.c.user_id == user_id))}


def find_team(connection: Connection, team_id: int) -> Row[Any] | None:
    """Return a team."""
    return connection.execute(select(team).where(team.c.id == team_id)).first()


def list_teams(connection: Connection, among: Collection[int] | None = None) -> list[Row[Any]]:
    """Return teams, the oldest first. `among` None means every team."""
    query = select(team).order_by(team.c.id)
    return list(connection.execute(query if among is None else query.where(team.c.id.in_(list(among)))).all())


def list_members(connection: Connection, team_id: int) -> list[Row[Any]]:
    """Return the members of a team with their names, in the order in which they joined."""
    return list(connection.execute(_MEMBERS.where(member.c.team_id == team_id).order_by(member.c.id)).all())


def find_member(connection: Connection, member_id: int) -> Row[Any] | None:
    """Return a member with their name."""
    return connection.execute(_MEMBERS.where(member.c.id == member_id)).first()


def find_member_by_email(connection: Connection, team_id: int, email: str) -> Row[Any] | None:
    """Return the member of a team who has an email address."""
    return connection.execute(_MEMBERS.where(member.c.team_id == team_id, user_account.c.email == email)).first()


def count_owners(connection: Connection, team_id: int) -> int:
    """Return how many owners a team has."""
    owners = select(func.count()).select_from(member).where(member.c.team_id == team_id, member.c.role == "owner")
    return connection.execute(owners).scalar_one()


def list_invitations(connection: Connection, team_id: int, now: int) -> list[Row[Any]]:
    """Return the invitations into a team that can still be accepted, the oldest first."""
    query = select(invitation).where(invitation.c.team_id == team_id, *_pending(now))
    return list(connection.execute(query.order_by(invitation.c.id)).all())


def find_invitation(connection: Connection, invitation_id: int, now: int) -> Row[Any] | None:
    """Return an invitation that can still be accepted."""
    return connection.execute(select(invitation).where(invitation.c.id == invitation_id, *_pending(now))).first()


def find_invitation_by_token(connection: Connection, token_hash: bytes, now: int) -> Row[Any] | None:
    """Return the invitation of a link, with the name of its team as `team`."""
    query = select(invitation, team.c.name.label("team")).join(team, team.c.id == invitation.c.team_id)
    return connection.execute(query.where(invitation.c.token_hash == token_hash, *_pending(now))).first()


def _pending(now: int) -> tuple[Any, ...]:
    return invitation.c.status == "pending", invitation.c.expires_at > now
