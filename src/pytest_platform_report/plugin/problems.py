"""What went wrong in our own code or in a project's hooks: told once, at the session's end, never raised into it."""

from __future__ import annotations

from collections.abc import Iterable

from ..text import clean

TOLD = "platform_report_problems"
"""The key of a worker's output that holds what went wrong there."""


class Problems:
    """Takes each exception of ours, and what a hook's implementations have raised."""

    def __init__(self) -> None:
        self._notes: dict[str, str] = {}

    def __call__(self, error: Exception) -> None:
        """Keep *error*, unless there is one already."""
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = f" ({traceback.tb_frame.f_code.co_name}, line {traceback.tb_lineno})" if traceback else ""
        self._notes.setdefault("", f"internal error: {type(error).__name__}: {error}{where}")

    def blame(self, hook: str, what: str) -> None:
        """Keep *what* went wrong in an implementation of *hook*, unless something of that hook is known already."""
        self._notes.setdefault(hook, f"{hook} failed, and what it was called for is recorded without it: {what}")

    def take(self, notes: Iterable[tuple[str, str]]) -> None:
        """Take over what another process has told by :meth:`give`."""
        for key, note in notes:
            self._notes.setdefault(key, note)

    def give(self) -> list[tuple[str, str]]:
        """Return what there is to take over, as values that pass through execnet."""
        return [(key, clean(note)) for key, note in self._notes.items()]

    @property
    def notes(self) -> list[str]:
        """All of it in words."""
        return list(self._notes.values())
