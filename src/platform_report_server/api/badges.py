"""/api/projects/:id/badges"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from starlette.responses import Response

from platform_report_server.api import answers
from platform_report_server.api._call import Call
from platform_report_server.api._shapes import Done
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.badges import NAMES, badge_path
from platform_report_server.auth.visible import visible_project
from platform_report_server.db.queries.projects import ProjectRow
from platform_report_server.errors import Invalid
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.projects import set_badges
from platform_report_server.ingest.writer import Write

_MADE = Invalid.field_is("Idempotency-Key", "addresses were made with it before; GET tells those that there are")


class Badges(Struct, rename="camel"):
    """The addresses of a project's badges, by what they tell of; none where they were not made."""

    project_id: str
    badges: Mapping[str, str]


async def show(call: Call) -> Response:
    row = await call.read(partial(visible_project, caller=call.caller, public_id=call.said("project_id")))
    return answer(_addresses(call, row))


async def make(call: Call) -> Response:
    once = call.once(b"")

    def job(write: Write) -> Answer:
        before = visible_project(write.connection, call.caller, call.said("project_id"))

        def work() -> Answer:
            return Answer(201, body(_addresses(call, set_badges(write, before, is_on=True))))

        # the addresses are not kept: whoever has one sees the badge
        return answer_once(write, before.id, once, work, later=answers.kept_refusal(_MADE))

    return await call.write(job)


async def delete(call: Call) -> Response:
    def job(write: Write) -> None:
        set_badges(write, visible_project(write.connection, call.caller, call.said("project_id")), is_on=False)

    await call.services.writer.do(job)
    return answer(Done("Badges taken back successfully"))


def _addresses(call: Call, row: ProjectRow) -> Badges:
    base = (call.services.settings.public_url or str(call.request.base_url)).rstrip("/")
    paths = {name: badge_path(call.services.signer, row, name) for name in NAMES}
    return Badges(row.public_id, {name: base + path for name, path in paths.items() if path is not None})
