"""Brings a store to this version's schema. Alembic is slow to import, so it is only when something must run."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from platform_report_server.errors import StoreError, StoreTooNew

HEAD = "0003"
_SCRIPTS = Path(__file__).parent / "migrations"


def is_current(connection: Connection) -> bool:
    """Tell whether the store has exactly this version's schema."""
    return _revision(connection) == HEAD


def migrate(connection: Connection, path: Path) -> None:
    """Run what is missing, inside the caller's transaction; another process may have done it meanwhile."""
    found = _revision(connection)
    if found == HEAD:
        return
    if found is None and inspect(connection).get_table_names():
        raise StoreError(f"{path}: found a database of something else (tables, but no alembic_version)")
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    if found is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(found)
        except CommandError as error:
            raise StoreTooNew(path, found, HEAD) from error
    command.upgrade(config, HEAD)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
