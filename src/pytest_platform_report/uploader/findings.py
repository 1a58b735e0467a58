"""Turn journal lines into findings: which tests there are, and where in the journal each of them stands.

A test that was begun and whose process is gone has died. It is held back until the run is over, since a later
attempt elsewhere (pytest-rerunfailures on another worker) makes one test of both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import FolderGoneError, JournalError
from ..journal import records, values
from ..journal.reader import Line, SegmentReader
from ..model import Annotation, Artifact, Attempt, Failure, Place, Result
from .tail import Segment

UNKNOWN_DEATH = "?"
_MOST_OPEN = 32
_KEPT_BYTES = 8 * 1024 * 1024
_OVERHEAD = 2048  # bytes that a result takes besides its texts, more or less
_UNRECORDED = "unrecorded"
_INTERRUPTING = {"signal 1", "signal 2", "signal 15"}


class Span(NamedTuple):
    """Where records of one test stand: bytes ``[start, end)`` of each, ``ended`` None where there is none.

    ``death`` says how the process of a test that died ended, ``at`` when (milliseconds since 1970, UTC); or that the
    process went on and only the test's end is missing. ``phase`` is the one that a test died in,
    ``stdout`` and ``stderr`` what it had printed last. ``survived`` says that the session outlived the process, an
    xdist worker, and counts the test as failed. ``earlier`` are the records of the attempts before a death.
    """

    segment: str
    began: tuple[int, int]
    ended: tuple[int, int] | None = None
    death: str = ""
    at: float = 0.0
    phase: str = "call"
    stdout: str = ""
    stderr: str = ""
    survived: bool = False
    earlier: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; most have none but these."""
        if self[3:] == _PLAIN:
            return {"segment": self.segment, "began": self.began, "ended": self.ended, "earlier": ()}
        return self._asdict()

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Span:
        """Read back what :meth:`to_json` returned."""
        began, ended = values["began"], values["ended"]
        earlier = tuple((start, end) for start, end in values["earlier"])
        return cls(**{**values, "began": tuple(began), "ended": tuple(ended) if ended else None, "earlier": earlier})

    def known_as(self, death: str) -> Span:
        """Return it with how its process ended, where that has not been known."""
        return self._replace(death=death) if death and self.death == UNKNOWN_DEATH else self

    @property
    def report_id(self) -> str:
        """Unique over all runs."""
        return f"{self.segment}:{self.began[0]}"


_PLAIN = tuple(Span._field_defaults.values())[1:]


def ended_span(segment: Segment, began: Line, ended: Line) -> Span:
    """Return the span of a test that has come to its end."""
    return Span(segment.name, (began.start, began.end), (ended.start, ended.end))


def died_span(segment: Segment, began: Line, redact: Callable[[str], str]) -> Span:
    """Return the span of the test that was running when the segment's process ended."""
    at = time.time() * 1000 if segment.was_seen_alive else segment.reader.path.stat().st_mtime * 1000
    how = segment.how_ended or UNKNOWN_DEATH
    stdout, stderr = map(redact, segment.last_words)
    return Span(
        segment.name,
        (began.start, began.end),
        None,
        how,
        at,
        segment.phase,
        stdout,
        stderr,
        earlier=tuple(segment.attempts),
    )


def unrecorded_span(segment: Segment, began: Line) -> Span:
    """Return the span of a test whose process went on and could not write down its end: the disk was full, say."""
    return Span(segment.name, (began.start, began.end), None, _UNRECORDED, began.record["at"])


def survived_span(span: Span, lost: records.Record) -> Span:
    """Return the span of a test that died in a worker, with what its controller knew: it reaped the worker."""
    return span.known_as(lost["death"])._replace(
        survived=True,
        stdout=span.stdout or lost["stdout"],
        stderr=span.stderr or lost["stderr"],
    )


