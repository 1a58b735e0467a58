"""The journal of a worker that cannot reach the run folder: on another machine, or in a container of its own.

Its records ride on the reports that xdist carries to the controller, and the last of them on the worker's output; the
controller writes them. They are text, since anything else might not pass through execnet.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ids import new_id
from ..journal import records
from ..journal.records import Record
from ..journal.segment import Segment
from ..native import from_json, native, to_json
from ..process import identify
from .journal import Journal

_AFTER_A_TEST = ("began", "dropped", "closed", "gone")

CARRIED = "platform_report_records"
"""The attribute of a report, and the key of a worker's output, that holds records."""


class RelayedSegment:
    """Holds a worker's records until a report takes them along; a :class:`.Journal` writes to it as to a segment."""

    def __init__(self) -> None:
        self.undone = 0
        self.dropped = 0
        self.kept: tuple[bytes, ...] = ()
        self.trouble = ""
        self._lines: list[str] = []

    def append(self, record: Record) -> None:
        """Hold *record*."""
        try:
            self._lines.append(to_json(record))
        except (TypeError, ValueError, RecursionError):
            self.undone = self.dropped = self.dropped + 1

    def append_line(self, line: bytes) -> None:
        """Hold a record that is a line already."""
        self._lines.append(line.decode("ascii").rstrip("\n"))

    put_off = append_line

    def flush(self) -> None:
        """Nothing is put off."""

    def take(self) -> list[str]:
        """Return what is held, and let go of it."""
        lines, self._lines = self._lines, []
        return lines


class RelayedJournal(Journal):
    """The journal of a worker whose records its controller writes."""

    is_relayed = True

    def take(self) -> list[str]:
        """Return the records that have come since the last call."""
        return self._segment.take() if isinstance(self._segment, RelayedSegment) else []

    def _make_segment(self) -> RelayedSegment:
        return RelayedSegment()


class Relays:
    """The segments that a controller writes for its workers.

    Each report of a test's end brings the test as it is by then, since the next one may never come; where it is run
    again, a later record of it takes that one's place.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._segments: dict[str, Segment] = {}
        self._last_ends: dict[str, Record] = {}

    def take(self, worker: str, lines: Sequence[str]) -> None:
        """Write what *worker* has sent."""
        for line in lines:
            record: Record = from_json(line)
            if record["kind"] == "session":
                self._open(worker, record)
            elif worker in self._segments:
                self._write(worker, record)

    def lose(self, worker: str) -> None:
        """Note that *worker* went away."""
        if worker in self._segments:
            self._write(worker, records.gone())

    def _open(self, worker: str, session: Record) -> None:
        self._journal.open()
        segment = Segment(
            self._journal.folder.journal, f"{self._journal.session_id}-{worker}-{new_id(4)}", self._journal.remake
        )
        segment.append({**session, "process": identify(native.getpid()), "output": [], "relayed": True})
        self._segments[worker] = segment

    def _write(self, worker: str, record: Record) -> None:
        if record["kind"] == "ended":
            self._last_ends[worker] = record
            return
        if record["kind"] == "attempt":  # it has what the end had, and the test goes on
            self._last_ends.pop(worker, None)
        elif record["kind"] in _AFTER_A_TEST and worker in self._last_ends:
            self._segments[worker].append(self._last_ends.pop(worker))
        self._segments[worker].append(record)
