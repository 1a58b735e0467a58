"""/api/runs"""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT, Text, Word, page
from platform_report_server.api._shapes import Done, Moment, Page, number
from platform_report_server.api.answers import answer, body
from platform_report_server.clock import iso
from platform_report_server.db.queries import runs as queries
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.ingest import runs as ingest
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Count, Metadata, Milliseconds, NewRun, RunChange, RunStatus


class Run(Struct, rename="camel"):
    """All of a run."""

    id: str
    project_id: str
    status: RunStatus
    branch: str | None
    commit_sha: str | None
    commit_message: str | None
    commit_author: str | None
    ci_provider: str | None
    ci_build_id: str | None
    ci_build_url: str | None
    playwright_version: str | None
    workers: Count | None
    shard_current: Count | None
    shard_total: Count | None
    browser: str | None
    os: str | None
    viewport: str | None
    hostname: str | None
    total_tests: Count
    passed_tests: Count
    failed_tests: Count
    skipped_tests: Count
    flaky_tests: Count
    pass_rate: Annotated[float, Meta(description="Percent of the tests that were not skipped")]
    duration: Milliseconds
    run_title: str | None
    tags: list[str]
    grep_patterns: list[str]
    metadata: Metadata
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: RunRow) -> Run:
        """Return the shape of a row."""
        totals = totals_of(row)
        return cls(
            id=ids.encode("run", row.id),
            project_id=row.project,
            status=row.status,
            branch=row.branch,
            commit_sha=row.commit_sha,
            commit_message=row.commit_message,
            commit_author=row.commit_author,
            ci_provider=row.ci_provider,
            ci_build_id=row.ci_build_id,
            ci_build_url=row.ci_build_url,
            playwright_version=row.playwright_version,
            workers=row.workers,
            shard_current=row.shard_current,
            shard_total=row.shard_total,
            browser=row.browser,
            os=row.os,
            viewport=row.viewport,
            hostname=row.hostname,
            total_tests=totals.total,
            passed_tests=totals.passed,
            failed_tests=totals.failed,
            skipped_tests=totals.skipped,
            flaky_tests=totals.flaky,
            pass_rate=totals.pass_rate,
            duration=number(totals.duration),
            run_title=row.title,
            tags=msgspec.json.decode(row.tags),
            grep_patterns=msgspec.json.decode(row.grep_patterns),
            metadata=msgspec.json.decode(row.metadata),
            created_at=iso(row.created_at),
            updated_at=iso(row.updated_at),
        )


class ChangedRun(Struct, rename="camel", omit_defaults=True):
    """What a change of a run said."""

    id: str
    updated_at: Moment
    status: RunStatus | None = None
    total_tests: Count | None = None
    passed_tests: Count | None = None
    failed_tests: Count | None = None
    skipped_tests: Count | None = None
    flaky_tests: Count | None = None
    duration: Milliseconds | None = None
    metadata: Metadata | None = None


CAPABILITIES = (
    "bulk-tests=500, idempotency-key, attempts, attachments, metadata, artifact-digests, gzip, thumbnails, timeline, "
    "suites"
)

_new = msgspec.json.Decoder(NewRun)
_change = msgspec.json.Decoder(RunChange)

STATUS = Word("status", get_args(RunStatus))
BRANCH = Text("branch")


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    call.caller.check(new.project_id)

    def job(write: Write) -> Answer:
        project_id = call.project(write, new.project_id)
        return answer_once(
            write, project_id, once, lambda: Answer(201, body(Run.of(ingest.add_run(write, project_id, new))))
        )

    return _announce(await call.write(job))


def _announce(response: Response) -> Response:
    response.headers["Platform-Capabilities"] = CAPABILITIES
    return response


async def index(call: Call) -> Response:
    project = PROJECT.read(call.request)
    call.caller.check(project)
    limit, offset = page(call.request)
    status, branch = STATUS.read(call.request), BRANCH.read(call.request)
    rows, total = await call.read(
        lambda connection: queries.list_runs(
            connection, [project], status=status, branch=branch, limit=limit, offset=offset
        )
    )
    return answer(Page([Run.of(row) for row in rows], total, limit, offset))


async def show(call: Call) -> Response:
    run_id = call.said("run_id")
    return _announce(answer(Run.of(await call.glance(lambda connection: call.visible_run(connection, run_id)))))


async def change(call: Call) -> Response:
    wanted, once = await call.body(_change)
    run_id = call.said("run_id")

    def job(write: Write) -> Answer:
        run = call.visible_run(write.connection, run_id)
        return answer_once(write, run.project_id, once, lambda: Answer(200, body(_changed(write, run, wanted))))

    return await call.write(job)


async def delete(call: Call) -> Response:
    run_id = call.said("run_id")

    def work(write: Write) -> None:
        ingest.delete_run(write, call.visible_run(write.connection, run_id))

    await call.services.writer.do(work)
    await call.services.sweeping.run()
    return answer(Done("Run deleted successfully"))


def _changed(write: Write, run: RunRow, wanted: RunChange) -> ChangedRun:
    after = ingest.change_run(write, run, wanted)
    said = msgspec.structs.asdict(wanted)
    if wanted.status is not None:
        said["status"] = after.status  # a run that was closed for its silence is not begun again
    return ChangedRun(ids.encode("run", run.id), iso(after.updated_at), **said)
