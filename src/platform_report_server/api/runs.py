"""/api/runs"""

from __future__ import annotations

import typing

import msgspec
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT, Text, Word, page
from platform_report_server.api._shapes import ChangedRun, Done, Page, Run
from platform_report_server.api.answers import answer, body
from platform_report_server.clock import iso
from platform_report_server.db.queries import runs as queries
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.ingest import runs as ingest
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewRun, RunChange, RunStatus

CAPABILITIES = (
    "bulk-tests=500, idempotency-key, attempts, attachments, metadata, artifact-digests, gzip, thumbnails, timeline, "
    "suites"
)

_new = msgspec.json.Decoder(NewRun)
_change = msgspec.json.Decoder(RunChange)

STATUS = Word("status", typing.get_args(RunStatus))
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
