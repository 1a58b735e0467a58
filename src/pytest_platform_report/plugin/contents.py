"""The contents of a run's artifacts: each is a file that its SHA-256 names, so that what is equal is there once."""

from __future__ import annotations

import itertools
import os
import re
from contextlib import suppress
from dataclasses import dataclass

from ..artifacts import MB
from ..native import create, native
from .folder import RunFolder

_BLOCK = MB
_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


class Unfit(Exception):
    """What cannot be an artifact; the message says why, ``size`` how many bytes it has, as far as that is known."""

    def __init__(self, reason: str, size: int = 0) -> None:
        super().__init__(reason)
        self.size = size


@dataclass(frozen=True)
class Content:
    """A content that is kept: its file's name, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


class Draft:
    """A content that is being written, as a file object; used as a context manager.

    The file has a name that no other process takes, and gets the content's own once all is there. Processes that keep
    equal contents at the same time do not meet before that, and then replace a file by its equal.
    """

    def __init__(self, folder: str, name: str, most: int) -> None:
        self._folder = folder
        self._path = f"{folder}/{name}"
        self._most = most
        self._hash = native.sha256()
        self._size = 0
        self._fd = create(self._path)

    def write(self, block: bytes) -> int:
        """Append *block*; raises :class:`Unfit` where that is too much."""
        self._size += len(block)
        if self._size > self._most:
            raise Unfit(f"it has grown beyond {self._most:,} bytes: attach less of it", self._size)
        self._hash.update(block)
        rest = memoryview(block)
        while rest:
            rest = rest[native.write(self._fd, rest) :]
        return len(block)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def keep(self, ending: str) -> Content:
        """Give the file its content's name."""
        content = _describe(self._hash.hexdigest(), self._size, ending)
        native.replace(self._path, f"{self._folder}/{content.name}")
        return content

    def close(self) -> None:
        """Close the file, and delete it where it has not been kept."""
        native.close(self._fd)
        with suppress(FileNotFoundError):
            native.unlink(self._path)

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Contents:
    """The folder that one process keeps contents in, and others of the run do as well.

    :param owner: begins the names of unfinished files; no other process has the same.
    """

    _numbers = itertools.count(1)

    def __init__(self, folder: RunFolder, owner: str) -> None:
        self._folder = folder
        self._owner = owner

    def draft(self, most: int) -> Draft:
        """Begin a content of at most so many bytes."""
        return Draft(self._folder.artifacts, self._unfinished(), most)

    def keep_bytes(self, data: bytes, ending: str) -> Content:
        """Keep *data*."""
        content = _describe(native.sha256(data).hexdigest(), len(data), ending)
        if not self._has(content):
            with self.draft(len(data)) as draft:
                draft.write(data)
                draft.keep(ending)
        return content

    def copy(self, fd: int, ending: str, most: int) -> Content:
        """Keep what is in an open file."""
        native.lseek(fd, 0, os.SEEK_SET)
        with self.draft(most) as draft:
            while block := native.read(fd, _BLOCK):
                draft.write(block)
            return draft.keep(ending)

    def link(self, fd: int, path: str, ending: str, most: int) -> Content:
        """Keep an open file, which is at *path*, by a hard link; copy it where there can be none."""
        native.lseek(fd, 0, os.SEEK_SET)
        digest, size = native.sha256(), 0
        while size <= most and (block := native.read(fd, _BLOCK)):
            digest.update(block)
            size += len(block)
        content = _describe(digest.hexdigest(), size, ending)
        if size <= most and (self._has(content) or self._link(fd, path, content)):
            return content
        return self.copy(fd, ending, most)

    def _link(self, fd: int, path: str, content: Content) -> bool:
        """Make the link; return False for a file system without links, another one, a file of somebody else's."""
        folder = self._folder.artifacts
        link = f"{folder}/{self._unfinished()}"
        try:
            native.link(path, link)
        except (OSError, NotImplementedError):
            return False
        try:
            made, opened = native.lstat(link), native.fstat(fd)
            if (made.st_dev, made.st_ino) != (opened.st_dev, opened.st_ino):
                return False  # of a symbolic link, or of another file that is there by now
            native.replace(link, f"{folder}/{content.name}")
        finally:
            with suppress(FileNotFoundError):  # it is left over where another process has linked the same file
                native.unlink(link)
        return True

    def _unfinished(self) -> str:
        return f"{self._owner}-{next(self._numbers)}.part"

    def _has(self, content: Content) -> bool:
        try:
            return native.stat(f"{self._folder.artifacts}/{content.name}").st_size == content.size
        except OSError:
            return False


def _describe(digest: str, size: int, ending: str) -> Content:
    return Content(f"{digest}{ending if _ENDING.fullmatch(ending) else ''}", size, digest)
