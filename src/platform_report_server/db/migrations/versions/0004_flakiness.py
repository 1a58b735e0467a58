"""Flakiness of tests, settings of projects, runs that nobody ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("project", sa.Column("retention_days", sa.Integer(), server_default="90", nullable=False))
    op.add_column("project", sa.Column("flakiness_threshold", sa.Double(), server_default="0.3", nullable=False))
    op.add_column("project", sa.Column("auto_quarantine", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("run", sa.Column("counted_seq", sa.Integer(), server_default="0", nullable=False))
    op.add_column("run", sa.Column("abandoned_at", sa.BigInteger(), nullable=True))
    # what ended before there were scores is no part of them: counted with a late result, it would look like the newest
    op.execute("UPDATE run SET counted_seq = next_seq WHERE finished_at IS NOT NULL")
    is_open = sa.text("finished_at IS NULL")
    op.create_index("run_open", "run", ["project_id", "id"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "case_stat",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fails", sa.Integer(), server_default="0", nullable=False),
        sa.Column("flakes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("bits_fail", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("bits_flaky", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_run", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.SmallInteger(), nullable=True),
        sa.Column("last_flaky_at", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.Double(), server_default="-1.0", nullable=False),
        sa.Column("quarantined", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("quarantined_by", sa.Text(), nullable=True),
        sa.Column("quarantined_why", sa.Text(), nullable=True),
        sa.Column("quarantined_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "case_id"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":  # every execution changes a row, its score seldom: room in its page
        op.execute("ALTER TABLE case_stat SET (fillfactor = 60)")
    op.create_index("case_stat_by_score", "case_stat", ["project_id", sa.text("score DESC"), "case_id"])
