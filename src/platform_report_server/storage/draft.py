"""Files that are still arriving, on local disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

from platform_report_server.storage.formats import HEAD_BYTES

_ABANDONED_SECONDS = 24 * 3600


class Draft:
    """A file that is still arriving. Used as a context manager: what was not kept is gone at the end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._hash = hashlib.sha256()
        self.path = Path(name)
        self.size = 0
        self.head = b""

    def write(self, chunk: bytes) -> None:
        """Append to the file."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self.size += len(chunk)
        self._hash.update(chunk)
        view = memoryview(chunk)
        while view:
            view = view[self._file.write(view) or 0 :]

    def sha256(self) -> bytes:
        """Return the digest of what was written so far."""
        return self._hash.digest()

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


def sweep_drafts(folder: Path) -> None:
    """Delete the drafts of processes that were killed a day ago or earlier."""
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                path.unlink()
