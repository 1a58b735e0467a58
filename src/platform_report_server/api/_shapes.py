"""The shapes of the API's answers, and how rows become them."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from platform_report_server import ids
from platform_report_server.clock import iso
from platform_report_server.db.details import Detail
from platform_report_server.db.queries.history import Execution as ExecutionRow
from platform_report_server.db.queries.lanes import Lane, started_at
from platform_report_server.db.queries.runs import RunRow, totals_of
from platform_report_server.db.queries.suites import Branch
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.errors import ErrorCode
from platform_report_server.model import (
    Annotation,
    ArtifactType,
    Count,
    Metadata,
    Milliseconds,
    RunStatus,
    TestError,
    TestStatus,
)

T = TypeVar("T")

_LISTED = 16 * 1024

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ErrorDetails(Struct):
    """Which field is wrong, and why."""

    field: str
    reason: str | None


class ErrorContent(Struct):
    """What an error answer tells."""

    code: ErrorCode
    message: str
    details: ErrorDetails | None


class ErrorAnswer(Struct):
    """Every error has this shape."""

    error: ErrorContent


class Data(Struct, Generic[T]):
    """A list that is told whole."""

    data: list[T]


class Counted(Data[T], Generic[T]):
    """The newest of a list, and how many there are."""

    total: Count


class Page(Counted[T], Generic[T]):
    """A part of a list: at most `limit` entries, after the first `offset`."""

    limit: Count
    offset: Count


class Done(Struct):
    """It was done."""

    message: str
    success: bool = True


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
        return cls(**suite_fields(branch.suite), children=[cls.of(child) for child in branch.children])


class StoredSuite(Struct, rename="camel"):
    """A suite that was stored or updated."""

    id: str
    run_id: str
    project_id: str
    title: str
    file_path: str | None
    parent_suite_id: str | None
    created_at: Moment


class Artifact(Struct, rename="camel"):
    """A stored file."""

    id: str
    type: ArtifactType
    file_name: str
    file_size: Count
    mime_type: str
    url: Annotated[str, Meta(description="Signed: whoever has it may download the file until `expiresAt`")]
    expires_at: Moment
    created_at: Moment
    test_id: str | None
    thumbnail_url: Annotated[
        str | None, Meta(description="Of an image: a signed link, too; not found where the image cannot be read")
    ]


def brief(error: TestError | None) -> TestError | None:
    """Return an error as lists tell it: two hundred of them have to fit into memory."""
    if error is None:
        return None
    return TestError(*(text and _cut(text) for text in msgspec.structs.astuple(error)))


def _cut(text: str) -> str:
    if len(text) <= _LISTED:
        return text
    return f"{text[:_LISTED]}\n[... {len(text) - _LISTED:,} characters cut ...]"


def suite_fields(row: Any) -> dict[str, Any]:
    """Return what every shape of a suite has."""
    return {
        "id": ids.encode("suite", row.id),
        "title": row.title,
        "file_path": row.file_path or None,
        "parent_suite_id": ids.encode("suite", row.parent_id) if row.parent_id else None,
    }


def number(value: float) -> int | float:
    """Return a whole number as one."""
    return int(value) if value == int(value) else value
