"""Accounts and their sessions."""

from __future__ import annotations

import re

from sqlalchemy import delete, insert, update

from platform_report_server.auth.access import SESSION_SECONDS
from platform_report_server.auth.tokens import digest, new_token
from platform_report_server.db.queries.people import find_account_by_email
from platform_report_server.db.schema import session, user_account
from platform_report_server.errors import Invalid
from platform_report_server.ingest.writer import Write

LONGEST_NAME = 200
_EMAIL = re.compile(r"""[^@\s\x00-\x1f\x7f<>()\[\],;:\\"]{1,64}@[^@\s\x00-\x1f\x7f<>(),;\\"]{1,255}""")


def folded(email: str) -> str:
    """Return the form in which an email address is kept."""
    kept = email.strip().casefold()
    if len(kept) > 254 or _EMAIL.fullmatch(kept) is None:
        raise Invalid.field_is("email", f"expected an email address, got {email[:80]!r}")
    return kept


def check_name(name: str) -> str:
    """Return a person's name without what is around it; refuse one that is none."""
    kept = name.strip()
    if not 0 < len(kept) <= LONGEST_NAME or not kept.isprintable():
        raise Invalid.field_is("name", f"expected 1 to {LONGEST_NAME} characters that can be printed")
    return kept


def add_account(write: Write, email: str, name: str, password_hash: str) -> int:
    """Store an account; return its number."""
    kept = folded(email)
    if find_account_by_email(write.connection, kept) is not None:
        raise Invalid.field_is("email", "has an account already")
    user_id = write.ids()
    values = {"id": user_id, "email": kept, "name": check_name(name), "password": password_hash}
    write.connection.execute(insert(user_account).values(**values, created_at=write.now, updated_at=write.now))
    return user_id


def set_password(write: Write, user_id: int, password_hash: str, keep: str | None = None) -> None:
    """Change a password; every session but the one to keep ends."""
    changed = update(user_account).where(user_account.c.id == user_id)
    write.connection.execute(changed.values(password=password_hash, updated_at=write.now))
    others = delete(session).where(session.c.user_id == user_id)
    write.connection.execute(others if keep is None else others.where(session.c.token_hash != digest(keep)))


def begin_session(write: Write, user_id: int | None) -> str:
    """Begin a session; return its token."""
    write.connection.execute(delete(session).where(session.c.expires_at <= write.now))
    token, expires_at = new_token(), write.now + SESSION_SECONDS * 1000
    values = {"token_hash": digest(token), "user_id": user_id, "created_at": write.now, "expires_at": expires_at}
    write.connection.execute(insert(session).values(values))
    return token


def end_session(write: Write, token: str) -> None:
    """End a session."""
    write.connection.execute(delete(session).where(session.c.token_hash == digest(token)))
