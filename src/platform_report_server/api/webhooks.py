"""/api/webhooks"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT
from platform_report_server.api._shapes import Data, Done, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.signing import Signer
from platform_report_server.auth.visible import visible_webhook
from platform_report_server.clock import iso
from platform_report_server.db.queries.projects import find_project
from platform_report_server.db.queries.webhooks import WebhookRow, list_webhooks
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.webhooks import HEADERS, add_webhook, change_webhook, delete_webhook
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Event, Format, NewWebhook, WebhookChange
from platform_report_server.webhooks.values import values_of


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


_new = msgspec.json.Decoder(NewWebhook)
_change = msgspec.json.Decoder(WebhookChange)


async def index(call: Call) -> Response:
    project, signer = PROJECT.read(call.request), call.services.signer
    call.caller.check(project)

    def query(connection: Connection) -> list[Webhook]:
        number = find_project(connection, project)
        return [] if number is None else [Webhook.of(row, signer) for row in list_webhooks(connection, number)]

    return answer(Data(await call.read(query)))


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    call.caller.check(new.project_id)
    values = values_of(call.services.signer, new)

    def job(write: Write) -> Answer:
        project_id = call.project(write, new.project_id)
        return answer_once(
            write, project_id, once, lambda: Answer(201, body(Webhook.of(add_webhook(write, project_id, values))))
        )

    return await call.write(job)


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)
    values = values_of(call.services.signer, wanted)

    def job(write: Write) -> Answer:
        before = visible_webhook(write.connection, call.caller, call.said("webhook_id"))

        def work() -> Answer:
            row = change_webhook(write, before, values)
            events = msgspec.json.decode(row.events)
            public_id = ids.encode("wh", row.id)
            shape = ChangedWebhook(public_id, row.url, events, bool(row.is_active), iso(row.updated_at))
            return Answer(200, body(shape))

        return answer_once(write, before.project_id, once, work)

    return await call.write(job)


async def delete(call: Call) -> Response:
    def work(write: Write) -> None:
        delete_webhook(write, visible_webhook(write.connection, call.caller, call.said("webhook_id")))

    await call.services.writer.do(work)
    return answer(Done("Webhook deleted successfully"))
