"""Deliver what the spool still holds."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, LockedError
from ..text import number_of
from ..uploader.main import deliver
from ._pytest_settings import ask_pytest
from ._terminal import mark, safe, say

_PATIENCE_SECONDS = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``sync`` takes."""
    parser.add_argument("run_keys", nargs="*", metavar="RUN_KEY", help="names of run folders; by default all")


def run(arguments: argparse.Namespace) -> int:
    """Deliver each run folder in turn; return 1 where something is left."""
    settings = ask_pytest(arguments)
    runs = settings.spool / "runs"
    folders = [runs / key for key in arguments.run_keys] or sorted(path for path in _folders(runs))
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"{folder}: no such run folder: 'ls {runs}' lists those there are")
    if not folders:
        say(f"{runs}: nothing to deliver")
    return max([_deliver_one(folder, settings.api_key) for folder in folders], default=0)


def _folders(runs: Path) -> list[Path]:
    return [path for path in runs.iterdir() if (path / "journal").is_dir()] if runs.is_dir() else []


def _deliver_one(folder: Path, api_key: str) -> int:
    def watch(status: dict[str, Any]) -> None:
        if sys.stderr.isatty():
            found, acknowledged, _ = _count(status)
            print(
                f"\r{folder.name}: {acknowledged:,} of {number_of(found, 'test')} ", end="", file=sys.stderr, flush=True
            )

    try:
        status = deliver(folder, api_key, patience=_PATIENCE_SECONDS, follow=False, watch=watch)
    except LockedError:
        say(f"{mark('running', folder.name)}: is being delivered by another process")
        return 0
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    found, acknowledged, refused = _count(status)
    complete = all(session["complete"] for session in status["sessions"].values()) and bool(status["sessions"])
    line = f"{folder.name}: {number_of(found, 'test')}, {acknowledged:,} acknowledged"
    if refused:
        line += f", {refused:,} refused"
    say(f"{mark('passed' if complete else 'failed', line)}  {safe(status['run'])}".rstrip())
    for note in status["notes"]:
        say(f"  {safe(note)}")
    return 0 if complete else 1


def _count(status: dict[str, Any]) -> tuple[int, int, int]:
    sessions = status["sessions"].values()
    return (
        sum(session["found"] for session in sessions),
        sum(session["acknowledged"] for session in sessions),
        sum(session["refused"] for session in sessions),
    )
