"""What a process has printed of late, from the files in which pytest captures it.

They have no name any more: whoever holds a descriptor of them while the process lives can still read them afterwards.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence

from .native import native

_KEPT = 64 * 1024


class CapturedOutput:
    """The capture files of a process's standard output and standard error.

    :param files: open descriptors of this process; None where one could not be opened.
    """

    def __init__(self, files: Sequence[int | None]) -> None:
        self._files = list(files)

    @classmethod
    def of_process(cls, pid: int, descriptors: Sequence[int]) -> CapturedOutput:
        """Open the files behind *descriptors* of another process, which has to be alive."""
        return cls([_open(f"/proc/{pid}/fd/{descriptor}") for descriptor in descriptors[:2]])

    def read(self) -> tuple[str, str]:
        """Return the end of standard output and of standard error, as far as pytest has not taken it over."""
        texts = [_read_end(file) for file in self._files]
        stdout, stderr, *_ = [*texts, "", ""]
        return stdout, stderr

    def close(self) -> None:
        """Give the descriptors back."""
        for file in self._files:
            if file is not None:
                native.close(file)
        self._files = []


def _open(path: str) -> int | None:
    try:
        file = native.open(path, native.READ | native.NONBLOCK)
    except OSError:
        return None
    if _is_nameless(file):
        return file
    native.close(file)  # the number has come to mean something else
    return None


def _is_nameless(file: int) -> bool:
    found = native.fstat(file)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 0


def _read_end(file: int | None) -> str:
    if file is None or native.pread is None:
        return ""
    try:
        if not _is_nameless(file):
            return ""
        size = native.fstat(file).st_size
        return native.pread(file, _KEPT, max(0, size - _KEPT)).decode("utf-8", "replace")
    except OSError:
        return ""
