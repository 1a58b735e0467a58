"""Work that comes round: by the clock where a server runs for long, else once, when the application starts."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

_PATIENCE = 0.5

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class Job:
    """What to do every so many seconds, piece by piece. Several processes may do it at once."""

    name: str
    seconds: float
    work: Callable[[], Awaitable[object]]
    """Does a piece, and returns something true as long as there may be more."""
    is_first: bool = True
    """Whether it is done when the application starts, too."""

    async def run(self, longest: float = math.inf) -> None:
        """Do it now, and begin no piece when so many seconds are over; what fails is logged, and comes round again."""
        end = time.monotonic() + longest
        try:
            while await self.work() and time.monotonic() < end:
                pass
        except Exception:
            _log.exception("%s failed; it is tried again in %g s, or at the next start", self.name, self.seconds)


class Jobs:
    """Runs jobs beside the server's requests."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    async def run_all(self) -> None:
        """Do everything once, as far as it goes while somebody waits."""
        await asyncio.gather(*(job.run(_PATIENCE) for job in self._jobs if job.is_first))

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
            await job.run()
