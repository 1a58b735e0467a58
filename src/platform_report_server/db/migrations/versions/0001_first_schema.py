"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "artifact",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "run_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("artifact_content", "artifact", ["sha256"], unique=False)
    op.create_index("artifact_of_result", "artifact", ["project_id", "run_id", "seq"], unique=False)
    op.create_table(
        "detail",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("lo", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hi", sa.Integer(), nullable=False),
        sa.Column("codec", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "run_id", "lo"),
        postgresql_partition_by="RANGE (run_id)",
    )
    op.create_table(
        "history",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "bucket", "case_id", "run_id", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "endpoint", "key"),
    )
    op.create_index("idempotency_expiry", "idempotency", ["expires_at"], unique=False)
    op.create_table(
        "project",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_id"),
    )
    op.create_table(
        "result",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("flaky", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "run_id", "seq"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (run_id)",
    )
    op.create_index(
        "result_bad",
        "result",
        ["project_id", "run_id", "status", "seq"],
        unique=False,
        sqlite_where=sa.text("status <> 0"),
        postgresql_where=sa.text("status <> 0"),
    )
    op.create_table(
        "run",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("branch", sa.Text(), nullable=True),
        sa.Column("commit_sha", sa.Text(), nullable=True),
        sa.Column("commit_message", sa.Text(), nullable=True),
        sa.Column("commit_author", sa.Text(), nullable=True),
        sa.Column("ci_provider", sa.Text(), nullable=True),
        sa.Column("ci_build_id", sa.Text(), nullable=True),
        sa.Column("ci_build_url", sa.Text(), nullable=True),
        sa.Column("playwright_version", sa.Text(), nullable=True),
        sa.Column("workers", sa.BigInteger(), nullable=True),
        sa.Column("shard_current", sa.BigInteger(), nullable=True),
        sa.Column("shard_total", sa.BigInteger(), nullable=True),
        sa.Column("browser", sa.Text(), nullable=True),
        sa.Column("os", sa.Text(), nullable=True),
        sa.Column("viewport", sa.Text(), nullable=True),
        sa.Column("hostname", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("grep_patterns", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("passed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flaky", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("folded_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=True),
        sa.Column("told_total", sa.BigInteger(), nullable=True),
        sa.Column("told_passed", sa.BigInteger(), nullable=True),
        sa.Column("told_failed", sa.BigInteger(), nullable=True),
        sa.Column("told_skipped", sa.BigInteger(), nullable=True),
        sa.Column("told_flaky", sa.BigInteger(), nullable=True),
        sa.Column("told_duration", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("run_by_branch", "run", ["project_id", "branch", "id"], unique=False)
    op.create_index("run_by_id", "run", ["id"], unique=False)
    op.create_index("run_by_status", "run", ["project_id", "status", "id"], unique=False)
    if is_sqlite:
        op.create_index(
            "run_unfolded",
            "run",
            ["project_id", "id", "folded_seq", "next_seq"],
            unique=False,
            sqlite_where=sa.text("folded_seq < next_seq"),
        )
    op.create_table(
        "stale_content",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "suite",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "run_id", "id"),
        sa.UniqueConstraint("project_id", "run_id", "parent_id", "file_path", "title", name="suite_place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "test_case",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("full_title", sa.Text(), nullable=False),
        sa.Column("file_path", sa.Text(), nullable=True),
        sa.Column("first_run", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id"),
        sa.UniqueConstraint("project_id", "key", name="test_case_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("test_case_by_id", "test_case", ["id"], unique=False)
    if not is_sqlite:
        op.execute(
            "ALTER TABLE run SET (fillfactor = 70)"
        )  # its counters change with each batch: room in the same page
        op.create_index("result_history", "result", ["project_id", "case_id", "run_id", "seq"], unique=False)
        op.execute("CREATE TABLE result_default PARTITION OF result DEFAULT")
        op.execute("ALTER TABLE detail ALTER COLUMN data SET STORAGE EXTERNAL")  # it is compressed as it is
        op.execute("CREATE TABLE detail_default PARTITION OF detail DEFAULT")
