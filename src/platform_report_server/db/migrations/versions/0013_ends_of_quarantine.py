"""Who looks after a test in quarantine, and until when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_stat", sa.Column("quarantined_owner", sa.Text(), nullable=True))
    op.add_column("case_stat", sa.Column("quarantined_until", sa.BigInteger(), nullable=True))
    ends = sa.text("quarantined_until IS NOT NULL")
    op.create_index(
        "case_stat_until",
        "case_stat",
        ["quarantined_until", "project_id", "case_id"],
        sqlite_where=ends,
        postgresql_where=ends,
    )
