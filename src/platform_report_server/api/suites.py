"""/api/test-suites"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server import ids
from platform_report_server.api._call import Call
from platform_report_server.api._query import PROJECT, RUN
from platform_report_server.api._shapes import Data, Moment
from platform_report_server.api.answers import answer, body
from platform_report_server.clock import iso
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.suites import Branch, suite_tree
from platform_report_server.ingest.once import Answer, answer_once
from platform_report_server.ingest.suites import put_suite
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewSuite


class Suite(Struct, rename="camel"):
    """A suite with those below it."""

    id: str
    title: str
    file_path: str | None
    parent_suite_id: str | None
    children: list[Suite]

    @classmethod
    def of(cls, branch: Branch) -> Suite:
        """Return the shape of a branch."""
        return cls(**_fields(branch.suite), children=[cls.of(child) for child in branch.children])


class StoredSuite(Struct, rename="camel"):
    """A suite that was stored or updated."""

    id: str
    run_id: str
    project_id: str
    title: str
    file_path: str | None
    parent_suite_id: str | None
    created_at: Moment


_new = msgspec.json.Decoder(NewSuite)


async def create(call: Call) -> Response:
    new, once = await call.body(_new)
    call.caller.check(new.project_id)

    def job(write: Write) -> Answer:
        run = call.visible_run(write.connection, new.run_id, new.project_id)
        return answer_once(write, run.project_id, once, lambda: _put(write, run, new))

    return await call.write(job)


async def index(call: Call) -> Response:
    run_id, project = RUN.read(call.request), PROJECT.read(call.request)
    call.caller.check(project)

    def query(connection: Connection) -> list[Suite]:
        run = call.visible_run(connection, run_id, project)
        return [Suite.of(branch) for branch in suite_tree(connection, run.project_id, run.id)]

    return answer(Data(await call.read(query)))


def _put(write: Write, run: RunRow, new: NewSuite) -> Answer:
    suite, made = put_suite(write, run.project_id, run.id, new)
    stored = StoredSuite(
        run_id=new.run_id, project_id=new.project_id, created_at=iso(suite.created_at), **_fields(suite)
    )
    return Answer(201 if made else 200, body(stored))


def _fields(row: Any) -> dict[str, Any]:
    return {
        "id": ids.encode("suite", row.id),
        "title": row.title,
        "file_path": row.file_path or None,
        "parent_suite_id": ids.encode("suite", row.parent_id) if row.parent_id else None,
    }
