"""Brings a store to this version's schema.

Alembic takes longer to import than a SQLite store to be made, so it is only where there is something to migrate.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, text

from platform_report_server.clock import now_ms
from platform_report_server.db import schema
from platform_report_server.errors import StoreError, StoreTooNew

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0014"
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, where: object) -> None:
    """Run what is missing, inside the caller's transaction; another process may have done it meanwhile."""
    found = revision(connection)
    if found == HEAD:
        return
    check(connection, found, where)
    if found is None and connection.dialect.name == "sqlite":
        make(connection)
    else:
        upgrade(connection, HEAD)


def make(connection: Connection) -> None:
    """Make in an empty SQLite file what all the revisions make."""
    schema.metadata.create_all(connection)
    connection.execute(insert(schema.team).values(id=schema.DEFAULT_TEAM, name="Default", created_at=now_ms()))
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Run the revisions that are missing."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def check(connection: Connection, found: str | None, where: object) -> None:
    """Refuse what this version cannot migrate: a newer store, and another's database."""
    if found is None:
        if not is_empty(connection):
            raise StoreError(f"{where}: found a database of something else (tables, but no alembic_version)")
        return
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(_config()).get_revision(found)
    except CommandError as error:
        raise StoreTooNew(where, found, HEAD) from error


def revision(connection: Connection) -> str | None:
    """Return the revision of the store's schema, or None where there is no store yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def suffices(found: str | None) -> bool:
    """Tell whether a server of this version that runs can go on.

    Revisions with the same first digit only add, so that servers of an older version work on until they are replaced.
    """
    return found is not None and found >= HEAD and found[0] == HEAD[0]


def is_empty(connection: Connection) -> bool:
    """Tell whether there is no table at all."""
    return not inspect(connection).get_table_names()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
