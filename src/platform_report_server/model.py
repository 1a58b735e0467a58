"""The shapes of the API's requests, checked while they are decoded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

BULK = 500
"""Tests that fit in one request."""

ProjectId = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Meta(min_length=1)]
ShortName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Milliseconds = Annotated[int, Meta(ge=0, le=2**53)] | Annotated[float, Meta(ge=0, le=2**53)]
Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=100)], Annotated[str, Meta(max_length=4096)]], Meta(max_length=50)
]
RunStatus = Literal["running", "passed", "failed", "cancelled"]
TestStatus = Literal["passed", "failed", "skipped", "flaky"]
StepCategory = Literal["action", "assertion", "hook", "fixture"]
Role = Literal["viewer", "member", "admin", "owner"]
"""From the weakest to the strongest."""
Event = Literal["run.completed", "run.failed"]
Format = Literal["json", "slack"]
DeliveryStatus = Literal["pending", "delivered", "failed", "cancelled"]
LimitGroup = Literal[
    "runs read",
    "runs write",
    "tests read",
    "tests write",
    "uploads",
    "projects and teams",
    "keys and webhooks",
    "flakiness",
    "downloads",
    "forms",
    "everything else",
    "unknown callers",
]
"""Calls are counted, and limited, group by group."""
FlakinessBand = Literal["stable", "low", "moderate", "high"]
ArtifactType = Literal["screenshot", "video", "trace", "report", "attachment"]


class NewRun(Struct, rename="camel"):
    project_id: ProjectId
    status: Literal["running", "passed", "failed"]
    branch: str | None = None
    commit_sha: str | None = None
    commit_message: str | None = None
    commit_author: str | None = None
    ci_provider: str | None = None
    ci_build_id: str | None = None
    ci_build_url: str | None = None
    playwright_version: str | None = None
    workers: Count | None = None
    shard_current: Count | None = None
    shard_total: Count | None = None
    browser: str | None = None
    os: str | None = None
    viewport: str | None = None
    hostname: str | None = None
    run_title: str | None = None
    tags: list[str] | None = None
    grep_patterns: list[str] | None = None
    metadata: Metadata | None = None
    """Beyond the contract: free names with values."""


class RunChange(Struct, rename="camel"):
    status: RunStatus | None = None
    total_tests: Count | None = None
    passed_tests: Count | None = None
    failed_tests: Count | None = None
    skipped_tests: Count | None = None
    flaky_tests: Count | None = None
    duration: Milliseconds | None = None
    metadata: Metadata | None = None
    """Beyond the contract: in place of all that the run has."""


class Annotation(Struct, gc=False):
    type: str
    description: str | None = None


class TestError(Struct, gc=False, omit_defaults=True):
    __test__ = False
    message: str
    stack: str | None = None
    expected: str | None = None
    actual: str | None = None


class StepError(Struct, gc=False, omit_defaults=True):
    message: str
    stack: str | None = None


class Step(Struct, gc=False):
    title: str
    category: StepCategory | None = None
    status: str | None = None
    duration: Milliseconds | None = None
    error: StepError | None = None
    depth: Annotated[int, Meta(ge=0, le=1000)] | UnsetType | None = UNSET
    """Beyond the contract: the nesting level, from 0."""
    start: Milliseconds | UnsetType | None = UNSET
    """Beyond the contract: milliseconds since the attempt began."""


class Attempt(Struct, rename="camel", omit_defaults=True):
    attempt: Count
    status: str | None = None
    started_at: str | None = None
    duration: Milliseconds | None = None
    error: TestError | None = None
    steps: list[Step] = []
    stdout: str | None = None
    stderr: str | None = None
    annotations: list[Annotation] = []


class NewTest(Struct, rename="camel"):
    run_id: str
    project_id: ProjectId
    title: Name
    full_title: Name
    status: TestStatus
    duration: Milliseconds
    file_path: str | None = None
    line_number: Count | None = None
    retries: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    attempt: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    is_flaky: bool | None = None
    tags: list[str] | None = None
    annotations: list[Annotation] | None = None
    error: TestError | None = None
    steps: list[Step] | None = None
    stdout: str | None = None
    stderr: str | None = None
    attempts: list[Attempt] | None = None
    started_at: Annotated[datetime, Meta(tz=True)] | None = None
    """Beyond the contract, as what follows: when its first attempt began."""
    worker: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """Which of several processes ran it."""
    shard: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    """Which shard of the run that was."""
    suites: Annotated[list[Name], Meta(max_length=100)] | None = None
    """The titles of the suites that it is in, the outermost first; those that are not there are made."""


class NewTests(Struct):
    tests: Annotated[
        list[Annotated[Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/NewTest"})]],
        Meta(extra_json_schema={"maxItems": BULK}),
    ]
    """Each is read by itself, so that a wrong one does not stop the others."""


class NewSuite(Struct, rename="camel"):
    run_id: str
    project_id: ProjectId
    title: Name
    file_path: str | None = None
    parent_suite_id: str | None = None


class Upload(Struct, rename="camel", omit_defaults=True):
    """A form, in any order; the file may be left out where the run has its content."""

    type: ArtifactType
    run_id: str
    project_id: ProjectId
    file: Annotated[str, Meta(extra_json_schema={"format": "binary"})] | None = None
    test_id: str | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    """The file's SHA-256; alone, it stands for a content that the run has."""
    file_name: str | None = None
    """The name of a file that is not sent along."""


