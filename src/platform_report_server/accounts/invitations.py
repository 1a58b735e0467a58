"""Invitations into a team: a link that counts once, for a week."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, update

from platform_report_server.accounts.people import add_account, folded
from platform_report_server.accounts.teams import add_member
from platform_report_server.auth.tokens import digest, new_token
from platform_report_server.db.queries.people import (
    find_account,
    find_account_by_email,
    find_invitation,
    find_invitation_by_token,
    find_member_by_email,
)
from platform_report_server.db.schema import invitation
from platform_report_server.errors import Forbidden, Invalid, NotFound
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role

LIFE_MS = 7 * 24 * 3600 * 1000


def invite(write: Write, team_id: int, email: str, role: Role) -> tuple[Row[Any], str]:
    """Store an invitation, in place of an earlier one to the same address; return it with the token of its link."""
    kept = folded(email)
    if find_member_by_email(write.connection, team_id, kept) is not None:
        raise Invalid.field_is("email", "is that of a member already")
    same = (invitation.c.team_id == team_id, invitation.c.email == kept, invitation.c.status == "pending")
    write.connection.execute(update(invitation).where(*same).values(status="withdrawn"))
    number, token = write.ids(), new_token()
    values = {"id": number, "team_id": team_id, "email": kept, "role": role, "token_hash": digest(token)}
    expires_at = write.now + LIFE_MS
    write.connection.execute(
        insert(invitation).values(**values, status="pending", created_at=write.now, expires_at=expires_at)
    )
    row = find_invitation(write.connection, number, write.now)
    if row is None:
        raise LookupError(f"invitation {number} was just written and is not there")
    return row, token


def withdraw(write: Write, invitation_id: int) -> None:
    """Make an invitation's link worthless."""
    _end(write, invitation_id, "withdrawn")


def invited(connection: Connection, token: str, now: int) -> Row[Any]:
    """Return the invitation of a link."""
    row = find_invitation_by_token(connection, digest(token), now)
    if row is None:
        raise NotFound("This invitation was used or withdrawn, or is older than a week: ask for a new one")
    return row


def accept_anew(write: Write, token: str, name: str, password_hash: str) -> int:
    """Make the account of somebody who was invited; return its number."""
    row = invited(write.connection, token, write.now)
    if find_account_by_email(write.connection, row.email) is not None:
        raise Invalid.field_is("email", "has an account already: log in and open the link again")
    user_id = add_account(write, row.email, name, password_hash)
    _join(write, row, user_id)
    return user_id


def accept_as(write: Write, token: str, user_id: int) -> None:
    """Put somebody who has an account into the team."""
    row, account = invited(write.connection, token, write.now), find_account(write.connection, user_id)
    if account is None or account.email != row.email:
        raise Forbidden("This invitation is for somebody else: log in with the address that it was sent to")
    _join(write, row, user_id)


def _join(write: Write, row: Row[Any], user_id: int) -> None:
    if not _end(write, row.id, "accepted"):
        raise NotFound("This invitation was used a moment ago")
    add_member(write, row.team_id, user_id, row.role)


def _end(write: Write, invitation_id: int, status: str) -> bool:
    pending = update(invitation).where(invitation.c.id == invitation_id, invitation.c.status == "pending")
    return bool(write.connection.execute(pending.values(status=status)).rowcount)
