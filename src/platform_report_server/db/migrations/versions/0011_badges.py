"""Addresses of badges, made and taken back project by project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("project", sa.Column("badges_since", sa.BigInteger(), nullable=True))
