"""Follow the segments of a run folder, and know which of their processes still live."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..captured import CapturedOutput
from ..errors import FolderGoneError, NewerFormatError
from ..journal.reader import Line, SegmentReader
from ..journal.records import Record
from ..process import Watched, is_alive

_PARENT_SECONDS = 1.0
_MOST_OPEN = 256


class Handle(NamedTuple):
    """A process and what was opened of it while it certainly lived: a descriptor of it, and its capture files.

    The descriptor of a process that is gone does not tell its id any more.
    """

    pid: int
    pidfd: int | None
    output: tuple[int | None, ...]


@dataclass
class Segment:
    """A segment as far as it has been read.

    :ivar session: its ``session`` record, None until that has been read.
    :ivar closed: its ``closed`` record, None where there is none (yet).
    :ivar is_gone: its controller has said that the process has ended, which we cannot see.
    :ivar is_over: nothing will be appended any more.
    :ivar open_test: the ``began`` line of the test that runs, None between tests.
    :ivar attempts: where the attempts of it stand that are over already, as bytes ``[start, end)``.
    :ivar phase: which it has come to.
    :ivar last_words: what the process had printed last when it ended, on standard output and on standard error.
    """

    reader: SegmentReader
    session: Record | None = None
    closed: Record | None = None
    is_gone: bool = False
    is_over: bool = False
    how_ended: str = ""
    open_test: Line | None = None
    attempts: list[tuple[int, int]] = field(default_factory=list)
    phase: str = "setup"
    process: Watched | None = None
    output: CapturedOutput | None = None
    last_words: tuple[str, str] = ("", "")
    was_seen_alive: bool = False
    seen_dead: float | None = None

    def waits_for_its_parent(self) -> bool:
        """Tell whether its process ended so lately that its parent may still ask how."""
        if self.seen_dead is None:
            self.seen_dead = time.monotonic()
        return time.monotonic() - self.seen_dead < _PARENT_SECONDS

    @cached_property
    def name(self) -> str:
        """The segment's file name without ending."""
        return self.reader.path.stem

    @property
    def owner(self) -> str:
        """The session that counts this segment's tests as its own: a worker's is its controller's."""
        session = self.session or {}
        return str(session.get("of") or self.name_of_session)

    @property
    def name_of_session(self) -> str:
        """What the process calls its session."""
        return str((self.session or {}).get("id", ""))

    @property
    def undone(self) -> int:
        """How many records its process could not write, as far as it has told."""
        return int((self.closed or {}).get("undone", 0))

    @property
    def is_one_of_each(self) -> bool:
        """Whether every worker runs every test (``--dist each``), each execution being a result of its own."""
        return (self.session or {}).get("dist") == "each"

    @property
    def worker(self) -> str:
        """The xdist worker's name, empty in other processes."""
        return str((self.session or {}).get("worker") or "")


@dataclass
class Tail:
    """The segments of one run folder.

    :ivar problems: segments that cannot be read, and why.
    :param session: the process that started us, held on to since before its first test ran.
    :param launcher: its identity.
    """

    folder: Path
    session: Handle | None = None
    launcher: Mapping[str, Any] | None = None
    segments: dict[str, Segment] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def known(self) -> list[Segment]:
        """Return the segments whose process is known.

        One without its first record is of a process that was killed before it could say who it is.
        """
        return [segment for segment in self.segments.values() if segment.session is not None]

    @property
    def is_over(self) -> bool:
        """Whether all processes that have said anything so far have ended; where none has, the one that started us."""
        known = self.known()
        if not known and self.launcher is not None and not is_alive(self.launcher):
            return True
        return bool(known or self.problems) and all(segment.is_over for segment in known)

    @property
    def is_partly_over(self) -> bool:
        """Whether a session has ended, and another of the same run has not."""
        return any(segment.is_over and not segment.worker for segment in self.known())

    def ends(self) -> list[int]:
        """Return descriptors of the sessions that live, which become readable when these end."""
        lives = [each.process for each in self.known() if not (each.is_over or each.worker or each.process is None)]
        return [process.pidfd for process in lives if process.pidfd is not None and process.is_alive()]

    def discover(self) -> None:
        """Find segments that have come since."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.folder / "journal") if entry.name.endswith(".jsonl"))
        except FileNotFoundError:
            return
        for name in names:
            stem = name.removesuffix(".jsonl")
            if stem not in self.segments and stem not in self.problems:
                keeps_open = len(self.segments) < _MOST_OPEN
                self.segments[stem] = Segment(SegmentReader(self.folder / "journal" / name, keeps_open=keeps_open))

    def close(self) -> None:
        """Let go of the processes and of their journals."""
        for segment in self.segments.values():
            segment.reader.close()
            for held in (segment.process, segment.output):
                if held is not None:
                    held.close()

    def read(self, segment: Segment) -> Iterator[Line]:
        """Yield a segment's new lines."""
        try:
            yield from segment.reader.read()
        except FileNotFoundError as error:
            raise FolderGoneError(f"{segment.reader.path} was deleted while it was delivered") from error
        except (NewerFormatError, OSError) as error:
            self.problems[segment.name] = str(error)
            self.segments.pop(segment.name, None)

    def meet(self, segment: Segment, session: Record) -> None:
        """Take a segment's first record, and hold on to its process."""
        segment.session = session
        identity: dict[str, Any] = session["process"]
        if self.session is not None and session["role"] != "worker" and identity["pid"] == self.session.pid:
            segment.process = Watched(identity, self.session.pidfd)
            segment.output = CapturedOutput(self.session.output)
            self.session = None
        else:
            segment.process = Watched(identity)
            if segment.process.is_alive():
                segment.output = CapturedOutput.of_process(identity["pid"], session.get("output", ()))

    def look_after(self, segment: Segment) -> bool:
        """Return whether the segment's process has ended since the last look; read the rest of it then."""
        if segment.is_over or segment.process is None:
            return False
        if segment.closed is None and not segment.is_gone and segment.process.is_alive():
            segment.was_seen_alive = True
            return False
        if segment.closed is None and not segment.is_gone:
            segment.how_ended = segment.process.how_it_ended()
            if not segment.how_ended and segment.process.is_zombie() and segment.waits_for_its_parent():
                return False
        segment.process.close()
        if segment.output is not None:
            segment.last_words = segment.output.read()
            segment.output.close()
        segment.is_over = True
        return True
