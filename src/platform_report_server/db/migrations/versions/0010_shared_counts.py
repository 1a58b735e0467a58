"""What servers count together, on PostgreSQL, and which links were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "used_link",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    if op.get_bind().dialect.name != "postgresql":  # elsewhere they have a file of their own
        return
    op.create_table(
        "request_count",
        sa.Column("name", sa.LargeBinary(32), nullable=False),
        sa.Column("free_at", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "login_failure",
        sa.Column("name", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        prefixes=["UNLOGGED"],
    )
