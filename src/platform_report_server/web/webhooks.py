"""The webhooks on a project's page, and the page of each: its deliveries, its test."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.auth.visible import visible_delivery, visible_webhook
from platform_report_server.db.queries.deliveries import list_deliveries
from platform_report_server.db.queries.projects import load_project
from platform_report_server.db.queries.webhooks import WebhookRow
from platform_report_server.errors import Invalid
from platform_report_server.ingest import deliveries as ingest
from platform_report_server.ingest.webhooks import add_webhook, change_webhook, delete_webhook
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewWebhook
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, converted, shown_again
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import HOOK_EVENTS, HOOK_FORMATS, project_path, visible_project_page
from platform_report_server.web.projects import show as show_project
from platform_report_server.webhooks.values import values_of

_SHOWN = 100


async def make(visit: Visit) -> Response:
    def job(write: Write) -> WebhookRow:
        row = visible_project_page(write.connection, visit.caller, visit.said("project_id"))
        return add_webhook(write, row.id, values_of(visit.services.signer, _wanted(visit.form, row.public_id)))

    try:
        row = await visit.write(job)
    except Invalid as error:
        return await show_project(visit, webhook=shown_again(visit.form, error))
    return visit.go(_path(row), Notes(told="The webhook is made."))


async def show(visit: Visit) -> Response:
    def query(connection: Connection) -> dict[str, Any]:
        row = visible_webhook(connection, visit.caller, visit.said("webhook_id"))
        deliveries, total = list_deliveries(connection, row.project_id, row.id, limit=_SHOWN, offset=0)
        project = load_project(connection, row.project)
        return {"webhook": row, "project": project, "deliveries": deliveries, "total": total}

    return visit.page("webhook.html", **await visit.read(query))


async def switch(visit: Visit) -> Response:
    is_active = visit.form.text("active") == "on"

    def job(write: Write) -> WebhookRow:
        row = visible_webhook(write.connection, visit.caller, visit.said("webhook_id"))
        return change_webhook(write, row, {"is_active": int(is_active)})

    row = await visit.write(job)
    return visit.go(_path(row), Notes(told=f"The webhook is {'on' if is_active else 'off'}."))


async def test(visit: Visit) -> Response:
    def job(write: Write) -> Any:
        row = visible_webhook(write.connection, visit.caller, visit.said("webhook_id"))
        return row, ingest.add_ping(write, row.project_id, row.id)

    row, ping = await visit.write(job)
    after = await visit.services.deliverer.deliver(ping)
    came = "it was deleted" if after is None else after.error or f"it was answered {after.answer_status}"
    return visit.go(_path(row), Notes(told=f"A ping was sent: {came}."))


async def delete(visit: Visit) -> Response:
    def job(write: Write) -> WebhookRow:
        row = visible_webhook(write.connection, visit.caller, visit.said("webhook_id"))
        delete_webhook(write, row)
        return row

    row = await visit.write(job)
    return visit.go(project_path(row.project_id), Notes(told="The webhook is deleted."))


async def replay(visit: Visit) -> Response:
    def job(write: Write) -> None:
        place = visit.said("webhook_id"), visit.said("delivery_id")
        ingest.replay(write, visible_delivery(write.connection, visit.caller, *place))

    await visit.write(job)
    return visit.go(f"/webhooks/{visit.said('webhook_id')}", Notes(told="The delivery is sent once more."))


def _wanted(form: Form, project: str) -> NewWebhook:
    for name, words in (("events", HOOK_EVENTS), ("format", HOOK_FORMATS)):
        if form.text(name) not in words:
            raise Invalid.field_is(name, f"expected one of {', '.join(words)}")
    said = {
        "projectId": project,
        "url": form.required("url"),
        "events": HOOK_EVENTS[form.text("events")],
        "format": HOOK_FORMATS[form.text("format")],
        "secret": form.text("secret") or None,
    }
    try:
        return converted(said, NewWebhook)
    except Invalid as error:
        if error.field != "url":
            raise
        raise Invalid.field_is(
            "url", "expected an http or https address without a user, at most 2000 characters"
        ) from error


def _path(row: WebhookRow) -> str:
    return f"/webhooks/{ids.encode('wh', row.id)}"
