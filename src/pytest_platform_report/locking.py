"""The lock of a run folder: the kernel's, so that it dies with its holder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import CannotLockError, LockedError


@contextmanager
def hold(path: Path, timeout: float = 0.0) -> Iterator[None]:
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
        yield
    finally:
        lock.release()
