"""This process's part of the journal: nothing on disk until there is something to say."""

from __future__ import annotations

from collections.abc import Callable

from ..captured import CapturedOutput
from ..journal import records
from ..journal.records import Record
from ..journal.segment import Segment
from ..native import from_json, native, now_ms
from ..process import identify
from ..text import number_of
from .folder import RunFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .relay import RelayedSegment

_PARENT_SECONDS = 0.5
_LONGEST_SESSION = 64 * 1024  # bytes of a worker's, which has no facts
_SHOWN_NODES = 5
_OF_A_TEST = ("phase", "artifact", "ended")


class Journal:
    """The segment of this process, made with its run folder when the first test begins.

    :ivar session_id: names this process's records; also the segment's file name without ending.
    :ivar complete: called before that with what is known of the session; returns what is to be written of it.
    :ivar on_open: called when the segment has been made, and should its folder have to be made anew.
    :ivar output: the descriptors of the files that pytest captures output in, once the journal is open.
    :ivar finished: how many tests have ended, here or in the workers.
    :ivar write: writes a record that is a line already, once the journal is open; ``put_off`` does so with the next.
    :ivar problem: why nothing can be recorded, in words; empty where it can.
    """

    def __init__(
        self,
        folder: RunFolder,
        session_id: str,
        role: str,
        worker: str | None,
        about: Record,
        find_output: Callable[[], list[int]] = list,
    ) -> None:
        self.folder = folder
        self.session_id = session_id
        self._find_output = find_output
        self.problem = ""
        self.finished = 0
        self.complete: Callable[[Record], Record] = _change_nothing
        self.on_open: Callable[[], None] = _do_nothing
        self.output: list[int] = []
        self.write: Callable[[bytes], None] = _drop
        self.put_off: Callable[[bytes], None] = _drop
        self._segment: Segment | RelayedSegment | None = None
        self._early: list[Record] = []
        self._running = b""
        self._pid, self._parent = native.getpid(), native.getppid()
        self._about: Record = {
            "v": records.FORMAT,
            "kind": "session",
            "id": session_id,
            "role": role,
            "worker": worker,
            "process": identify(self._pid),
            **about,
        }

    is_relayed = False
    """Whether another process writes what is recorded here: files cannot be kept then."""

    @property
    def is_open(self) -> bool:
        """Whether the segment has been made."""
        return self._segment is not None

    @property
    def is_own(self) -> bool:
        """Whether this is still the process that the journal was made in, and no child forked by a test."""
        return native.getpid() == self._pid

    def is_abandoned(self) -> bool:
        """Tell whether this is a worker whose controller is gone; to be asked when something has gone wrong."""
        if self._about["role"] != "worker":
            return False
        deadline = native.monotonic() + _PARENT_SECONDS  # its pipes close a moment before the system tells
        while native.getppid() == self._parent and native.monotonic() < deadline:
            native.sleep(0.005)
        return native.getppid() != self._parent

    @property
    def undone(self) -> int:
        """How many records did not reach the disk."""
        return self._segment.undone if self._segment is not None else 0

    @property
    def is_behind(self) -> bool:
        """Whether records are kept that may still be written: the file lacks all that came last."""
        return self._segment is not None and bool(self._segment.kept)

    def describe_undone(self) -> str:
        """Say what did not reach the disk, and why; empty where all did."""
        if self._segment is None or not self._segment.undone:
            return ""
        kept = [from_json(line.decode("ascii")) for line in self._segment.kept]
        nodes = [record["node"] for record in kept if record["kind"] == "began"]
        if self._running and kept and kept[0]["kind"] in _OF_A_TEST:
            nodes.insert(0, from_json(self._running.decode("ascii"))["node"])
        shown = ", ".join(nodes[:_SHOWN_NODES])
        if len(nodes) > _SHOWN_NODES:
            shown += f" and {number_of(len(nodes) - _SHOWN_NODES, 'more test')}"
        why = f" ({self._segment.trouble})" if self._segment.trouble else ""
        what = f"{number_of(self._segment.undone, 'record')} could not be written{why}"
        return f"{what}: of {shown}" if shown else what

    def open(self) -> None:
        """Make the run folder and the segment; where that fails, say so in :attr:`problem` once and for all."""
        if self._segment is not None or self.problem or not self.is_own:
            return
        about = self.complete(self._about)
        try:
            self._segment = self._make_segment()
        except OSError as error:
            self.problem = f"nothing could be recorded: {error}"
            return
        self.output = self._find_output()
        self._segment.append({**about, "output": self.output, "at": round(now_ms())})
        self.write, self.put_off = self._segment.append_line, self._segment.put_off
        for record in self._early:
            self._segment.append(record)
        self._early.clear()
        self.on_open()

    def _make_segment(self) -> Segment | RelayedSegment:
        self.folder.make()
        return Segment(self.folder.journal, self.session_id, self.remake)

    def remake(self) -> str:
        """Make the run folder anew, with an uploader should there be none any more; return where the segments are.

        :raises OSError: it cannot be made anywhere.
        """
        self.folder.remake()
        self.on_open()
        return self.folder.journal

    def flush(self) -> None:
        """Write what has been put off."""
        if self._segment is not None:
            self._segment.flush()

    def look_after(self) -> bool:
        """Make the run folder anew where it has been deleted or moved away; return whether it has been."""
        return isinstance(self._segment, Segment) and self._segment.look_after()

    def output_of(self, worker: str) -> CapturedOutput:
        """Open the files in which a worker's output is captured, as its own journal names them."""
        prefix = f"{self.session_id}-{worker}-"
        for name in native.listdir(self.folder.journal):
            if name.startswith(prefix):
                session = _read_first(f"{self.folder.journal}/{name}")
                return CapturedOutput.of_process(session["process"]["pid"], session["output"])
        return CapturedOutput(())

    def begin(self, line: bytes) -> None:
        """Write that a test starts, by the line of its record, opening the journal if need be."""
        if self._segment is None:
            self.open()
        segment = self._segment
        if segment is not None:
            segment.append_line(line)
            if not segment.kept:
                self._running = line

    def append(self, record: Record) -> None:
        """Write *record*, opening the journal if need be."""
        if self._segment is None:
            self.open()
        if self._segment is not None:
            self._segment.append(record)

    def hold(self, record: Record) -> None:
        """Write *record* only if something else opens the journal, before or after."""
        if self._segment is not None:
            self._segment.append(record)
        else:
            self._early.append(record)

    def end(self, exit_status: int, interrupted: bool) -> None:
        """Say that this process's session is over."""
        self.look_after()
        if self._segment is not None:
            # What is kept stands before this record in the file, or neither of them does.
            undone = self._segment.dropped
            self._segment.append(records.closed(exit_status, interrupted, undone, round(now_ms())))


def _read_first(segment: str) -> Record:
    """Return the first record of another process's segment."""
    fd = native.open(segment, native.READ)
    try:
        record: Record = from_json(native.read(fd, _LONGEST_SESSION).partition(b"\n")[0].decode("ascii"))
    finally:
        native.close(fd)
    return record


def _change_nothing(about: Record) -> Record:
    """Of a worker, only the controller knows more."""
    return about


def _drop(line: bytes) -> None:
    """Where no journal can be made, nothing is kept."""


def _do_nothing() -> None:
    """A worker's uploader is its controller's business."""
