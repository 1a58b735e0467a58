"""A team with a person and a key of every role, and strangers: who calls in the tests of access."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from platform_report_server import ids
from platform_report_server.accounts.keys import add_key
from platform_report_server.accounts.people import add_account, begin_session
from platform_report_server.accounts.teams import add_member, add_team
from platform_report_server.auth.roles import ROLES
from platform_report_server.ingest.projects import add_project
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Role
from platform_report_server.settings import Settings
from server.support import checked, cookie_of, in_store

NO_PASSWORD = "scrypt$14$8$5$AAAA$AAAA"


Who = dict[str, str]
"""The headers by which a server knows somebody."""


@dataclass(frozen=True)
class Cast:
    """Who calls one server: a person of each role, a stranger who owns another team, and that one's key."""

    http: httpx.Client
    owner: httpx.Client
    people: dict[Role, Who]
    stranger: Who
    stranger_key: Who
    team: str
    other_team: str

    def new_project(self, name: str = "Web App E2E") -> str:
        """Make a project of the team; return its id."""
        made = checked(self.owner.post("/api/projects", json={"name": name, "teamId": self.team}), 201)
        return str(made["id"])

    def new_key(self, project: str, role: Role) -> str:
        """Make a key of a project."""
        body = {"projectId": project, "name": f"A {role}", "role": role}
        return str(checked(self.owner.post("/api/api-keys", json=body), 201)["key"])

    def new_member(self, settings: Settings, role: Role, name: str) -> str:
        """Put somebody new into the team; return the member's id."""
        team = ids.decode("team", self.team) or 0

        def join(write: Write) -> int:
            return add_member(write, team, add_account(write, f"{name}@example.com", name, NO_PASSWORD), role)

        return ids.encode("member", in_store(settings, join))


@contextmanager
def casting(settings: Settings, url: str) -> Iterator[Cast]:
    """Write everybody into the store of a server."""

    def fill(write: Write) -> dict[str, Any]:
        users = {role: add_account(write, f"{role}@example.com", role.title(), NO_PASSWORD) for role in ROLES}
        team = add_team(write, "Acme Engineering", users["owner"])
        for role in ROLES[:-1]:
            add_member(write, team.id, users[role], role)
            add_team(write, f"The {role}'s own", users[role])  # what they are elsewhere counts for nothing here
        eve = add_account(write, "eve@example.com", "Eve", NO_PASSWORD)
        other = add_team(write, "Platform Team", eve)
        theirs = add_project(write, "Theirs", other.id)
        return {
            "sessions": {role: begin_session(write, user) for role, user in users.items()},
            "stranger": begin_session(write, eve),
            "key": add_key(write, theirs.id, "Theirs", "owner", made_by=eve)[1],
            "teams": [ids.encode("team", each.id) for each in (team, other)],
        }

    made = in_store(settings, fill)
    people = {role: _in_session(settings, token) for role, token in made["sessions"].items()}
    with (
        httpx.Client(base_url=url, timeout=60) as http,
        httpx.Client(base_url=url, timeout=60, headers=people["owner"]) as owner,
    ):
        stranger = _in_session(settings, made["stranger"])
        yield Cast(http, owner, people, stranger, with_key(made["key"]), *made["teams"])


def with_key(key: str) -> Who:
    """Return who has a key."""
    return {"X-API-Key": key}


def _in_session(settings: Settings, token: str) -> Who:
    ((name, value),) = cookie_of(settings, token).items()
    return {"Cookie": f"{name}={value}"}
