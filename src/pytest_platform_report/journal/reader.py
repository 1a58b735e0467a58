"""Read a segment while its process still writes it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import JournalError, NewerFormatError
from .records import FORMAT, Record, phase

_BLOCK = 1024 * 1024
_PHASES = {
    phase(name).rstrip(): {"v": FORMAT, "kind": "phase", "phase": name} for name in ("setup", "call", "teardown")
}
_decode = json.JSONDecoder().raw_decode  # what loads does besides costs as much again
_LAST_RECORD = 1024  # bytes that hold it, where it is one of an end


class Line(NamedTuple):
    """A record and the bytes ``[start, end)`` of the segment in which it stands."""

    record: Record
    start: int
    end: int


def last_kind(file: BinaryIO) -> str:
    """Return of which kind the last record of a journal is; empty where it is none of an end."""
    file.seek(max(0, os.fstat(file.fileno()).st_size - _LAST_RECORD))
    last = file.read(_LAST_RECORD).rpartition(b"\n")[0].rpartition(b"\n")[2]
    return str(json.loads(last)["kind"]) if last.startswith(b"{") else ""


class SegmentReader:
    """The committed records of one segment, from a given byte on.

    :ivar offset: how far it has read, in bytes.
    :ivar torn: how many pieces of records it passed over.
    :param keeps_open: hold the file open, so that it can be written again should somebody delete it.
    """

    def __init__(self, path: Path, offset: int = 0, *, keeps_open: bool = False) -> None:
        self.path = path
        self.offset = offset
        self.torn = 0
        self._keeps_open = keeps_open
        self._file: BinaryIO | None = None

    def read(self) -> Iterator[Line]:
        """Yield what has been committed since the last call.

        :raises NewerFormatError: at the first record of an unknown format; :attr:`offset` stays before it.
        """
        with self._open() as file:
            file.seek(self.offset)
            tail = b""
            while block := file.read(_BLOCK):
                lines = (tail + block).split(b"\n")
                tail = lines.pop()
                for line in lines:
                    record = self._parse(line)  # raises before the offset moves: a later version reads from here
                    start, self.offset = self.offset, self.offset + len(line) + 1
                    if record is not None:
                        yield Line(record, start, self.offset)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    __del__ = close

    def restore(self) -> None:
        """Write the file again if it has been deleted and is still open here, unless its own process has."""
        if self._file is None or self.path.exists():
            return
        fresh = self.path.with_suffix(".restored")
        with fresh.open("wb") as copy:
            self._file.seek(0)
            shutil.copyfileobj(self._file, copy)
        with suppress(FileExistsError):
            os.link(fresh, self.path)
        fresh.unlink()

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self._file is not None and os.fstat(self._file.fileno()).st_nlink:
            yield self._file
            return
        with ExitStack() as stack:
            file = stack.enter_context(self.path.open("rb"))
            if self._keeps_open:
                self.close()
                self._file = file
                stack.pop_all()
            yield file

    def drop_tail(self) -> None:
        """Count the record that the process was writing when it died, if there is a piece of it."""
        if self.path.stat().st_size > self.offset:
            self.torn += 1

    def record_at(self, start: int, end: int) -> Record:
        """Read one record again.

        :raises JournalError: when there is none at these bytes any more.
        """
        with self._open() as file:
            file.seek(start)
            line = file.read(end - start)
        record = self._parse(line.rstrip(b"\n"))
        if record is None:
            raise JournalError(f"{self.path}: no record at bytes {start} to {end}: was the file changed?")
        return record

    def _parse(self, line: bytes) -> Record | None:
        if not line:
            return None
        known = _PHASES.get(line)  # half of all lines
        if known is not None:
            return known
        try:
            record, end = _decode(text := line.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            record = None
        else:
            record = None if text[end:].strip() else record
        if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
            self.torn += 1
            return None
        if not isinstance(record.get("v"), int) or record["v"] > FORMAT:
            raise NewerFormatError(str(self.path), record.get("v"), FORMAT)
        return record
