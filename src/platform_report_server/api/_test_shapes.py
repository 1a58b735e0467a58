"""The shapes of answers about the results of tests."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from platform_report_server import ids
from platform_report_server.api._shapes import Moment, number
from platform_report_server.clock import iso
from platform_report_server.db.details import Detail
from platform_report_server.db.queries.history import Execution as ExecutionRow
from platform_report_server.db.queries.lanes import Lane, started_at
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.model import Annotation, Count, Milliseconds, TestError, TestStatus

_LISTED = 16 * 1024


class StoredTest(Struct, rename="camel"):
    """A result that was stored."""

    id: str
    run_id: str
    project_id: str
    title: str
    full_title: str
    status: TestStatus
    duration: Milliseconds
    is_flaky: bool
    created_at: Moment


_EITHER = {"anyOf": [{"$ref": "#/components/schemas/StoredTest"}, {"$ref": "#/components/schemas/ErrorAnswer"}]}


class StoredTests(Struct):
    """One entry for each test, in their order: what was stored, or why it was not."""

    data: list[Annotated[Any, Meta(extra_json_schema=_EITHER)]]


class ListedTest(Struct, rename="camel"):
    """What a list says of a result."""

    id: str
    run_id: str
    project_id: str
    title: str
    full_title: str
    file_path: str | None
    status: TestStatus
    duration: Milliseconds
    is_flaky: bool
    is_quarantined: bool
    error: TestError | None
    created_at: Moment

    @classmethod
    def of(cls, row: TestRow, error: TestError | None) -> ListedTest:
        """Return the shape of a row and its error."""
        return cls(
            id=ids.test_id(row.run_id, row.seq),
            run_id=ids.encode("run", row.run_id),
            project_id=row.project,
            title=row.title,
            full_title=row.full_title,
            file_path=row.file_path,
            status=RESULT_STATUSES[row.status],
            duration=number(row.duration),
            is_flaky=bool(row.flaky),
            is_quarantined=bool(row.quarantined),
            error=error,
            created_at=iso(row.created_at),
        )


class ShownAttempt(Struct, rename="camel", omit_defaults=True):
    """An attempt without its steps."""

    attempt: Count
    status: str | None = None
    started_at: str | None = None
    duration: Milliseconds | None = None
    error: TestError | None = None
    stdout: str | None = None
    stderr: str | None = None
    annotations: list[Annotation] = []


class Test(ListedTest, rename="camel"):
    """All of a result but the steps."""

    line_number: Count | None
    retries: Count | None
    attempt: Count | None
    tags: list[str]
    annotations: list[Annotation]
    stdout: str | None
    stderr: str | None
    attempts: list[ShownAttempt] | UnsetType = UNSET
    started_at: Moment | UnsetType = UNSET
    worker: str | UnsetType = UNSET
    shard: Count | UnsetType = UNSET

    @classmethod
    def of_all(cls, row: TestRow, detail: Detail, lane: Lane | None) -> Test:
        """Return the shape of a row, its detail and who ran it."""
        attempts, began = detail.attempts, started_at(row)
        return cls(
            **msgspec.structs.asdict(ListedTest.of(row, detail.error)),
            line_number=detail.line,
            retries=row.retries,
            attempt=row.attempt,
            tags=detail.tags,
            annotations=detail.annotations,
            stdout=detail.stdout,
            stderr=detail.stderr,
            attempts=UNSET if attempts is None else msgspec.convert(attempts, list[ShownAttempt], from_attributes=True),
            started_at=UNSET if began is None else iso(began),
            worker=UNSET if lane is None or lane.worker is None else lane.worker,
            shard=UNSET if lane is None or lane.shard is None else lane.shard,
        )


class Execution(Struct, rename="camel"):
    """One line of a test's history."""

    run_id: str
    status: TestStatus
    duration: Milliseconds
    branch: str | None
    created_at: Moment

    @classmethod
    def of(cls, row: ExecutionRow) -> Execution:
        """Return the shape of a row."""
        return cls(
            run_id=ids.encode("run", row.run_id),
            status=RESULT_STATUSES[row.status],
            duration=number(row.duration),
            branch=row.branch,
            created_at=iso(row.created_at),
        )


def brief(error: TestError | None) -> TestError | None:
    """Return an error as lists tell it: two hundred of them have to fit into memory."""
    if error is None:
        return None
    return TestError(*(text and _cut(text) for text in msgspec.structs.astuple(error)))


def _cut(text: str) -> str:
    if len(text) <= _LISTED:
        return text
    return f"{text[:_LISTED]}\n[... {len(text) - _LISTED:,} characters cut ...]"
