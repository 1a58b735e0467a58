"""Make the platform's data from a backup, while nothing serves it.

A database on PostgreSQL is restored by pg_restore, before or after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import _artifacts
from ._database import add_option
from ._store import opened
from ._terminal import mark, safe, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``restore`` takes."""
    parser.add_argument("place", metavar="PLACE", type=Path, help="the backup: a folder, or a tar file")
    parser.add_argument("--force", action="store_true", help="replace the data that is there")
    add_option(parser)
    _artifacts.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Restore, and say what was; return 1 where files are missing."""
    with opened(arguments) as store:
        restored = store.backup.restore(
            store.served({}, **_artifacts.read_option(arguments)), arguments.place, force=arguments.force
        )
    what = f"signing key, {restored.files:,} files"
    what = f"database, {what}" if restored.has_database else f"{what}; pg_restore makes the database"
    say(safe(f"{store.folder}: {what}"))
    if restored.lacking > 0:
        say(mark("failed", f"{restored.lacking:,} files that artifacts refer to are not in the backup"))
        return 1
    return 0
