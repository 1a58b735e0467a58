"""The waits that platforms have named, shared by all uploaders of one user and key on this machine, also later ones."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ..platforms.limits import LONGEST_WAIT
from ..settings import Settings


class SharedWaits:
    """Empty files whose time of change says until when a group waits.

    Where there can be none, nothing is shared, and each uploader learns from its own answers.

    :param folder: a directory that nobody else can write to.
    :param name: stands for the platform and the key.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    @classmethod
    def of(cls, settings: Settings) -> SharedWaits | None:
        """Return those of the platform and the key that *settings* name; None where there is no limit, or no place."""
        if not settings.url:
            return None
        folder = Path(tempfile.gettempdir(), f"platform-report-{os.getuid() if hasattr(os, 'getuid') else 0}")
        if not _make_private(folder):
            return None
        return cls(folder, hashlib.sha256(f"{settings.url}\0{settings.api_key}".encode()).hexdigest()[:32])

    def tell(self, group: str, wait: float) -> None:
        """Let the others know that a group waits."""
        path, until = self._path(group), time.time() + wait
        with suppress(OSError):  # a full disk, say
            path.touch(mode=0o600)
            os.utime(path, (until, until))

    def wait(self, group: str, later: float = 0.0) -> float:
        """Return for how many seconds a group waits, by what any of them has been told last, and *later*."""
        try:
            until = self._path(group).stat().st_mtime
        except OSError:
            return 0.0
        # No platform's word is longer: where it seems so, the clock was set back.
        wait = until - time.time()
        return max(0.0, wait + later) if wait <= LONGEST_WAIT else 0.0

    def _path(self, group: str) -> Path:
        return self._folder / f"{self._name}-{group.replace(' ', '-')}"


def _make_private(folder: Path) -> bool:
    """Make a directory of the user's own in one that others can write to as well; tell whether it is that."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    is_own = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and is_own and not found.st_mode & 0o022
