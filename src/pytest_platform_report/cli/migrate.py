"""Bring a PostgreSQL database to this version's schema, before it is served.

A SQLite file needs no command: it is copied and migrated when it is served.
"""

from __future__ import annotations

import argparse

from ..errors import ConfigurationError
from ._database import VARIABLE, add_option, migrate, read_option
from ._terminal import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``migrate`` takes."""
    add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Migrate, and say from where to where."""
    database = read_option(arguments)
    if database is None:
        raise ConfigurationError(f"no database is named: give --database URL or set {VARIABLE}")
    before, after = migrate(database)
    if before == after:
        say(f"{database}: has revision {after} already")
    elif before is None:
        say(f"{database}: made with revision {after}")
    else:
        say(f"{database}: migrated from revision {before} to {after}")
    return 0
