"""The lock of a run folder: the kernel's, so that it dies with its holder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import CannotLockError, LockedError


class Held:
    """A lock that is held. Its file may be deleted all the same, and another process hold one in its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._find()

    def is_there(self) -> bool:
        """Tell whether the file is still the one that is held."""
        return self._file is not None and self._find() == self._file

    def _find(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_dev, found.st_ino


@contextmanager
def hold(path: Path, timeout: float = 0.0) -> Iterator[Held]:
    """Hold the lock file at *path*, waiting *timeout* seconds for it at most.

    The file is never deleted, since a deleted one lets two processes hold it, and holds no state.

    :raises LockedError: another process holds it.
    :raises CannotLockError: this file system knows no locks.
    """
    lock = FileLock(path, timeout=timeout)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(f"{path}: held by another process") from error
    except OSError as error:
        raise CannotLockError(
            f"{path}: this file system cannot lock ({error.strerror or error}): nothing is delivered from here; "
            f"set --platform-spool to a local directory, or copy the spool to one and run 'platform-report sync' there"
        ) from error
    try:
        yield Held(path)
    finally:
        lock.release()
