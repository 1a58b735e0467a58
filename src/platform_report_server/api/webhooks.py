"""/api/webhooks"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._account_shapes import ChangedWebhook, Webhook
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT
from platform_report_server.api._shapes import Data, Done
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_webhook
from platform_report_server.clock import iso
from platform_report_server.db.queries.projects import find_project
from platform_report_server.db.queries.webhooks import list_webhooks
from platform_report_server.errors import Invalid
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.webhooks import HEADERS, SECRET, add_webhook, change_webhook, delete_webhook
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewWebhook, WebhookChange

_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade"})

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
    values = _values(call, new)

    def job(write: Write) -> Answer:
        project_id = call.project(write, new.project_id)
        return answer_once(
            write, project_id, once, lambda: Answer(201, body(Webhook.of(add_webhook(write, project_id, values))))
        )

    return await call.write(job)


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)
    values = _values(call, wanted)

    def job(write: Write) -> Answer:
        before = visible_webhook(write.connection, call.caller, _id(call))

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
        delete_webhook(write, visible_webhook(write.connection, call.caller, _id(call)))

    await call.services.writer.do(work)
    return answer(Done("Webhook deleted successfully"))


def _values(call: Call, said: NewWebhook | WebhookChange) -> dict[str, Any]:
    """Return the row's values that were said, checked; what may be a secret is sealed."""
    signer, values = call.services.signer, dict[str, Any]()
    if said.url is not UNSET:
        values["url"] = _checked_url(said.url)
    if said.events is not UNSET:
        values["events"] = msgspec.json.encode(list(dict.fromkeys(said.events))).decode()
    if said.headers is not UNSET:
        headers = said.headers or {}
        _check_headers(headers)
        values["headers"] = signer.seal(HEADERS, msgspec.json.encode(headers).decode())
    if said.secret is not UNSET:
        values["secret"] = None if said.secret is None else signer.seal(SECRET, said.secret)
    if said.is_active is not UNSET:
        values["is_active"] = int(said.is_active)
    if said.format is not UNSET:
        values["format"] = said.format
    return values


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise Invalid.field_is("url", f"expected an http or https address, got {url[:80]!r}")


def _check_headers(headers: dict[str, str]) -> None:
    for name in headers:
        if name.lower() in _OURS or name.lower().startswith("x-webhook-"):
            raise Invalid.field_is("headers", f"{name} is set by this server")
    if len({name.lower() for name in headers}) < len(headers):
        raise Invalid.field_is("headers", "a name is there twice")


def _id(call: Call) -> str:
    public_id: str = call.request.path_params["webhook_id"]
    return public_id
