"""Keep the files of tests and of the run: at once, since a test's files are often gone when it is."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from ..artifacts import HEAD_BYTES, ending, guess_type, most_bytes, why_not
from ..journal import records
from ..native import native
from ..redact import Redact
from ..text import clean
from .contents import Content, Contents, Draft, Unfit
from .journal import Journal

MOST_FILES = 1000
_LONGEST_NAME = 255

Source = str | os.PathLike[str] | bytes


class FileKeeper:
    """Keeps files in the run folder and notes them in the journal; raises nothing.

    :param is_wanted: asked of each file: its source, name and type.
    """

    def __init__(
        self, journal: Journal, redact: Redact, is_wanted: Callable[[Source, str, str], bool] = lambda *_: True
    ) -> None:
        self._journal = journal
        self._redact = redact
        self._contents = Contents(journal.folder, journal.session_id)
        self._is_wanted = is_wanted
        self._test: int | None = None
        self._given = 0

    def begin(self, test: int) -> None:
        """Take the files that come from now on for those of this test, and not of the run."""
        self._test, self._given = test, 0

    def __call__(self, source: Source, name: str | None, type: str | None, *, is_final: bool = False) -> None:
        """Keep *source*, or note why it could not be.

        :param is_final: whether the tool that writes this file has written its last to it.
        """
        self._keep(source, name, type, lambda shown, kind: self._take(source, shown, kind, is_final))

    def keep_made(self, source: str, name: str, type: str, make: Callable[[Draft], None]) -> None:
        """Keep what *make* writes of *source*, or note why it could not be."""

        def take(shown: str, kind: str) -> Content:
            with self._contents.draft(most_bytes(kind)) as draft:
                make(draft)
                return draft.keep(ending(shown))

        self._keep(source, name, type, take)

    def refuse(self, name: str, why: Exception) -> None:
        """Note that a file is not kept, and *why*."""
        reason = str(why) if isinstance(why, Unfit) else f"it could not be kept ({_in_words(why)})"
        shown, size = _shorten(self._redact(clean(name))), getattr(why, "size", 0)
        self._journal.append(records.not_kept(self._test, shown, size, self._redact(reason)))

    def _keep(self, source: Source, name: str | None, type: str | None, take: Callable[[str, str], Content]) -> None:
        if not self._journal.is_own or self._given > MOST_FILES:
            return  # in a process forked by a test; or it has been told already
        shown = "attachment.bin"
        try:
            if name is None and not isinstance(source, (bytes, bytearray, memoryview)):
                name = os.path.basename(os.fsdecode(source))
            shown = _shorten(self._redact(clean(name or shown)))
            kind = type or guess_type(shown)
            if not self._is_wanted(source, shown, kind):
                return
            self._given += 1
            if self._given > MOST_FILES:
                raise Unfit(f"no more than {MOST_FILES:,} files are kept of a test, and of the run itself")
            if self._journal.is_relayed:
                raise Unfit("attached where the run folder cannot be reached")
            content = take(shown, kind)
        except (Unfit, OSError, TypeError, ValueError) as error:
            self.refuse(shown, error)
            return
        path = f"artifacts/{content.name}"
        self._journal.append(records.artifact(self._test, path, shown, kind, content.size, content.sha256))

    def _take(self, source: Source, shown: str, kind: str, is_final: bool) -> Content:
        if isinstance(source, (bytes, bytearray, memoryview)):
            size = memoryview(source).nbytes
            data = bytes(source) if not why_not(kind, shown, size) else b""
            _check(kind, shown, size, data[:HEAD_BYTES])
            return self._contents.keep_bytes(data, ending(shown))
        path = os.fsdecode(source)
        fd, size = open_file(path)
        try:
            _check(kind, shown, size)
            _check(kind, shown, size, native.read(fd, HEAD_BYTES))
            # A link shares what is written later. Screenshots, videos, traces and reports are written once, by the tool
            # that makes them; to anything else, a log above all, more may come at any time.
            if is_final and kind != "attachment":
                return self._contents.link(fd, path, ending(shown), most_bytes(kind))
            return self._contents.copy(fd, ending(shown), most_bytes(kind))
        finally:
            native.close(fd)


def open_file(path: str) -> tuple[int, int]:
    """Open what may be no file at all, without waiting for anything; return its size as well.

    :raises Unfit: it is none, or cannot be read.
    """
    try:
        _check_kind(path, native.stat(path).st_mode)  # before it is opened: opening a device can set something off
        fd = native.open(path, native.READ | native.NONBLOCK)
    except FileNotFoundError as error:
        raise Unfit(f"there is no such file: {path}") from error
    except OSError as error:
        raise Unfit(f"it cannot be read ({_in_words(error)}): {path}") from error
    try:
        found = native.fstat(fd)
        _check_kind(path, found.st_mode)
    except BaseException:
        native.close(fd)
        raise
    return fd, found.st_size


def _check_kind(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise Unfit(f"it is a folder: attach its files, or a ZIP file of them: {path}")
    raise Unfit(f"it is no file but a pipe, a socket or a device: attach what is read from it, as bytes: {path}")


def _check(kind: str, shown: str, size: int, head: bytes | None = None) -> None:
    why = why_not(kind, shown, size, head)
    if why:
        raise Unfit(why, size)


def _shorten(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    kept = ending(name)[:20]
    return name[: _LONGEST_NAME - len(kept)] + kept


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
