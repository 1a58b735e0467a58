"""Contents that are on their way into a store or out of it, and what tells one signing key from another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stale_content", sa.Column("taken_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "incoming_content",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("incoming_content_by_sha256", "incoming_content", ["sha256"])
    op.create_table(
        "signing_key",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
