"""/api/flakiness"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT, Fraction, Word, page
from platform_report_server.api._requests import to_come
from platform_report_server.api._shapes import Moment, Page, moment
from platform_report_server.api.answers import answer, body
from platform_report_server.auth.visible import visible_case
from platform_report_server.clock import iso
from platform_report_server.db.queries import flakiness as queries
from platform_report_server.db.queries.projects import find_project
from platform_report_server.errors import NotFound
from platform_report_server.ingest.flakiness import Terms, quarantine, release
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Count, FlakinessBand, QuarantineChange

MIN_SCORE = Fraction("minScore")
QUARANTINED = Word("quarantined", ("true", "false"))


class TestFlakiness(Struct, rename="camel"):
    """How flaky a test is."""

    test_id: str
    test_title: str
    file_path: str | None
    flakiness_score: float | None
    """Null for a test that was executed less than five times."""
    band: FlakinessBand | None
    total_runs: Count
    flaky_runs: Count
    last_flaky_at: Moment | None
    is_quarantined: bool
    quarantined_by: Literal["auto", "manual"] | None
    quarantine_reason: str | None
    quarantined_at: Moment | None
    quarantine_owner: str | None
    quarantine_until: Moment | None


class FlakinessSummary(Struct, rename="camel"):
    """A project's flaky tests together, whatever the filters."""

    total_flaky_tests: Count
    quarantined_tests: Count
    average_flakiness_score: float


class FlakinessPage(Page[TestFlakiness]):
    """A page of tests, the flakiest first."""

    summary: FlakinessSummary


class QuarantineChanged(Struct, rename="camel"):
    """A test's new state."""

    test_id: str
    is_quarantined: bool
    updated_at: Moment


_change = msgspec.json.Decoder(QuarantineChange)


async def index(call: Call) -> Response:
    project = PROJECT.read(call.request)
    call.caller.check(project)
    limit, offset = page(call.request)
    min_score, word = MIN_SCORE.read(call.request), QUARANTINED.read(call.request)
    quarantined = None if word is None else word == "true"

    def query(connection: Connection) -> FlakinessPage:
        number = find_project(connection, project)
        if number is None:
            return FlakinessPage([], 0, limit, offset, FlakinessSummary(0, 0, 0.0))
        wanted = queries.Wanted(min_score=min_score, quarantined=quarantined)
        rows, total = queries.list_flakiness(connection, number, wanted, limit=limit, offset=offset)
        all_tests = queries.summarize(connection, number)
        summary = FlakinessSummary(all_tests.flaky, all_tests.quarantined, all_tests.average)
        return FlakinessPage([_shape(row) for row in rows], total, limit, offset, summary)

    return answer(await call.read(query))


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)
    call.caller.check(wanted.project_id)

    def job(write: Write) -> Answer:
        project_id, case_id = visible_case(write.connection, call.caller, wanted.test_id)
        if project_id != find_project(write.connection, wanted.project_id):
            raise NotFound(f"There is no test {wanted.test_id!r} in project {wanted.project_id!r}")

        def work() -> Answer:
            if wanted.is_quarantined:
                until = to_come("until", wanted.until)
                quarantine(write, project_id, [case_id], Terms(wanted.reason, wanted.owner, until))
            else:
                release(write, project_id, [case_id])
            return Answer(200, body(QuarantineChanged(wanted.test_id, wanted.is_quarantined, iso(write.now))))

        return answer_once(write, project_id, once, work)

    return await call.write(job)


def _shape(row: Any) -> TestFlakiness:
    band = queries.band_of(row.score)
    return TestFlakiness(
        test_id=ids.encode("test", row.case_id),
        test_title=row.title,
        file_path=row.file_path,
        flakiness_score=None if band is None else round(row.score, 4),
        band=band,
        total_runs=row.runs,
        flaky_runs=row.flakes,
        last_flaky_at=moment(row.last_flaky_at),
        is_quarantined=bool(row.quarantined),
        quarantined_by=row.quarantined_by if row.quarantined else None,
        quarantine_reason=row.quarantined_why if row.quarantined else None,
        quarantined_at=moment(row.quarantined_at) if row.quarantined else None,
        quarantine_owner=row.quarantined_owner if row.quarantined else None,
        quarantine_until=moment(row.quarantined_until) if row.quarantined else None,
    )
