"""What pytest-playwright writes for a test, its screenshots, videos and traces, goes with that test.

It is all in one folder, the value of the fixture ``output_path``, when the test's last report has been made. A test
that is run again may find that folder as the attempt before has left it, or may be given one of its own.
"""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from .. import recording
from ..native import native
from .keeper import MOST_FILES, FileKeeper
from .problems import Problems

_DEEPEST = 4


class PlaywrightFiles:
    """The hooks around the tests of this process, where pytest-playwright is loaded."""

    def __init__(self, keep_file: FileKeeper, guard: Problems) -> None:
        self._keep_file = keep_file
        self._guard = guard
        self._folder = ""
        self._attempt = 0
        self._kept: set[tuple[str, int, int, int]] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Called around all that is done for a test, inside of the recorder's own."""
        self._folder, self._attempt = "", 0
        self._kept.clear()
        try:
            return (yield)
        finally:
            self._keep(is_last=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Called when an attempt begins; there may have been one before."""
        self._keep(is_last=False)
        self._attempt += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Called around the setup of a fixture."""
        value = yield
        if fixturedef.argname == "output_path" and isinstance(value, str):
            self._folder = value
        return value

    def _keep(self, *, is_last: bool) -> None:
        folder, self._folder = self._folder, ""
        if not folder or recording.current.keep_file is not self._keep_file:
            return  # a hook has left this test out
        is_only = is_last and self._attempt == 1
        try:
            for name in sorted(self._find(folder)):
                shown = name if is_only else f"attempt-{self._attempt}-{name}"
                # The next attempt may write to the same file; nobody does after the last.
                self._keep_file(f"{folder}/{name}", shown, None, is_final=is_last)
        except Exception as error:
            self._guard(error)

    def _find(self, folder: str, below: str = "", depth: int = 0) -> Iterator[str]:
        """Yield the files that are new since the attempt before."""
        try:
            names = native.listdir(f"{folder}/{below}")
        except OSError:
            return  # nothing was written
        for name in names[: MOST_FILES + 1]:
            path = below + name
            found = native.lstat(f"{folder}/{path}")
            if stat.S_ISDIR(found.st_mode) and depth < _DEEPEST:
                yield from self._find(folder, f"{path}/", depth + 1)
            elif stat.S_ISREG(found.st_mode):
                known = (path, found.st_ino, found.st_mtime_ns, found.st_size)
                if known not in self._kept:
                    self._kept.add(known)
                    yield path
