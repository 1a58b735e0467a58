"""The tables. `project_id` leads every big key, so that a store can be split by project.

Times are milliseconds since the epoch, durations milliseconds. Statuses of results are small integers, places in
`RESULT_STATUSES`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from platform_report_server.model import TestStatus

metadata = MetaData()

RESULT_STATUSES: tuple[TestStatus, ...] = ("passed", "failed", "skipped", "flaky")
"""A result's status is stored as its place in this tuple: 0 stays the one good status, the partial index needs it."""

MESSAGE_KEPT = 500
"""Characters of an error message that stand in the row itself, for lists and searches."""

DEFAULT_TEAM = 1
"""The team that every store has: projects that are made on their first use come into it."""

team = Table(
    "team",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

user_account = Table(
    "user_account",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password", Text, nullable=False),  # its hash
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("team_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("joined_at", BigInteger, nullable=False),
    UniqueConstraint("team_id", "user_id", name="member_once"),
)
Index("member_by_user", member.c.user_id)

invitation = Table(
    "invitation",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("team_id", BigInteger, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("invitation_by_team", invitation.c.team_id)

session = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("user_id", BigInteger),  # none: it was begun by the link of a server for one person
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("session_by_user", session.c.user_id)

project = Table(
    "project",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("public_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("folded", BigInteger, nullable=False, server_default="0"),
    Column("team_id", BigInteger, nullable=False, server_default="1"),
    Column("retention_days", Integer, nullable=False, server_default="90"),
    Column("flakiness_threshold", Double, nullable=False, server_default="0.3"),
    Column("auto_quarantine", SmallInteger, nullable=False, server_default="0"),
    Column("badges_since", BigInteger),  # none: badges have no addresses
)
Index("project_by_team", project.c.team_id)

run = Table(
    "run",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("title", Text),
    Column("branch", Text),
    Column("commit_sha", Text),
    Column("commit_message", Text),
    Column("commit_author", Text),
    Column("ci_provider", Text),
    Column("ci_build_id", Text),
    Column("ci_build_url", Text),
    Column("playwright_version", Text),
    Column("workers", BigInteger),
    Column("shard_current", BigInteger),
    Column("shard_total", BigInteger),
    Column("browser", Text),
    Column("os", Text),
    Column("viewport", Text),
    Column("hostname", Text),
    Column("tags", Text, nullable=False),
    Column("grep_patterns", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    # counted while results arrive
    Column("passed", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("flaky", Integer, nullable=False, server_default="0"),
    Column("next_seq", Integer, nullable=False, server_default="0"),
    Column("folded_seq", Integer, nullable=False, server_default="0"),
    Column("bucket", Integer),
    # told by PATCH
    Column("told_total", BigInteger),
    Column("told_passed", BigInteger),
    Column("told_failed", BigInteger),
    Column("told_skipped", BigInteger),
    Column("told_flaky", BigInteger),
    Column("told_duration", Double),
    Column("metadata", Text, nullable=False, server_default="{}"),
    Column("counted_seq", Integer, nullable=False, server_default="0"),  # results below it are in `case_stat`
    Column("abandoned_at", BigInteger),
    sqlite_with_rowid=False,
)
Index("run_by_id", run.c.id)
Index("run_by_branch", run.c.project_id, run.c.branch, run.c.id)
Index("run_by_status", run.c.project_id, run.c.status, run.c.id)
Index(
    "run_unfolded",
    run.c.project_id,
    run.c.id,
    run.c.folded_seq,  # this and the next: only an index that holds all that is asked for is preferred to the rows
    run.c.next_seq,
    sqlite_where=text("folded_seq < next_seq"),
).ddl_if("sqlite")
_OPEN = text("finished_at IS NULL")
Index("run_open", run.c.project_id, run.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)

LANES = 1000
"""Lanes of a run; the last one is for whoever else ran tests of it."""

# Who ran tests of a run: workers, each of a shard, or of none.
lane = Table(
    "lane",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("worker", Text),
    Column("shard", Integer),
    sqlite_with_rowid=False,
)

suite = Table(
    "suite",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_id", BigInteger, nullable=False),  # 0: a suite at the top, so that the unique key needs no coalesce
    Column("title", Text, nullable=False),
    Column("file_path", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("project_id", "run_id", "parent_id", "file_path", "title", name="suite_place"),
    sqlite_with_rowid=False,
)

test_case = Table(
    "test_case",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", LargeBinary(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("full_title", Text, nullable=False),
    Column("file_path", Text),
    Column("first_run", BigInteger, nullable=False),
    UniqueConstraint("project_id", "key", name="test_case_key"),
    sqlite_with_rowid=False,
)
Index("test_case_by_id", test_case.c.id)

NO_SCORE = -1.0
"""The score of a test that was executed too few times: not NULL, whose place in an order differs by database."""

case_stat = Table(
    "case_stat",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("case_id", BigInteger, primary_key=True),
    # executions of all times, and the last 50 as rings of bits, the newest lowest
    Column("runs", Integer, nullable=False, server_default="0"),
    Column("fails", Integer, nullable=False, server_default="0"),
    Column("flakes", Integer, nullable=False, server_default="0"),
    Column("bits_fail", BigInteger, nullable=False, server_default="0"),
    Column("bits_flaky", BigInteger, nullable=False, server_default="0"),
    Column("last_run", BigInteger),
    Column("last_status", SmallInteger),
    Column("last_flaky_at", BigInteger),
    Column("score", Double, nullable=False, server_default=str(NO_SCORE)),
    Column("quarantined", SmallInteger, nullable=False, server_default="0"),
    Column("quarantined_by", Text),  # auto or manual, whoever changed it last
    Column("quarantined_why", Text),
    Column("quarantined_at", BigInteger),
    Column("quarantined_owner", Text),  # who looks after it, in words
    Column("quarantined_until", BigInteger),
    sqlite_with_rowid=False,
)
Index("case_stat_by_score", case_stat.c.project_id, case_stat.c.score.desc(), case_stat.c.case_id)
_IN_QUARANTINE = text("quarantined = 1")
Index(
    "case_stat_quarantined",
    case_stat.c.project_id,
    case_stat.c.quarantined,  # named, or SQLite prefers the rows themselves
    case_stat.c.case_id,
    sqlite_where=_IN_QUARANTINE,
    postgresql_where=_IN_QUARANTINE,
)
_ENDS = text("quarantined_until IS NOT NULL")
Index(
    "case_stat_until",
    case_stat.c.quarantined_until,
    case_stat.c.project_id,
    case_stat.c.case_id,
    sqlite_where=_ENDS,
    postgresql_where=_ENDS,
)

# The tests that fail on a branch now, with the first run of the unbroken series; one that ends well is taken out.
failing = Table(
    "failing",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("branch", Text, primary_key=True),  # empty: runs without one
    Column("case_id", BigInteger, primary_key=True),
    Column("since_run", BigInteger, nullable=False),
    Column("last_run", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("failing_by_run", failing.c.project_id, failing.c.last_run)

# What failed in a run that has ended, by the signature of the message; written once more where results come late.
failure_group = Table(
    "failure_group",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("signature", LargeBinary(16), primary_key=True),
    Column("tests", Integer, nullable=False),
    Column("new", Integer, nullable=False),  # of them: did not fail on the branch before
    Column("flaky", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("since_run", BigInteger, nullable=False),  # since when the first of them fails
    Column("seq", Integer, nullable=False),  # the first result
    Column("message", String(MESSAGE_KEPT)),  # its own
    sqlite_with_rowid=False,
)

result = Table(
    "result",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("flaky", SmallInteger, nullable=False),
    Column("attempt", Integer),
    Column("retries", Integer),
    Column("duration", Double, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("title", Text),  # only where it differs from the case's
    Column("message", String(MESSAGE_KEPT)),
    Column("lane", SmallInteger),  # none: it was not told who ran it
    Column("started", Integer),  # milliseconds after the run's id was made, or before; none: it was not told
    Column("lasted", Integer),  # milliseconds of all attempts together, only where there are several
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (run_id)",
)
_BAD = text("status <> 0")
Index(
    "result_bad",
    result.c.project_id,
    result.c.run_id,
    result.c.status,
    result.c.seq,
    sqlite_where=_BAD,
    postgresql_where=_BAD,
)

_TITLED = text("title IS NOT NULL")
Index(
    "result_titled",
    result.c.project_id,
    result.c.run_id,
    result.c.seq,
    sqlite_where=_TITLED,
    postgresql_where=_TITLED,
)
Index("result_history", result.c.project_id, result.c.case_id, result.c.run_id, result.c.seq).ddl_if("postgresql")

# Filled in case order when a run ends, because an index kept in order of arrival costs SQLite eighteen times the writes
# when tests run shuffled. PostgreSQL has an index per partition instead, and nothing here.
history = Table(
    "history",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

detail = Table(
    "detail",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("lo", Integer, primary_key=True, autoincrement=False),
    Column("hi", Integer, nullable=False),
    Column("codec", SmallInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (run_id)",
)

artifact = Table(
    "artifact",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("run_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", Integer),
    Column("type", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mime", Text, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("artifact_of_result", artifact.c.project_id, artifact.c.run_id, artifact.c.seq)
Index("artifact_content", artifact.c.sha256)

stale_content = Table(
    "stale_content",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("taken_at", BigInteger),  # somebody is deleting it since then
)

incoming_content = Table(
    "incoming_content",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("since", BigInteger, nullable=False),
)
Index("incoming_content_by_sha256", incoming_content.c.sha256)

# Made when somebody first asks; without data where the content cannot be read as an image.
thumbnail = Table(
    "thumbnail",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("data", LargeBinary),
)

# When the files whose digests begin with this byte were last held against the artifacts that refer to them.
file_check = Table(
    "file_check",
    metadata,
    Column("shelf", SmallInteger, primary_key=True, autoincrement=False),
    Column("checked_at", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
)

# One row, on PostgreSQL: what tells servers of one store that their signing keys are the same.
signing_key = Table(
    "signing_key",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
)

# The links that let one browser in: whoever of several processes writes the row gives the session.
used_link = Table(
    "used_link",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("used_at", BigInteger, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("endpoint", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary(32), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
Index("idempotency_expiry", idempotency.c.expires_at)

api_key = Table(
    "api_key",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("last4", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("is_active", SmallInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("made_by", BigInteger),  # a user's id
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
Index("api_key_by_project", api_key.c.project_id)

webhook = Table(
    "webhook",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("project_id", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("headers", LargeBinary, nullable=False),  # this and the next are sealed
    Column("secret", LargeBinary),
    Column("is_active", SmallInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("format", Text),  # none: what the address asks for
)
Index("webhook_by_project", webhook.c.project_id)

# The outbox and the log in one: a row is written with what it tells of, and says later what became of it.
delivery = Table(
    "delivery",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("webhook_id", BigInteger, nullable=False),
    Column("run_id", BigInteger),
    Column("event", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("next_at", BigInteger, nullable=False),  # of one that is being sent: when its sender counts as lost
    Column("first_at", BigInteger),
    Column("last_at", BigInteger),
    Column("answer_status", Integer),
    Column("answer", Text),  # its beginning
    Column("error", Text),
    sqlite_with_rowid=False,
)
Index("delivery_of_webhook", delivery.c.project_id, delivery.c.webhook_id, delivery.c.id)
Index("delivery_age", delivery.c.created_at)
_WAITS = text("status = 'pending'")
Index("delivery_due", delivery.c.next_at, sqlite_where=_WAITS, postgresql_where=_WAITS)
