"""API keys: made, switched, deleted."""

from __future__ import annotations

from sqlalchemy import delete, insert, or_, update

from platform_report_server.auth.tokens import digest, new_token
from platform_report_server.db.queries.keys import KeyRow, find_key
from platform_report_server.db.schema import api_key
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role
from platform_report_server.text import clean

PREFIX = "prk_live_"
_USE_NOTED_EVERY_MS = 60_000


def masked(last4: str) -> str:
    """Return what is shown of a key once it was made."""
    return f"{PREFIX}****...****{last4}"


def add_key(
    write: Write, project_id: int, name: str, role: Role, *, expires_at: int | None = None, made_by: int | None = None
) -> tuple[KeyRow, str]:
    """Store a new key; return it, and the key itself, which nothing returns again."""
    number, key = write.ids(), PREFIX + new_token()
    write.connection.execute(
        insert(api_key).values(
            id=number,
            project_id=project_id,
            name=clean(name),
            key_hash=digest(key),
            last4=key[-4:],
            role=role,
            is_active=1,
            expires_at=expires_at,
            made_by=made_by,
            created_at=write.now,
            updated_at=write.now,
        )
    )
    row = find_key(write.connection, number)
    if row is None:
        raise LookupError(f"key {number} was just written and is not there")
    return row, key


def switch_key(write: Write, key_id: int, *, is_active: bool) -> None:
    """Turn a key on or off."""
    changed = update(api_key).where(api_key.c.id == key_id)
    write.connection.execute(changed.values(is_active=int(is_active), updated_at=write.now))


def delete_key(write: Write, key_id: int) -> None:
    """Delete a key."""
    write.connection.execute(delete(api_key).where(api_key.c.id == key_id))


def note_use(write: Write, key_id: int) -> None:
    """Note that a key was used, once a minute over all processes."""
    last = api_key.c.last_used_at
    is_old = or_(last.is_(None), last <= write.now - _USE_NOTED_EVERY_MS)
    write.connection.execute(update(api_key).where(api_key.c.id == key_id, is_old).values(last_used_at=write.now))
