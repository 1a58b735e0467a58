"""Delete what is past its time: runs that their projects keep no longer, files that belong to nothing.

A server does the first by itself, every hour. What lacks its file is told, and left.
"""

from __future__ import annotations

import argparse

from . import _artifacts
from ._database import add_option
from ._store import opened
from ._terminal import mark, safe, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``prune`` takes."""
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and delete nothing")
    add_option(parser)
    _artifacts.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prune, and say what went; return 1 where files are missing."""
    with opened(arguments) as store:
        pruned = store.prune.prune(store.served({}, **_artifacts.read_option(arguments)), is_dry=arguments.dry_run)
    expired, would = pruned.expired, "would go" if arguments.dry_run else "went"
    say(
        f"past their time: {expired.runs:,} runs {would}, with {expired.results:,} results "
        f"and {expired.artifacts:,} artifacts"
    )
    say(f"files that belong to nothing: {pruned.orphans:,} {would}")
    for missing in pruned.missing:
        say(mark("failed", safe(f"{missing}: its file is not there")))
    return 1 if pruned.missing else 0
