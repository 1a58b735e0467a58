"""The PostgreSQL database that a command is told of."""

from __future__ import annotations

import argparse
from typing import Any

from ..errors import ConfigurationError
from ._environment import read_secret

VARIABLE = "PLATFORM_REPORT_DATABASE"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--database``."""
    parser.add_argument(
        "--database",
        metavar="URL",
        help=f"PostgreSQL database, postgresql://USER@HOST/NAME; in the environment {VARIABLE}, which may hold a "
        f"password, or in the file that {VARIABLE}_FILE names; libpq's PGPASSWORD and ~/.pgpass do as well",
    )


def read_option(arguments: argparse.Namespace) -> Any:
    """Return the server's value for the database, or None where none is named.

    :raises ConfigurationError: it cannot be read, or the server's packages are not installed.
    """
    told = arguments.database or read_secret(VARIABLE)
    if not told:
        return None
    try:
        from platform_report_server.errors import ServerError
        from platform_report_server.settings import PostgresUrl
    except ImportError as error:
        raise lacks_server(error) from error
    try:
        url = PostgresUrl(told)
    except ServerError as error:
        raise ConfigurationError(f"{'--database' if arguments.database else VARIABLE}: {error}") from error
    if arguments.database and url.has_password:
        raise ConfigurationError(
            f"--database: every process of this machine can read a password that stands in a command: "
            f"set {VARIABLE} or PGPASSWORD, or write ~/.pgpass"
        )
    return url


def migrate(database: Any) -> tuple[str | None, str]:
    """Bring a database to the server's schema; return the revisions that it had and has.

    :raises ConfigurationError: that cannot be done.
    """
    from platform_report_server.db.engine import migrate_database
    from platform_report_server.errors import ServerError

    try:
        return migrate_database(database)
    except ServerError as error:
        raise ConfigurationError(str(error)) from error


def lacks_server(error: ImportError) -> ConfigurationError:
    """Return the error that says how to install the server."""
    return ConfigurationError(
        f"serving needs packages that are not installed ({error}): "
        f"pip install 'pytest-platform-report[server]' installs them"
    )
