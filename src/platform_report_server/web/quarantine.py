"""The forms that put tests into quarantine, and take them out: one on its page, several on that of the flaky ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.auth.visible import visible_case
from platform_report_server.errors import Invalid, NotFound
from platform_report_server.ingest.flakiness import Terms, quarantine, release
from platform_report_server.ingest.writer import Write
from platform_report_server.web import flaky, test
from platform_report_server.web._flash import Notes
from platform_report_server.web._forms import Form, shown_again
from platform_report_server.web._visit import Visit
from platform_report_server.web.projects import project_path, visible_project_page

_MOST = 200

_Deed = Callable[[Write, int, list[int]], None]


async def put_one(visit: Visit) -> Response:
    try:
        deed = _putting(visit.form)
    except Invalid as error:
        return await test.show(visit, quarantine=shown_again(visit.form, error))
    return await _decide_one(visit, deed, "The test is in quarantine now.")


async def release_one(visit: Visit) -> Response:
    return await _decide_one(visit, release, "The test is released.")


async def put_many(visit: Visit) -> Response:
    return await _decide_many(visit, _putting, "in quarantine now")


async def release_many(visit: Visit) -> Response:
    return await _decide_many(visit, lambda _: release, "released")


def _putting(form: Form) -> _Deed:
    terms = Terms(form.short("reason", 500), form.short("owner", 200), form.end_of_day("until"))
    return partial(quarantine, terms=terms)


async def _decide_one(visit: Visit, deed: _Deed, told: str) -> Response:
    test_id = visit.said("test_id")

    def job(write: Write) -> None:
        project_id, case_id = visible_case(write.connection, visit.caller, test_id)
        deed(write, project_id, [case_id])

    await visit.write(job)
    return visit.go(f"/tests/{test_id}", Notes(told=told))


async def _decide_many(visit: Visit, deed_of: Callable[[Form], _Deed], done: str) -> Response:
    picked = visit.form.every("test")

    def find(connection: Connection) -> tuple[int, list[int]]:
        row = visible_project_page(connection, visit.caller, visit.said("project_id"))
        some = picked if len(picked) <= _MOST else []
        found = [visible_case(connection, visit.caller, each) for each in some]
        if any(project_id != row.id for project_id, _ in found):
            raise NotFound("These tests are not in this project")
        return row.id, sorted({case_id for _, case_id in found})

    project_id, cases = await visit.read(find)
    try:
        if not 0 < len(picked) <= _MOST:
            raise Invalid(f"Choose from 1 to {_MOST} tests: {len(picked)} are chosen")
        deed = deed_of(visit.form)
    except Invalid as error:
        return await flaky.show(visit, picked, quarantine=shown_again(visit.form, error))
    await visit.write(lambda write: deed(write, project_id, cases))
    are = "1 test is" if len(cases) == 1 else f"{len(cases)} tests are"
    path = f"{project_path(project_id)}/flaky{flaky.filters_of(visit.request)}"
    return visit.go(path, Notes(told=f"{are} {done}."))
