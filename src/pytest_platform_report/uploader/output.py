"""What a process was printing when it died, from the files in which pytest captures it.

They have no name any more: whoever holds a descriptor of them while the process lives can still read them afterwards.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

_KEPT = 64 * 1024


class CapturedOutput:
    """The capture files of a process's standard output and standard error.

    :param files: open descriptors of this process, taken over; None where one could not be opened.
    """

    def __init__(self, files: Sequence[int | None]) -> None:
        self._files = list(files)

    @classmethod
    def of_process(cls, pid: int, descriptors: Sequence[int]) -> CapturedOutput:
        """Open the files behind *descriptors* of another process, which has to be alive."""
        return cls([_open(f"/proc/{pid}/fd/{descriptor}") for descriptor in descriptors[:2]])

    def read(self) -> tuple[str, str]:
        """Return the end of standard output and of standard error, as far as they were captured."""
        texts = [_read_end(file) for file in self._files]
        stdout, stderr, *_ = [*texts, "", ""]
        return stdout, stderr

    def close(self) -> None:
        """Give the files back."""
        for file in self._files:
            if file is not None:
                os.close(file)
        self._files = []


def _open(path: str) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
        return file
    os.close(file)  # the number has come to mean something else
    return None


def _read_end(file: int | None) -> str:
    if file is None:
        return ""
    try:
        size = os.fstat(file).st_size
        return os.pread(file, _KEPT, max(0, size - _KEPT)).decode("utf-8", "replace")
    except OSError:
        return ""
