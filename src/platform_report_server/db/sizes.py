"""The state of a store, for those who watch over it."""

from __future__ import annotations

from sqlalchemy import Connection, func, literal_column, select

from platform_report_server.db import _migrate
from platform_report_server.db.schema import artifact, delivery, file_check, run, stale_content
from platform_report_server.errors import StoreError

_SQLITE_SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
_POSTGRES_SIZE = "SELECT pg_database_size(current_database())"


def check_schema(connection: Connection) -> None:
    """Raise StoreError unless the store has this version's schema, or one that only has more."""
    found = _migrate.revision(connection)
    if not _migrate.suffices(found):
        raise StoreError(f"the store has schema revision {found!r}, and this server needs {_migrate.HEAD!r}")


def measure(connection: Connection) -> dict[str, tuple[str, float]]:
    """Return sizes by name, with what they mean. Every run and artifact is looked at."""
    is_sqlite = connection.dialect.name == "sqlite"
    size = connection.exec_driver_sql(_SQLITE_SIZE if is_sqlite else _POSTGRES_SIZE).scalar_one()
    artifacts = connection.execute(select(func.count(), func.coalesce(func.sum(artifact.c.size), 0))).one()
    runs = connection.execute(select(func.count(), func.coalesce(func.sum(run.c.next_seq), 0)).select_from(run)).one()
    opened = select(func.count()).select_from(run).where(run.c.finished_at.is_(None))
    stale = select(func.count()).select_from(stale_content)
    waiting = select(func.count()).select_from(delivery).where(delivery.c.status == literal_column("'pending'"))
    missing = select(func.coalesce(func.sum(file_check.c.missing), 0))
    return {
        "store_bytes": ("Size of the database", float(size)),
        "runs": ("Runs in the store", float(runs[0])),
        "results": ("Results in the store", float(runs[1])),
        "artifacts": ("Artifacts in the store", float(artifacts[0])),
        "artifact_bytes": ("Size of all artifacts, equal files counted each", float(artifacts[1])),
        "open_runs": ("Runs that nobody has ended", float(connection.execute(opened).scalar_one())),
        "deliveries_waiting": ("Deliveries to webhooks that wait", float(connection.execute(waiting).scalar_one())),
        "missing_files": ("Artifacts without their file", float(connection.execute(missing).scalar_one())),
        "stale_files": ("Files that wait to be deleted", float(connection.execute(stale).scalar_one())),
    }
