"""Append records to the segment of this process, whatever the tests around it do to the process."""

from __future__ import annotations

from ..ids import new_id
from ..native import create, native, to_json
from .records import Record

KEPT_BYTES = 16 * 1024 * 1024
_HIGH_DESCRIPTORS = (900, 200, 60, 3)

# Ends the piece that a short write left, so that readers pass over it. A line break alone would not do: a piece that
# lacks nothing but its own is the whole record, which then stood there twice.
_SPOIL = b"~\n"


class Segment:
    """A journal file that only the process which made it appends to.

    ``append`` raises nothing: a record that cannot be written is kept in memory, in order, and tried again with the
    next one. ``undone`` counts the records that did not get there: still kept, or beyond what may be kept (16 MiB).

    :ivar trouble: why a record could not be written the last time, in the system's words.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._path = f"{folder}/{name}-{new_id(6)}.jsonl"
        self._pid = native.getpid()
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._dropped = 0
        self._torn = False
        self.trouble = ""
        self._fd = _move_high(create(self._path, native.CREATE | native.APPEND))
        found = native.fstat(self._fd)
        self._file = (found.st_dev, found.st_ino)

    @property
    def undone(self) -> int:
        """How many records are not in the file."""
        return len(self._kept) + self._dropped

    @property
    def dropped(self) -> int:
        """How many records will never be in the file: all that a reader of what comes after them misses."""
        return self._dropped

    @property
    def kept(self) -> tuple[bytes, ...]:
        """The lines that are not in the file and may still get there."""
        return tuple(self._kept)

    def append(self, record: Record) -> None:
        """Write *record* as one line, by one write."""
        if native.getpid() != self._pid:
            return  # a forked child: its tests are its parent's
        try:
            line = (to_json(record) + "\n").encode("ascii")
        except (TypeError, ValueError, RecursionError):
            self._dropped += 1
            return
        self._append(line)

    def append_line(self, line: bytes) -> None:
        """Write a record that is a line already."""
        if native.getpid() == self._pid:
            self._append(line)

    def _append(self, line: bytes) -> None:
        if self._kept:
            self._keep(line)
            self._write_kept()
        elif not self._write(line):
            self._keep(line)

    def close(self) -> None:
        """Try what is kept once more and give the descriptor back."""
        if native.getpid() != self._pid:
            return
        if self._kept:
            self._write_kept()
        try:
            if self._is_open():
                native.close(self._fd)
        except OSError:
            pass

    def _keep(self, line: bytes) -> None:
        if self._kept_bytes + len(line) > KEPT_BYTES:
            self._dropped += 1
            return
        self._kept.append(line)
        self._kept_bytes += len(line)

    def _write_kept(self) -> None:
        while self._kept and self._write(self._kept[0]):
            self._kept_bytes -= len(self._kept.pop(0))

    def _write(self, line: bytes) -> bool:
        if self._torn:
            line = _SPOIL + line
        try:
            if not self._is_open():
                self._fd = _move_high(native.open(self._path, native.APPEND))
                found = native.fstat(self._fd)
                self._file = (found.st_dev, found.st_ino)
            written = native.write(self._fd, line)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        self._torn = (self._torn and written == 0) or 0 < written < len(line)
        return written == len(line)

    def _is_open(self) -> bool:
        # Tests close descriptors by the thousand, and the number may since belong to a file of the user's.
        try:
            found = native.fstat(self._fd)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file


def _move_high(fd: int) -> int:
    """Leave the low descriptor numbers to the tests, some of which count on them."""
    if native.fcntl is None:
        return fd
    for lowest in _HIGH_DESCRIPTORS:
        try:
            high = native.fcntl(fd, native.F_DUPFD_CLOEXEC, lowest)
        except OSError:
            continue
        native.close(fd)
        return high
    return fd
