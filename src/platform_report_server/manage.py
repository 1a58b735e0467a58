"""What the command line does in the store, with or without a server beside it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import Any, TypeVar

from sqlalchemy import Row

from platform_report_server.accounts import keys, people, teams
from platform_report_server.accounts.passwords import check_password, hash_password
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.people import find_account_by_email, list_teams
from platform_report_server.errors import Invalid
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.writer import Job, Write, do_alone
from platform_report_server.model import Role
from platform_report_server.settings import Settings

T = TypeVar("T")

_DAY_MS = 24 * 3600 * 1000


def add_user(
    settings: Settings, email: str, name: str, role: Role, password: str, team_names: Collection[str] = ()
) -> list[str]:
    """Make an account, in the named teams or in the only one; return the names of its teams."""
    people.folded(email)
    check_password(password)
    kept = hash_password(password)

    def add(write: Write) -> list[str]:
        chosen = _chosen(list_teams(write.connection), team_names)
        user_id = people.add_account(write, email, name or people.folded(email).partition("@")[0], kept)
        for team in chosen:
            teams.add_member(write, team.id, user_id, role)
        return [str(team.name) for team in chosen]

    return _write(settings, add)


def set_password(settings: Settings, email: str, password: str) -> None:
    """Change somebody's password; their sessions end."""
    check_password(password)
    kept = hash_password(password)

    def change(write: Write) -> None:
        account = find_account_by_email(write.connection, people.folded(email))
        if account is None:
            raise Invalid.field_is("email", f"{email} has no account")
        people.set_password(write, account.id, kept)

    _write(settings, change)


def add_key(settings: Settings, project: str, name: str, role: Role, days: int | None = None) -> str:
    """Make an API key of a project, which is made where it is not there; return the key."""

    def add(write: Write) -> str:
        expires_at = None if days is None else write.now + days * _DAY_MS
        return keys.add_key(write, ensure_project(write, project), name, role, expires_at=expires_at)[1]

    return _write(settings, add)


def _chosen(existing: list[Row[Any]], names: Collection[str]) -> list[Row[Any]]:
    known = ", ".join(repr(team.name) for team in existing)
    if not names and len(existing) > 1:
        raise Invalid.field_is("team", f"there are several, name one of {known}")
    chosen = [team for team in existing if not names or team.name in names]
    missing = set(names) - {team.name for team in chosen}
    if missing:
        raise Invalid.field_is("team", f"found {', '.join(sorted(missing))}, expected one of {known}")
    return chosen


def _write(settings: Settings, job: Job[T]) -> T:
    with closing(open_database(settings.database)) as database:
        return do_alone(database, job)
