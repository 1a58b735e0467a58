"""The shapes of answers about projects, teams, people, keys and webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Row

from platform_report_server import ids
from platform_report_server.accounts.keys import masked
from platform_report_server.api._shapes import Moment
from platform_report_server.auth.signing import Signer
from platform_report_server.clock import iso
from platform_report_server.db.queries.keys import KeyRow
from platform_report_server.db.queries.projects import ProjectRow
from platform_report_server.db.queries.webhooks import WebhookRow
from platform_report_server.ingest.webhooks import HEADERS
from platform_report_server.model import Event, Format, Role


class Project(Struct, rename="camel"):
    """A project."""

    id: str
    name: str
    team_id: str
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: ProjectRow) -> Project:
        """Return the shape of a row."""
        team_id = ids.encode("team", row.team_id)
        return cls(row.public_id, row.name, team_id, iso(row.created_at), iso(row.updated_at))


class ChangedProject(Struct, rename="camel"):
    """A project after a change."""

    id: str
    name: str
    team_id: str
    updated_at: Moment


class Team(Struct, rename="camel"):
    """A team."""

    id: str
    name: str
    created_at: Moment

    @classmethod
    def of(cls, row: Row[Any]) -> Team:
        """Return the shape of a row."""
        return cls(ids.encode("team", row.id), row.name, iso(row.created_at))


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


class Key(Struct, rename="camel"):
    """An API key, without the key itself."""

    id: str
    name: str
    project_id: str
    masked_key: str
    role: Role
    is_active: bool
    expires_at: Moment | None
    last_used_at: Moment | None
    created_at: Moment

    @classmethod
    def of(cls, row: KeyRow) -> Key:
        """Return the shape of a row."""
        return cls(
            id=ids.encode("key", row.id),
            name=row.name,
            project_id=row.project,
            masked_key=masked(row.last4),
            role=row.role,
            is_active=bool(row.is_active),
            expires_at=_moment(row.expires_at),
            last_used_at=_moment(row.last_used_at),
            created_at=iso(row.created_at),
        )


class MadeKey(Struct, rename="camel"):
    """A new API key."""

    id: str
    name: str
    project_id: str
    key: Annotated[str, Meta(description="It is shown this once")]
    role: Role
    is_active: bool
    expires_at: Moment | None
    created_at: Moment

    @classmethod
    def of(cls, row: KeyRow, key: str) -> MadeKey:
        """Return the shape of a row and its key."""
        return cls(
            id=ids.encode("key", row.id),
            name=row.name,
            project_id=row.project,
            key=key,
            role=row.role,
            is_active=bool(row.is_active),
            expires_at=_moment(row.expires_at),
            created_at=iso(row.created_at),
        )


class SwitchedKey(Struct, rename="camel"):
    """An API key that was switched."""

    id: str
    name: str
    is_active: bool
    updated_at: Moment


class Webhook(Struct, rename="camel"):
    """A webhook, without its secret."""

    id: str
    project_id: str
    url: str
    events: list[Event]
    is_active: bool
    created_at: Moment
    headers: dict[str, str] | UnsetType = UNSET
    format: Format | UnsetType = UNSET

    @classmethod
    def of(cls, row: WebhookRow, signer: Signer | None = None) -> Webhook:
        """Return the shape of a row, with its headers where they can be unsealed."""
        return cls(
            id=ids.encode("wh", row.id),
            project_id=row.project,
            url=row.url,
            events=msgspec.json.decode(row.events),
            is_active=bool(row.is_active),
            created_at=iso(row.created_at),
            headers=UNSET if signer is None else msgspec.json.decode(signer.unseal(HEADERS, row.headers)),
            format=row.format or UNSET,
        )


class ChangedWebhook(Struct, rename="camel"):
    """A webhook after a change."""

    id: str
    url: str
    events: list[Event]
    is_active: bool
    updated_at: Moment


def _moment(value: int | None) -> str | None:
    return None if value is None else iso(value)
