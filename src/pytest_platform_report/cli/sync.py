"""Deliver what the spool still holds, and delete what is delivered and old.

A run is named by its folder, its run key, or its id on the platform. Exit status: 0 where the platform has all of it,
or a session that still runs is delivering it; 1 where something is left, or was refused; 2 where the call is wrong.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path
from typing import Any

from ..errors import LockedError, PlatformReportError
from ..settings import Access
from ..text import number_of
from ..uploader.backlog import retry_refused, survey
from ..uploader.main import deliver
from ..uploader.spool import Spool
from ..uploader.status import read_status
from ._progress import Progress
from ._pytest_settings import ask_pytest
from ._terminal import mark, safe, say

_PATIENCE_SECONDS = 3600.0
_OTHER_SECONDS = 60.0
_LOOK_SECONDS = 0.2
_KEEP_DAYS = 7.0
# What a folder may be like that is not ours to break off for: the others are delivered all the same.
_TROUBLES = (PlatformReportError, OSError, sqlite3.Error)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``sync`` takes."""
    parser.add_argument(
        "runs", nargs="*", metavar="RUN", help="a run folder, a run key, or a run's id on the platform; by default all"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent and deleted; do neither")
    parser.add_argument(
        "--retry-refused", action="store_true", help="send once more what the platform has refused before"
    )
    parser.add_argument(
        "--keep",
        type=_days,
        default=_KEEP_DAYS,
        metavar="DAYS",
        help=f"delete runs that are delivered whole and older than this ({_KEEP_DAYS:g})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Deliver each run folder in turn; return 1 where something is left."""
    settings = ask_pytest(arguments)
    spool = Spool(settings.spool)
    folders = [spool.find(name) for name in arguments.runs] or spool.folders()
    if not folders:
        say(f"{spool.runs}: nothing to deliver")
    if not arguments.dry_run:
        spool.clear()
    exit_status = 0
    for folder in folders:
        try:
            if arguments.dry_run:
                _foretell(spool, folder, arguments)
                continue
            if arguments.retry_refused:
                retry_refused(folder)
            is_done = _Delivery(folder, settings.access).run()
            if is_done and spool.prune(folder, arguments.keep):
                say("  deleted: it is delivered, and old")
        except _TROUBLES as error:
            is_done = False
            say(f"{mark('failed', folder.name)}: {safe(error)}")
        exit_status = max(exit_status, int(not is_done))
    return exit_status


class _Delivery:
    """Delivers one run folder, and says how that went."""

    def __init__(self, folder: Path, access: Access) -> None:
        self._folder = folder
        self._access = access
        self._progress = Progress()

    def run(self) -> bool:
        """Return whether the platform has all of it, or a session that still runs is delivering it."""
        try:
            status: dict[str, Any] | None = self._deliver()
        except LockedError:
            if survey(self._folder).is_live:
                say(f"{mark('running', self._folder.name)}: its session still runs, and is delivering it")
                return True
            status = self._wait_for_other()
        finally:
            self._progress.clear()
        if status is None:
            say(f"{mark('running', self._folder.name)}: is being delivered by another process, which gets no further")
            return False
        return self._tell(status)

    def _deliver(self) -> dict[str, Any]:
        return deliver(self._folder, self._access, patience=_PATIENCE_SECONDS, follow=False, watch=self._watch)

    def _wait_for_other(self) -> dict[str, Any] | None:
        """Deliver what is left when the process is gone that is at it now; None where that gets no further."""
        seen: dict[str, Any] = {}
        moved = time.monotonic()
        while time.monotonic() - moved < _OTHER_SECONDS:
            try:
                return self._deliver()
            except LockedError:
                status = read_status(self._folder)
            if status != seen:
                seen, moved = status, time.monotonic()
                self._watch(status)
            time.sleep(_LOOK_SECONDS)
        return None

    def _watch(self, status: dict[str, Any]) -> None:
        found, acknowledged, refused = _count(status)
        what = f"{acknowledged:,} of {number_of(found, 'test')}"
        files = sum(session["files_left"] for session in status.get("sessions", {}).values())
        if files:
            what += f", {number_of(files, 'file')} to go"
        self._progress.show(self._folder.name, acknowledged + refused, found, what)

    def _tell(self, status: dict[str, Any]) -> bool:
        sessions, name = status["sessions"].values(), self._folder.name
        if not sessions and not status["notes"]:
            say(f"{mark('passed', name)}: nothing was recorded")
            return True
        found, acknowledged, refused = _count(status)
        is_complete = bool(sessions) and all(session["complete"] for session in sessions)
        line = f"{name}: {number_of(found, 'test')}, {acknowledged:,} acknowledged"
        if refused:
            line += f", {refused:,} refused"
        say(f"{mark('passed' if is_complete else 'failed', line)}  {safe(status['run'])}".rstrip())
        for note in status["notes"]:
            say(f"  {safe(note)}")
        return is_complete


def _foretell(spool: Spool, folder: Path, arguments: argparse.Namespace) -> None:
    backlog = survey(folder)
    tests, files = backlog.tests, backlog.artifacts
    again = backlog.refused if arguments.retry_refused else 0
    parts = [
        *([number_of(tests, "test")] if tests else ()),
        *([number_of(files, "file")] if files else ()),
        *([f"{again:,} that the platform has refused"] if again else ()),
        *(["the run's end"] if backlog.settings and not (tests or files or again or backlog.is_closed) else ()),
    ]
    what = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
    line = f"{folder.name}: {what or 'nothing'} to send"
    if parts and backlog.settings:
        line += f" to {backlog.settings.destination}"
    if backlog.refused and not again:
        line += f"; {backlog.refused:,} refused"
    if backlog.is_live:
        line += "; its session still runs"
    if backlog.is_delivered and spool.is_old(folder, arguments.keep):
        line += "; to be deleted"
    say(safe(line))


def _count(status: dict[str, Any]) -> tuple[int, int, int]:
    sessions = status.get("sessions", {}).values()
    return (
        sum(session["found"] for session in sessions),
        sum(session["acknowledged"] for session in sessions),
        sum(session["refused"] for session in sessions),
    )


def _days(text: str) -> float:
    days = float(text)
    if not 0 <= days < 1e6:
        raise ValueError
    return days


_days.__name__ = "number of days"  # argparse names it where the value is wrong
