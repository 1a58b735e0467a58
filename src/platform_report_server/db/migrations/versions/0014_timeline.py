"""When results began, and which worker of which shard ran them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("result", sa.Column("lane", sa.SmallInteger(), nullable=True))
    op.add_column("result", sa.Column("started", sa.Integer(), nullable=True))
    op.add_column("result", sa.Column("lasted", sa.Integer(), nullable=True))
    op.create_table(
        "lane",
        sa.Column("project_id", sa.BigInteger(), primary_key=True),
        sa.Column("run_id", sa.BigInteger(), primary_key=True),
        sa.Column("number", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("shard", sa.Integer(), nullable=True),
        sqlite_with_rowid=False,
    )