class Journals:
    """Reads results back from a run folder's segments, one at a time.

    :ivar lost: names of segments that are gone for good.
    """

    def __init__(self, folder: Path) -> None:
        self.lost: frozenset[str] = frozenset()
        self._folder = folder
        self._shards: dict[str, int | None] = {}
        self._readers: dict[str, SegmentReader] = {}
        self._kept: dict[Span, tuple[Result, int]] = {}
        self._room = _KEPT_BYTES

    def close(self) -> None:
        """Let go of the segments."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def keep(self, span: Span, result: Result, size: int) -> None:
        """Keep a result, of so many bytes, that will be read before long, as far as there is room."""
        size += _OVERHEAD
        if size <= self._room and span not in self._kept:
            self._kept[span] = result, size
            self._room -= size

    def read(self, spans: Sequence[Span]) -> Result:
        """Read a test from the spans of its executions, in order.

        :raises JournalError: the journal no longer holds them.
        :raises FolderGoneError: a segment has been deleted, and may come back.
        :raises OSError: a segment cannot be read.
        """
        kept = self._kept.pop(spans[0], None) if len(spans) == 1 else None
        if kept is not None:
            self._room += kept[1]
            return kept[0]
        return build_result(
            [
                (
                    span,
                    self.record(span.segment, span.began),
                    [self.record(span.segment, where) for where in (*span.earlier, span.ended) if where],
                )
                for span in spans
            ]
        )

    def shard_of(self, session: str) -> int | None:
        """Return which shard a session is; None where it is none, and where nothing tells."""
        if session not in self._shards:
            self._shards[session] = self._find_shard(session)
        return self._shards[session]

    def _find_shard(self, session: str) -> int | None:
        for path in (self._folder / "journal").glob(f"{session}-*.jsonl"):
            with suppress(JournalError, OSError):
                first = next(SegmentReader(path).read(), None)
                if first is not None and first.record.get("id") == session:  # the others of that name: its workers'
                    shard = first.record.get("settings", {}).get("shard")
                    return int(shard[0]) if shard else None
        return None

    def read_artifact(self, segment: str, start: int, end: int) -> Artifact:
        """Read an artifact's record."""
        return values.artifact_of(self.record(segment, (start, end)))

    def record(self, segment: str, where: tuple[int, int]) -> records.Record:
        """Read the record that stands at these bytes; raises as :meth:`read` does."""
        reader = self._readers.get(segment)
        if reader is None:
            if len(self._readers) == _MOST_OPEN:
                self.close()
            path = self._folder / "journal" / f"{segment}.jsonl"
            reader = self._readers[segment] = SegmentReader(path, keeps_open=True)
        try:
            return reader.record_at(*where)
        except FileNotFoundError as error:
            if segment in self.lost:
                raise JournalError(f"{reader.path} has been deleted") from error
            raise FolderGoneError(f"{reader.path} was deleted while it was delivered") from error


def build_result(executions: Sequence[tuple[Span, records.Record, Sequence[records.Record]]]) -> Result:
    """Make one test of its executions, in order: each one's span, its first record, and those that hold attempts.

    The first is ``began``; ``lost`` where only a controller knows of it, ``collected`` of what is no execution.
    """
    attempts: list[Attempt] = []
    tags: tuple[str, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    shown_as = ""
    start: float | None = None
    for span, first, told in executions:
        earlier = len(attempts)
        if first["kind"] == "began":
            tags, annotations = tuple(first["tags"]), values.annotations_of(first)
        elif first["kind"] == "lost":
            annotations = (Annotation("worker", first["worker"]),)
        for record in told:
            attempts += values.attempts(record)
        if span.ended is None:
            attempts.append(_UNENDED[first["kind"]](first, span))
        else:
            tags = tuple(dict.fromkeys((*tags, *told[-1]["tags"])))
            annotations = (*annotations, *values.annotations_of(told[-1]))
            shown_as = told[-1].get("title", "")
        start = None if first["kind"] == "collected" else attempts[earlier].start
    firsts = [first for _, first, _ in executions]
    best = next((first for first in reversed(firsts) if first["kind"] == "began"), firsts[-1])
    return Result(executions[-1][0].report_id, _place(best), tuple(attempts), tags, annotations, shown_as, start)


def _place(first: records.Record) -> Place:
    if first["kind"] == "began":
        return values.place(first)
    node = first["node"]
    if first["kind"] == "collected":
        return Place(node, first["file"], None, (Path(first["file"]).stem,), "collection")
    file, _, rest = node.partition("::")
    parts = rest.split("[", 1)[0].split("::")
    title = rest[len("::".join(parts[:-1])) :].removeprefix("::") if len(parts) > 1 else rest
    return Place(node, file, None, (Path(file).stem, *parts[:-1]), title or node)


def _lost(record: records.Record, _: Span) -> Attempt:
    message = _describe_death(record["death"]) if record["death"] else record["message"]
    failure = Failure("call", message)
    return Attempt("failed", record["at"], 0.0, failures=(failure,), stdout=record["stdout"], stderr=record["stderr"])


def _collected(record: records.Record, _: Span) -> Attempt:
    attempt = Attempt("failed", record["at"], 0.0)
    if record["outcome"] == "skipped":
        return attempt._replace(outcome="skipped", annotations=(Annotation("skip", record["message"]),))
    return attempt._replace(failures=(Failure("collection", record["message"], record["stack"]),))


def _died(began: records.Record, span: Span) -> Attempt:
    duration = round(max(0.0, span.at - began["at"]), 2)
    attempt = Attempt("failed", began["at"], duration, stdout=span.stdout, stderr=span.stderr)
    if span.death == _UNRECORDED:
        remark = Annotation(_UNRECORDED, "the end of this test could not be recorded")
        return attempt._replace(outcome="skipped", annotations=(remark,))
    message = _describe_death(span.death) + ("" if span.phase == "call" else f", in its {span.phase}")
    if span.death in _INTERRUPTING and not span.survived:
        return attempt._replace(outcome="skipped", annotations=(Annotation("interrupted", message),))
    return attempt._replace(failures=(Failure(span.phase, message),))


def _describe_death(death: str) -> str:
    how = "" if death == UNKNOWN_DEATH else f" ({death})"
    return f"process ended{how} while running this test"


_UNENDED = {"began": _died, "lost": _lost, "collected": _collected}
