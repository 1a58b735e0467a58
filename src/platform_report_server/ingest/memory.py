"""What a process remembers of rows that never change, so that it does not ask for them with each result.

Only what is committed is remembered. Another process may delete such a row, but a test only together with its project,
and a project only after its runs: whoever counts a result on its run, first of all, finds out.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Lane = tuple[str | None, int | None]
"""The worker and the shard that ran a test."""

_MOST = 20_000


class Remembered(Generic[Key, Value]):
    """Some of the rows of one table; others than the writer's thread only look them up."""

    def __init__(self) -> None:
        self._kept: dict[Key, Value] = {}
        self._noted: dict[Key, Value] = {}
        self.get = self._kept.get

    def note(self, key: Key, value: Value) -> None:
        """Remember a row, once the transaction is committed."""
        self._noted[key] = value

    def forget(self, key: Key) -> None:
        """Remember a row no more."""
        self._kept.pop(key, None)

    def settle(self, is_committed: bool) -> None:
        """Hear what became of the transaction."""
        if is_committed and self._noted:
            if len(self._kept) + len(self._noted) > _MOST:
                self._kept.clear()
            if len(self._noted) <= _MOST:
                self._kept.update(self._noted)
        self._noted.clear()


@dataclass(frozen=True)
class Memory:
    """What is remembered."""

    runs: Remembered[tuple[str, str], tuple[int, int]] = field(default_factory=Remembered)
    """By the public ids of its project and its own, the numbers of both."""
    cases: Remembered[tuple[int, bytes], tuple[int, str]] = field(default_factory=Remembered)
    """By project and key, a test's number and title."""

    lanes: Remembered[tuple[int, Lane], int] = field(default_factory=Remembered)
    """By run and lane, its number."""
    suites: Remembered[tuple[int, int, str, str], int] = field(default_factory=Remembered)
    """By run, parent, file and title, a suite's number."""

    def settle(self, is_committed: bool) -> None:
        """Hear what became of the transaction."""
        self.lanes.settle(is_committed)
        self.runs.settle(is_committed)
        self.cases.settle(is_committed)
        self.suites.settle(is_committed)
