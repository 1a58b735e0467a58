"""Alembic's entry: runs the revisions on the connection that the store handed over, in its transaction."""

from __future__ import annotations

from alembic import context

from platform_report_server.db.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
