"""A result that was sent alone, from when it came until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from platform_report_server.errors import ServerError
from platform_report_server.ingest.once import Answer
from platform_report_server.ingest.results import Place
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.model import NewTest

Tell = Callable[[Place, int, int, Sequence[NewTest]], list[Answer]]
"""Answers results: their place, the sequence number of the first, when they were stored, and what they are."""
Work = Callable[[Write, Sequence[NewTest]], list[Answer]]


@dataclass(eq=False)
class Single:
    """A result that its sender may store; what is left to the writer is its work, for all of one run."""

    new: NewTest
    tell: Tell
    work: Work
    future: asyncio.Future[Answer]

    @property
    def of(self) -> tuple[str, str]:
        """The public ids of its project and run."""
        return self.new.project_id, self.new.run_id

    def answer(self, answer: Answer) -> None:
        """Answer it, if somebody still waits."""
        if not self.future.done():
            self.future.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Answer it with an error."""
        if not self.future.done():
            self.future.set_exception(error)

    def leave_to(self, writer: Writer) -> None:
        """Leave it to the writer, which says what is wrong where it cannot store it either."""
        try:
            writer.do_together(self.of, self.new, self.work).add_done_callback(self._pass_on)
        except ServerError as error:
            self.fail(error)

    def _pass_on(self, left: asyncio.Future[Answer]) -> None:
        error = left.exception()
        if error is None:
            self.answer(left.result())
        else:
            self.fail(error)
