"""Keep the files that tests attach: copied at once, since a test's files are often gone when it is."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from ..journal import records
from ..native import create, native
from ..redact import Redact
from ..text import clean
from .journal import Journal

_LARGEST = 200 * 1024 * 1024
_BLOCK = 1024 * 1024
_TYPES = {
    "screenshot": (".png", ".jpg", ".jpeg", ".webp", ".gif"),
    "video": (".webm", ".mp4", ".avi", ".mov"),
    "trace": (".zip",),
}

Source = str | os.PathLike[str] | bytes


class FileKeeper:
    """Copies files into the run folder and notes them in the journal; raises nothing.

    :ivar test: the number of the running test.
    :param is_wanted: asked of each file: its source, name and type.
    """

    def __init__(
        self, journal: Journal, redact: Redact, is_wanted: Callable[[Source, str, str], bool] = lambda *_: True
    ) -> None:
        self.test: int | None = None
        self._journal = journal
        self._redact = redact
        self._is_wanted = is_wanted
        self._kept = 0

    def __call__(self, source: Source, name: str | None, type: str | None) -> None:
        """Copy *source*, or note why it could not be; nothing in a process forked by a test."""
        if not self._journal.is_own:
            return
        path, shown = "", "attachment"
        try:
            if name is None and not isinstance(source, (bytes, bytearray, memoryview)):
                name = os.path.basename(os.fspath(source))
            shown = self._redact(clean(name or "attachment.bin"))[:255]
            kind = type or guess_type(shown)
            if not self._is_wanted(source, shown, kind):
                return
            if self._journal.is_relayed:
                raise ValueError("attached where the run folder cannot be reached")
            self._kept += 1
            path = f"{self._journal.session_id}-{self._kept}-{re.sub(r'[^A-Za-z0-9._-]', '_', shown)[-80:]}"
            size = _copy(source, f"{self._journal.folder.artifacts}/{path}")
        except (OSError, TypeError, ValueError) as error:
            reason = str(error) if isinstance(error, ValueError) else f"{error.__class__.__name__}: {error}"
            self._journal.append(records.not_kept(self.test, shown, self._redact(reason)))
            return
        self._journal.append(records.artifact(self.test, f"artifacts/{path}", shown, self._redact(str(kind)), size))


def guess_type(name: str) -> str:
    """Return the artifact type that a file's name ending tells, ``attachment`` where it tells none."""
    ending = os.path.splitext(name)[1].lower()
    return next((type_ for type_, endings in _TYPES.items() if ending in endings), "attachment")


def _copy(source: Source, target: str) -> int:
    """Copy a file's content or the bytes themselves to *target*; return how many bytes they are."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _write(target, [bytes(source)])
    fd = native.open(os.fspath(source), native.READ)
    try:
        size = native.fstat(fd).st_size
        if size > _LARGEST:
            raise ValueError(f"{size:,} bytes are more than any artifact may have ({_LARGEST:,})")
        return _write(target, iter(lambda: native.read(fd, _BLOCK), b""))
    finally:
        native.close(fd)


def _write(target: str, blocks: Iterable[bytes]) -> int:
    size = 0
    fd = create(target)
    try:
        for block in blocks:
            rest = memoryview(block)
            while rest:
                rest = rest[native.write(fd, rest) :]
            size += len(block)
    finally:
        native.close(fd)
    return size
