"""Take over what the journals say into the delivery record, each line once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..artifacts import with_size
from ..journal.reader import Line
from ..journal.records import Record
from ..redact import make_redactor
from .delivery import DeliveryRecord
from .findings import (
    Journals,
    Span,
    build_result,
    died_span,
    ended_span,
    survived_span,
    unrecorded_span,
)
from .rows import TestRow
from .states import State
from .tail import Handle, Segment, Tail


class Intake:
    """Follows the run folder's segments.

    :ivar redact: masks secrets in what is found out here; with the patterns of :attr:`main`, once that is known.
    :ivar main: the session record of the process that began the run, None until it is known.
    """

    def __init__(
        self,
        folder: Path,
        record: DeliveryRecord,
        journals: Journals,
        session: Handle | None,
        secrets: Sequence[str] = (),
        launcher: Mapping[str, Any] | None = None,
    ) -> None:
        self.tail = Tail(folder, session, launcher)
        self.redact = make_redactor(secrets)
        self._secrets = secrets
        self.main: Record | None = None
        self._record = record
        self._journals = journals
        self._is_doubted = False  # what a segment held when it was written anew may have been sent

    def take(self) -> bool:
        """Take over what is new; return whether there was anything."""
        self.tail.discover()
        anything = False
        for segment in list(self.tail.segments.values()):
            while not segment.is_over and segment.name in self.tail.segments:
                ended = self.tail.look_after(segment)
                anything |= self._take_segment(segment)
                if ended and segment.name not in self.tail.problems:
                    self._bury(segment)
                    anything = True
                if segment.closed is None:
                    break
        return anything

    @property
    def is_over(self) -> bool:
        """Whether the run is over, as far as its processes have said anything."""
        return self.tail.is_over

    def missing(self) -> frozenset[str]:
        """Return the names of segments that were there and are not any more."""
        return frozenset(self._record.positions()) - self.tail.segments.keys() - self.tail.problems.keys()

    def settle_held(self) -> None:
        """Let the held tests go, those of one node id as one test: to be called when the run is over."""
        each = any(segment.is_one_of_each for segment in self.tail.known())
        by_test: dict[tuple[str, str], list[TestRow]] = defaultdict(list)
        for row in self._record.held():
            by_test[row.node, row.worker if each else ""].append(row)
        with self._record.together():
            for rows in by_test.values():
                self._merge(rows)

    def _take_segment(self, segment: Segment) -> bool:
        is_met = segment.session is None
        if is_met and not self._read_head(segment):
            return False
        self._is_doubted = is_met and self._record.is_doubtful
        anything = False
        with self._record.together():
            for line in self.tail.read(segment):
                anything = True
                try:
                    self._take_line(segment, line)
                except (KeyError, TypeError, ValueError) as error:
                    problem = f"{segment.reader.path}: a record was passed over that is not as it has to be ({error!r})"
                    self.tail.problems.setdefault(segment.name, problem)
            if anything:
                # Not beyond a test that still runs: an uploader that takes over must see its beginning again,
                # and the session's end, which says what became of it.
                position = segment.reader.offset
                if segment.open_test is not None:
                    position = segment.open_test.start
                elif segment.closed is not None:
                    position = line.start
                self._record.set_position(segment.name, position)
        return anything

    def _read_head(self, segment: Segment) -> bool:
        """Read the segment's first record, and go on from where an uploader before this one has been."""
        for line in self.tail.read(segment):
            if line.record["kind"] != "session":
                self.tail.problems[segment.name] = f"{segment.reader.path}: does not begin with its session"
                self.tail.segments.pop(segment.name, None)
                return False
            self.tail.meet(segment, line.record)
            if line.record["role"] != "worker" and self.main is None:
                self.main = line.record
                self.redact = make_redactor(self._secrets, line.record["settings"].get("redact", ()))
            segment.reader.offset = max(line.end, self._record.positions().get(segment.name, 0))
            return True
        return False

    def _take_line(self, segment: Segment, line: Line) -> None:
        kind = line.record["kind"]
        if kind == "began":
            self._give_up_end(segment)
            segment.open_test, segment.phase, segment.attempts = line, line.record.get("phase", "setup"), []
        elif kind == "phase":
            segment.phase = line.record["phase"]
        elif kind == "attempt":
            segment.attempts.append((line.start, line.end))
        elif kind == "ended":
            began = segment.open_test
            if began is None or began.record["test"] != line.record["test"]:
                return  # its beginning was never written
            segment.open_test = None
            if line.record.get("dropped"):
                self._drop(segment, began)
                return
            state: State = "held" if self._may_be_second(segment, began.record["node"]) else "pending"
            self._add(segment, kind, ended_span(segment, began, line), began, line, state)
        elif kind == "dropped":
            self._give_up_end(segment)
            self._drop(segment, line)
        elif kind == "collected":
            if not self._record.knows(line.record["node"], kind):
                self._add(segment, kind, Span(segment.name, (line.start, line.end)), line, None, "pending")
        elif kind == "artifact":
            self._add_artifact(segment, line)
        elif kind == "lost":
            self._add(segment, kind, Span(segment.name, (line.start, line.end)), line, None, "held")
            self._hold_later(segment, line.record)
        elif kind == "gone":
            segment.is_gone = True
        elif kind == "closed":
            self._give_up_end(segment)
            segment.closed = line.record

    def _give_up_end(self, segment: Segment) -> None:
        """Note the test that must have ended by now, and whose end could not be written."""
        began, segment.open_test = segment.open_test, None
        if began is not None:
            self._add(segment, "ended", unrecorded_span(segment, began), began, None, "pending")

    def _drop(self, segment: Segment, first: Line) -> None:
        self._record.drop_test(segment.owner, segment.worker, segment.name, first.start, first.record["node"])

    def _add(self, segment: Segment, kind: str, span: Span, began: Line, ended: Line | None, state: State) -> None:
        result = build_result([(span, began.record, [ended.record] if ended else [])])
        size = (ended or began).end - began.start
        worker = began.record["worker"] if kind == "lost" else segment.worker
        if self._is_doubted and state == "pending":
            state = "unknown"
        self._record.add_test(segment.owner, worker, kind, span, result, state, size)
        if kind == "ended" and state == "pending":
            self._journals.keep(span, result, size)

    def _add_artifact(self, segment: Segment, line: Line) -> None:
        of_test = segment.open_test if line.record["test"] is not None else None
        began = of_test.start if of_test else None
        problem = line.record.get("problem")
        name, size = line.record["name"], line.record["size"]
        why = f"{with_size(name, size) if size else name}: {problem}" if problem else None
        self._record.add_artifact(segment.owner, segment.name, began, line.start, line.end, line.record["sha256"], why)

    def _bury(self, segment: Segment) -> None:
        """Note the test that was running when the segment's process went away."""
        segment.reader.drop_tail()
        began, segment.open_test = segment.open_test, None
        if began is None or self._record.tells(began.record["node"], segment.name, began.start):
            return
        span = died_span(segment, began, self.redact)
        with self._record.together():
            self._add(segment, "died", span, began, None, "held")
            self._hold_later(segment, began.record)

    def _hold_later(self, segment: Segment, died: Record) -> None:
        """Hold the unsent ends of a test that died before: they may be later attempts of it."""
        if segment.is_one_of_each:
            return
        for row in self._record.unsent(died["node"]):
            if self._journals.read(row.spans).attempts[0].start >= died["at"]:
                self._record.set_tests([row.id], "held")

    def _may_be_second(self, segment: Segment, node: str) -> bool:
        """Tell whether the same test began in another process that has not told its end: it may have died there."""
        if segment.is_one_of_each:
            return False
        if self._record.has_died(node):
            return True
        return any(
            other.open_test is not None and other.open_test.record["node"] == node
            for other in self.tail.segments.values()
            if other is not segment
        )

    def _merge(self, rows: list[TestRow]) -> None:
        lost = {(row.session, row.worker): row.spans[0] for row in rows if row.kind == "lost"}
        died = [self._fill_in(row, lost.get((row.session, row.worker))) for row in rows if row.kind == "died"]
        # What a journal tells of the same execution is better than its controller's word.
        died += [row for row in rows if row.kind == "lost" and not self._record.drop_if_told(row)]
        ended = [row for row in rows if row.kind == "ended"]
        kept = ended[-1] if ended else died[-1] if died else None
        if kept is None:
            return
        self._record.set_tests([row.id for row in ended if row is not kept], "pending")
        merged = [row for row in died if row is not kept]
        spans = [span for row in [*merged, kept] for span in row.spans]
        self._record.let_go(kept, spans, self._journals.read(spans), merged)

    def _fill_in(self, died: TestRow, lost: Span | None) -> TestRow:
        """Add what the controller knows of a test that died in its worker, or what became of the controller itself."""
        if lost is not None:
            word = self._journals.record(lost.segment, lost.began)
            return replace(died, spans=tuple(survived_span(span, word) for span in died.spans))
        session = next((each for each in self.tail.known() if each.name_of_session == died.session), None)
        if session is None or not session.how_ended:
            return died
        # Both were gone before we could look at the worker: a signal to the whole group does that.
        return replace(died, spans=tuple(span.known_as(session.how_ended) for span in died.spans))
