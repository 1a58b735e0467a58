"""Results with a title of their own, and tests in quarantine, are found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_titled = sa.text("title IS NOT NULL")
    op.create_index(
        "result_titled",
        "result",
        ["project_id", "run_id", "seq"],
        sqlite_where=is_titled,
        postgresql_where=is_titled,
    )
    is_quarantined = sa.text("quarantined = 1")
    op.create_index(
        "case_stat_quarantined",
        "case_stat",
        ["project_id", "quarantined", "case_id"],
        sqlite_where=is_quarantined,
        postgresql_where=is_quarantined,
    )
