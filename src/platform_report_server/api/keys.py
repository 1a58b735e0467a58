"""/api/api-keys"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.accounts.keys import add_key, delete_key, masked, switch_key
from platform_report_server.api import answers
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT
from platform_report_server.api._requests import to_come
from platform_report_server.api._shapes import Data, Done, Moment, moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_key
from platform_report_server.clock import iso
from platform_report_server.db.queries.keys import KeyRow, list_keys
from platform_report_server.db.queries.projects import find_project
from platform_report_server.errors import Invalid
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import KeyChange, NewKey, Role


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
            expires_at=moment(row.expires_at),
            last_used_at=moment(row.last_used_at),
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
            expires_at=moment(row.expires_at),
            created_at=iso(row.created_at),
        )


class SwitchedKey(Struct, rename="camel"):
    """An API key that was switched."""

    id: str
    name: str
    is_active: bool
    updated_at: Moment


_new = msgspec.json.Decoder(NewKey)
_change = msgspec.json.Decoder(KeyChange)
_MADE = Invalid.field_is("Idempotency-Key", "an API key was made with it before; a key is shown once")


async def index(call: Call) -> Response:
    project = PROJECT.read(call.request)
    call.caller.check(project)

    def query(connection: Connection) -> list[Key]:
        number = find_project(connection, project)
        return [] if number is None else [Key.of(row) for row in list_keys(connection, number)]

    return answer(Data(await call.read(query)))


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    call.caller.check(new.project_id)
    call.caller.grant(new.role, call.caller.role_in(new.project_id))
    expires_at = to_come("expiresAt", new.expires_at)

    def job(write: Write) -> Answer:
        project_id = call.project(write, new.project_id)

        def make() -> Answer:
            row, key = add_key(
                write, project_id, new.name, new.role, expires_at=expires_at, made_by=call.caller.user_id
            )
            return Answer(201, body(MadeKey.of(row, key)))

        return answer_once(write, project_id, once, make, later=answers.kept_refusal(_MADE))

    return await call.write(job)


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)

    def job(write: Write) -> Answer:
        row = visible_key(write.connection, call.caller, call.said("key_id"))
        if wanted.is_active:
            call.caller.grant(row.role, call.caller.role_in(row.project))

        def switch() -> Answer:
            switch_key(write, row.id, is_active=wanted.is_active)
            switched = SwitchedKey(ids.encode("key", row.id), row.name, wanted.is_active, iso(write.now))
            return Answer(200, body(switched))

        return answer_once(write, row.project_id, once, switch)

    response = await call.write(job)
    call.services.access.keys.forget()
    return response


async def delete(call: Call) -> Response:
    def work(write: Write) -> None:
        delete_key(write, visible_key(write.connection, call.caller, call.said("key_id")).id)

    await call.services.writer.do(work)
    call.services.access.keys.forget()
    return answer(Done("API key deleted successfully"))
