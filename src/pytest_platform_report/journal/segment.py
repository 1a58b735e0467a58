"""Append records to the segment of this process, whatever the tests around it do to the process."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress

from ..ids import new_id
from ..native import create, native, to_json
from .records import Record

KEPT_BYTES = 16 * 1024 * 1024
_HIGH_DESCRIPTORS = (900, 200, 60, 3)

_BLOCK = 1024 * 1024
_DELETION_SECONDS = 1.0
_GONE = (FileNotFoundError, NotADirectoryError)

# Ends the piece that a short write left, so that readers pass over it. A line break alone would not do: a piece that
# lacks nothing but its own is the whole record, which then stood there twice.
_SPOIL = b"~\n"

# So many of a file's first bytes tell it from any other: its first record names its process, by random digits too.
_HEAD = 64
_LOOKS_EVERY = 16


class Segment:
    """A journal file that only the process which made it appends to.

    ``append`` raises nothing: a record that cannot be written is kept in memory, in order, and tried again with the
    next one. ``undone`` counts the records that did not get there: still kept, or beyond what may be kept (16 MiB).
    A file that somebody deletes or moves away is written anew, under the same name, from what is left of the old one.

    :param remake: makes the folder anew where that is gone too, and returns it; it may be another one.
    :ivar kept: the lines that are not in the file and may still get there.
    :ivar trouble: why a record could not be written the last time, in the system's words.
    """

    def __init__(self, folder: str, name: str, remake: Callable[[], str] | None = None) -> None:
        self._remake = remake or (lambda: folder)
        self._path = f"{folder}/{name}-{new_id(6)}.jsonl"
        self._first = b""
        self._head: bytes | None = None
        self._count = 0
        self._pid = native.getpid()
        self.kept: list[bytes] = []
        self._kept_bytes = 0
        self._dropped = 0
        self._torn = False
        self._unlooked = 0  # so many writes may follow until our file is looked at as a whole
        self._put_off = b""
        self.trouble = ""
        self._take(create(self._path, native.CREATE_APPEND))
        self._counts_links = native.fstat(self._fd).st_nlink > 0  # some file systems do not

    @property
    def undone(self) -> int:
        """How many records are not in the file."""
        return len(self.kept) + self._dropped + (self._count if self._is_deleted else 0)

    @property
    def dropped(self) -> int:
        """How many records will never be in the file: all that a reader of what comes after them misses."""
        return self._dropped

    def append(self, record: Record) -> None:
        """Write *record* as one line, by one write; nothing in a forked child, whose tests are its parent's."""
        if native.getpid() != self._pid:
            return
        try:
            line = (to_json(record) + "\n").encode("ascii")
        except (TypeError, ValueError, RecursionError):
            self._dropped += 1
            return
        self.append_line(line)

    def append_line(self, line: bytes) -> None:
        """Write a record that is a line already: every test writes one to four."""
        if native.getpid() != self._pid:
            return
        before = self._put_off
        if self._unlooked:
            # That it begins as our file does is known at a sixth of the cost of which it is, and whether it is deleted.
            try:
                if native.pread(self._fd, _HEAD, 0) == self._head:  # type: ignore[misc]  # hence the head
                    both = before + line
                    written = native.write(self._fd, both)
                    if written == len(both):
                        self._unlooked -= 1
                        self._count += 2 if before else 1
                        self._put_off = b""
                    else:
                        self._take_short(before, line, written)
                    return
            except OSError:
                pass  # it is met again below, where more can be done about it
        self._put_off = b""
        if before:
            self._append_safely(before)
        self._append_safely(line)

    def put_off(self, line: bytes) -> None:
        """Write a record together with the next one, which is about to come: each write costs a test as much again."""
        if self._put_off:
            self.flush()
        self._put_off = line

    def flush(self) -> None:
        """Write what has been put off."""
        line, self._put_off = self._put_off, b""
        if line:
            self.append_line(line)

    def look_after(self) -> bool:
        """Write the file anew where it has been moved away, which no write notices, or deleted; return whether it was.

        To be called when the tests are over: while they run, those who delete a folder must not find it made again.
        """
        if native.getpid() != self._pid:
            return False
        self.flush()
        try:
            if not self._is_open() or self._is_in_place():
                return False
            self._restore()
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        self._write_kept()
        return True

    def close(self) -> None:
        """Try what is kept once more and give the descriptor back."""
        if native.getpid() != self._pid:
            return
        self.flush()
        if self.kept:
            self._write_kept()
        try:
            if self._is_open():
                native.close(self._fd)
        except OSError:
            pass

    def _append_safely(self, line: bytes) -> None:
        if self.kept:
            self._keep(line)
            self._write_kept()
        elif not self._write(line):
            self._keep(line)

    def _take_short(self, before: bytes, line: bytes, written: int) -> None:
        """Keep what of two records a short write has left, the first of which may be none."""
        self._put_off, self._unlooked = b"", 0
        if before and written >= len(before):
            self._count += 1
            written -= len(before)
        elif before:
            self._keep(before)
        self._torn = written > 0
        self._keep(line)

    def _keep(self, line: bytes) -> None:
        if self._kept_bytes + len(line) > KEPT_BYTES:
            self._dropped += 1
            return
        self.kept.append(line)
        self._kept_bytes += len(line)

    def _write_kept(self) -> None:
        while self.kept and self._write(self.kept[0]):
            self._kept_bytes -= len(self.kept.pop(0))

    def _write(self, line: bytes) -> bool:
        self._unlooked = 0
        if self._torn:
            line = _SPOIL + line
        try:
            self._look()
            written = native.write(self._fd, line)
        except OSError as error:
            self.trouble = error.strerror or str(error)
            return False
        if written != len(line):
            self._torn = self._torn or written > 0
            return False
        self._torn = False
        self._count += 1
        if not self._first:
            self._first = line
            self._take_head()
        if self._head is not None:
            self._unlooked = _LOOKS_EVERY - 1
        return True

    def _look(self) -> None:
        """Be sure that what is open is our file, and that it has a name."""
        if not self._is_open():
            self._reopen()
        elif self._is_deleted:
            self._head = None
            self._restore_later()

    def _take_head(self) -> None:
        is_enough = native.pread is not None and len(self._first) > _HEAD
        self._head = self._first[:_HEAD] if is_enough else None

    def _is_open(self) -> bool:
        # Tests close descriptors by the thousand, and the number may since belong to a file of the user's.
        try:
            found = native.fstat(self._fd)
        except OSError:
            return False
        self._is_deleted = self._counts_links and found.st_nlink == 0
        return (found.st_dev, found.st_ino) == self._file

    def _is_in_place(self) -> bool:
        try:
            found = native.stat(self._path)
        except _GONE:
            return False
        return (found.st_dev, found.st_ino) == self._file

    def _take(self, fd: int) -> None:
        self._fd = _move_high(fd)
        found = native.fstat(self._fd)
        self._file = (found.st_dev, found.st_ino)
        self._is_deleted = False
        self._missed_since = 0.0
        self._take_head()

    def _reopen(self) -> None:
        try:
            self._take(native.open(self._path, native.APPEND))
        except _GONE:  # and whoever closed our descriptor has taken what was left of it
            self._write_anew(None)
            self._dropped += max(0, self._count - 1)
            self._count, self._torn = min(1, self._count), False

    def _restore_later(self) -> None:
        now = native.monotonic()
        self._missed_since = self._missed_since or now
        if now - self._missed_since < _DELETION_SECONDS:
            raise OSError(errno.ENOENT, "it is being deleted")
        self._restore()

    def _restore(self) -> None:
        old = self._fd
        self._write_anew(old)
        native.close(old)

    def _write_anew(self, old: int | None) -> None:
        """Make the file again, with what *old* has, or with its first record alone: a reader sees all of it or none."""
        path = f"{self._remake()}/{self._path.rpartition('/')[2]}"
        fresh = f"{path}.new"
        with suppress(FileNotFoundError):
            native.unlink(fresh)
        fd = create(fresh, native.CREATE_APPEND)
        try:
            if old is None:
                _write_all(fd, self._first)
            else:
                _copy(old, fd)
            native.replace(fresh, path)
        except BaseException:
            native.close(fd)
            raise
        self._path = path
        self._take(fd)


def _copy(source: int, target: int) -> None:
    start = 0
    if native.pread is None:
        raise OSError(errno.ENOSYS, "a deleted file cannot be read here")
    while block := native.pread(source, _BLOCK, start):
        _write_all(target, block)
        start += len(block)


def _write_all(fd: int, content: bytes) -> None:
    if native.write(fd, content) != len(content):
        raise OSError(errno.ENOSPC, "no room for the journal")


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
