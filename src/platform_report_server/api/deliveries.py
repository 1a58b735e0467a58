"""/api/webhooks/:id/deliveries, and the test of a webhook."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import page
from platform_report_server.api._shapes import Moment, Page, moment
from platform_report_server.api.answers import answer, body, raw_answer
from platform_report_server.auth.visible import visible_delivery, visible_webhook
from platform_report_server.clock import iso
from platform_report_server.db.queries.deliveries import DeliveryRow, list_deliveries
from platform_report_server.errors import NotFound
from platform_report_server.ingest import deliveries as ingest
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Count, DeliveryStatus, Event


class Delivery(Struct, rename="camel"):
    """What was sent to a webhook, and what came of it."""

    id: str
    webhook_id: str
    run_id: str | None
    event: Event | Literal["ping"]
    status: DeliveryStatus
    attempts: Count
    response_status: Count | None
    """Of the last attempt, as this and the next two."""
    response_body: str | None
    """Its beginning."""
    error: str | None
    created_at: Moment
    last_attempt_at: Moment | None
    next_attempt_at: Moment | None

    @classmethod
    def of(cls, row: DeliveryRow) -> Delivery:
        """Return the shape of a row."""
        return cls(
            id=ids.encode("dlv", row.id),
            webhook_id=ids.encode("wh", row.webhook_id),
            run_id=None if row.run_id is None else ids.encode("run", row.run_id),
            event=row.event,
            status=row.status,
            attempts=row.attempts,
            response_status=row.answer_status,
            response_body=row.answer,
            error=row.error,
            created_at=iso(row.created_at),
            last_attempt_at=moment(row.last_at),
            next_attempt_at=iso(row.next_at) if row.status == "pending" else None,
        )


async def index(call: Call) -> Response:
    limit, offset = page(call.request)

    def query(connection: Connection) -> tuple[list[DeliveryRow], int]:
        hook = visible_webhook(connection, call.caller, call.said("webhook_id"))
        return list_deliveries(connection, hook.project_id, hook.id, limit=limit, offset=offset)

    rows, total = await call.read(query)
    return answer(Page([Delivery.of(row) for row in rows], total, limit, offset))


async def test(call: Call) -> Response:
    webhook_id, once = call.said("webhook_id"), call.once(b"")

    def job(write: Write) -> tuple[Answer, DeliveryRow | None]:
        hook = visible_webhook(write.connection, call.caller, webhook_id)
        made: list[DeliveryRow] = []

        def work() -> Answer:
            made.append(ingest.add_ping(write, hook.project_id, hook.id))
            return Answer(200, body(Delivery.of(made[0])))

        return answer_once(write, hook.project_id, once, work), made[0] if made else None

    told, row = await call.services.writer.do(job)
    if row is None:  # asked for before: the log says what came of it
        return raw_answer(told.body, told.status)
    after = await call.services.deliverer.deliver(row)
    if after is None:
        raise NotFound(f"There is no webhook {webhook_id!r} any more")
    return answer(Delivery.of(after))


async def replay(call: Call) -> Response:
    webhook_id, delivery_id = (call.said(name) for name in ("webhook_id", "delivery_id"))
    once = call.once(b"")

    def job(write: Write) -> Answer:
        row = visible_delivery(write.connection, call.caller, webhook_id, delivery_id)
        return answer_once(
            write, row.project_id, once, lambda: Answer(201, body(Delivery.of(ingest.replay(write, row))))
        )

    return await call.write(job)