class NewProject(Struct, rename="camel"):
    name: ShortName
    team_id: str


class ProjectChange(Struct):
    name: ShortName | None = None


class NewTeam(Struct):
    name: ShortName


class NewInvitation(Struct, rename="camel"):
    team_id: str
    email: Annotated[str, Meta(max_length=254)]
    role: Literal["admin", "member", "viewer"]


class MemberChange(Struct):
    role: Role


class NewKey(Struct, rename="camel"):
    project_id: ProjectId
    name: ShortName
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    role: Role = "member"
    """Beyond the contract: what the key may do in its project, never more than who makes it."""


class KeyChange(Struct, rename="camel"):
    is_active: bool


WebhookUrl = Annotated[str, Meta(max_length=2000, pattern=r"^https?://[^\x00-\x20\x7f@\\]+$")]
Events = Annotated[list[Event], Meta(min_length=1, max_length=2)]
HeaderName = Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, Meta(max_length=1000, pattern=r"^[\x20-\x7e]*$")]
Headers = Annotated[dict[HeaderName, HeaderValue], Meta(max_length=20)]
Secret = Annotated[str, Meta(min_length=1, max_length=200)]


class NewWebhook(Struct, rename="camel"):
    project_id: ProjectId
    url: WebhookUrl
    events: Events
    headers: Headers | None = None
    secret: Secret | None = None
    is_active: bool = True
    format: Format | None = None
    """Beyond the contract: how a body is written; else as its address asks for."""


class WebhookChange(Struct, rename="camel"):
    url: WebhookUrl | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    headers: Headers | UnsetType | None = UNSET
    secret: Secret | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
    format: Format | UnsetType | None = UNSET


class QuarantineChange(Struct, rename="camel"):
    test_id: str
    project_id: ProjectId
    is_quarantined: bool
    reason: Annotated[str, Meta(max_length=500)] | None = None
    """Beyond the contract, as what follows: why, in words."""
    owner: Annotated[str, Meta(max_length=200)] | None = None
    """Who looks after the test: a name, a mail address."""
    until: Annotated[datetime, Meta(tz=True)] | None = None
    """When the quarantine ends by itself."""


class SettingsChange(Struct, rename="camel"):
    data_retention_days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    flakiness_threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    auto_quarantine_enabled: bool | None = None
