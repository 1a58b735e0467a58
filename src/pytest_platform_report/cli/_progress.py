"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

import shutil
import sys

from ._terminal import safe

_WIDTH = 24


class Progress:
    """One line that is written over and over; without a terminal it is not written at all."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def show(self, name: str, done: int, total: int, what: str) -> None:
        """Show that *done* of *total* are done; *what* says in words how far that is."""
        filled = _WIDTH * done // total if total else 0
        self._write(f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {safe(what)}  {safe(name)}")

    def clear(self) -> None:
        """Take the line away."""
        self._write("")

    def _write(self, line: str) -> None:
        if self._is_shown:
            width = shutil.get_terminal_size().columns - 1  # a longer line would not be written over
            print(f"\r\x1b[K{line[:width]}", end="", file=sys.stderr, flush=True)
