"""A folder of contents, each named by its own SHA-256: equal files are one file, no name of a client's is a path."""

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


class ArtifactFolder:
    """The contents of all artifacts of a store."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / "staging"

    def draft(self) -> Draft:
        """Begin a file."""
        return Draft(self._staging)

    def sweep(self) -> None:
        """Delete the drafts of processes that were killed a day ago or earlier."""
        for path in self._staging.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                    path.unlink()

    def keep(self, draft: Draft) -> None:
        """Put the draft where its content belongs; nothing happens when that content is there already."""
        place = self.path_of(draft.sha256())
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.path.replace(place)

    def path_of(self, sha256: bytes) -> Path:
        """Return where the content is, if it is here."""
        name = sha256.hex()
        return self._root / name[:2] / name

    def remove(self, sha256: bytes) -> None:
        """Delete a content."""
        self.path_of(sha256).unlink(missing_ok=True)
