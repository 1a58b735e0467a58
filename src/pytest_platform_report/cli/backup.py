"""Copy the platform's data while it is served: database, files and signing key.

A database on PostgreSQL is left to pg_dump, which goes first; what it names is copied after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import _artifacts
from ._database import add_option
from ._store import opened
from ._terminal import mark, safe, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``backup`` takes."""
    parser.add_argument("place", metavar="PLACE", type=Path, help="a new folder, or a file whose name ends with .tar")
    add_option(parser)
    _artifacts.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Back up, and say what was copied."""
    with opened(arguments) as store:
        settings = store.served({}, **_artifacts.read_option(arguments))
        copied = store.backup.back_up(settings, arguments.place)
    what = "database, signing key" if copied.has_database else "signing key"
    if copied.has_files:
        what += f", {copied.files:,} files"
    else:
        what += f"; the files stay in {settings.artifacts}"
    if not copied.has_database:
        what += "; pg_dump copies the database"
    say(safe(f"{arguments.place}: {what}"))
    if copied.lacking:
        say(mark("failed", f"{copied.lacking:,} files were not there, or were deleted meanwhile"))
    return 0
