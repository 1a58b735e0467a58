"""What of a run folder is still to be delivered, found out without changing anything in it."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..journal.reader import SegmentReader
from ..locking import hold
from ..process import is_alive
from ..settings import Settings
from .delivery import DeliveryRecord
from .findings import Journals
from .intake import Intake


@dataclass(frozen=True)
class Backlog:
    """What there is to send of a run, and whether its folder can go.

    :ivar tests: how many are neither acknowledged nor refused; ``artifacts`` alike.
    :ivar refused: how many tests and artifacts the platform has refused.
    :ivar is_closed: whether the platform has the run's closing statistics.
    :ivar is_live: whether a process of the run still runs.
    :ivar settings: those of the session that began the run, without its key; None where no session has told anything.
    """

    tests: int
    artifacts: int
    refused: int
    is_closed: bool
    is_live: bool
    settings: Settings | None

    @property
    def has_more(self) -> bool:
        """Whether there is anything to send, if only the run's end."""
        return bool(self.tests or self.artifacts) or not self.is_closed

    @property
    def is_delivered(self) -> bool:
        """Whether the folder holds nothing that is not on the platform, and nothing can come to it."""
        return not (self.has_more or self.refused or self.is_live)


def survey(folder: Path) -> Backlog:
    """Return what is to be delivered of the run in *folder*.

    :raises PlatformReportError: a newer version has made what is in it.
    :raises sqlite3.Error: its delivery record cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="platform-report-") as copy:
        _copy_record(folder, Path(copy))
        with closing(DeliveryRecord(Path(copy))) as record, closing(Journals(folder)) as journals:
            intake = Intake(folder, record, journals, None)
            intake.take()
            intake.take()  # only then are the processes known whose end is to be noted
            if intake.is_over:
                intake.settle_held()
            intake.tail.close()
            known = intake.tail.known()
            return Backlog(
                *record.count_open(),
                record.count_refused(),
                record.finished() is not None,
                any(is_alive(segment.session["process"]) for segment in known if segment.session),
                None if intake.main is None else Settings.from_journal(intake.main["settings"]),
            )


def settings_of(folder: Path) -> Settings | None:
    """Return the settings of the session that began the run in *folder*, without its key; None where that is not there.

    :raises PlatformReportError: a newer version has made its journal.
    """
    for path in sorted((folder / "journal").glob("*.jsonl")):
        session = next(SegmentReader(path).read(), None)
        if session is not None and "settings" in session.record:
            return Settings.from_journal(session.record["settings"])
    return None


def retry_refused(folder: Path) -> None:
    """Let what the platform has refused of a run be sent once more.

    :raises LockedError: the run is being delivered.
    """
    with hold(folder / "lock"), closing(DeliveryRecord(folder)) as record:
        record.retry_refused()


def _copy_record(folder: Path, to: Path) -> None:
    path = folder / "delivery.sqlite"
    if not path.exists():
        return
    # Where nobody is at it, SQLite need not make files beside it to read it.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?{how}", uri=True)) as record,
        closing(sqlite3.connect(to / path.name)) as copy,
    ):
        record.backup(copy)
