"""Work that comes round: by the clock where a server runs for long, else once, when the application starts."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from platform_report_server.ingest.writer import Write, Writer

_PATIENCE = 0.5

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Job:
    """What to do every so many seconds, piece by piece. Several processes may do it at once."""

    name: str
    seconds: float
    work: Callable[[Write], object]
    """Does a piece, and returns something true as long as there may be more."""
    then: Callable[[Any], Awaitable[object]] | None = None
    """What is slow: called with what the work returned, once that is committed."""
    is_first: bool = True
    """Whether it is done when the application starts, too."""


class Jobs:
    """Runs each piece of a job in a transaction of its own; what fails is logged and comes round again."""

    def __init__(self, writer: Writer, jobs: Sequence[Job]) -> None:
        self._writer = writer
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    async def run_all(self) -> None:
        """Do everything once, as far as it goes while somebody waits."""
        await asyncio.gather(*(self.run(job, _PATIENCE) for job in self._jobs if job.is_first))

    async def run(self, job: Job, longest: float = math.inf) -> None:
        """Do one job now, and begin no piece of it when so many seconds are over."""
        end = time.monotonic() + longest
        try:
            while True:
                done = await self._writer.do(job.work)
                if job.then is not None:
                    await job.then(done)
                if not done or time.monotonic() >= end:
                    return
        except Exception:
            _log.exception("%s failed; it is tried again in %g s, or at the next start", job.name, job.seconds)

    def start(self) -> None:
        """Do everything again and again, each job after its own time."""
        self._tasks = [asyncio.ensure_future(self._repeat(job)) for job in self._jobs]

    async def stop(self) -> None:
        """Begin nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, job: Job) -> None:
        while True:
            await asyncio.sleep(job.seconds)
            await self.run(job)
