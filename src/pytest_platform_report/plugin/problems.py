"""Our own exceptions: told once, at the session's end, and never raised into it."""

from __future__ import annotations


class Problems:
    """Takes each exception of ours.

    :ivar first: the first one in words, empty where there was none.
    """

    def __init__(self) -> None:
        self.first = ""

    def __call__(self, error: Exception) -> None:
        """Keep *error*, unless there is one already."""
        if self.first:
            return
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        where = f" ({traceback.tb_frame.f_code.co_name}, line {traceback.tb_lineno})" if traceback else ""
        self.first = f"{type(error).__name__}: {error}{where}"
