"""The two cores that are used, and how fast each of them was at any time. Needs Linux.

A core of a virtual machine is often half of a real one: while another guest uses the other half, the same code takes
half as long again and more, from one second to the next. So a probe times the same short loop on each core all along.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from array import array
from bisect import bisect_left
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, quantiles
from types import TracebackType

_STEADY = 0.9  # of the full speed
_PROBE = """
import array, os, sys, time

core, parent = map(int, sys.argv[1:])
os.sched_setaffinity(0, {core})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # it comes before what it measures
loop = range(8_000)
while os.getppid() == parent:
    time.sleep(0.015)
    began = time.monotonic()
    for _ in loop:
        pass
    sys.stdout.buffer.write(array.array("d", (began, time.monotonic() - began)))
    sys.stdout.flush()
"""


class Cores:
    """Keeps the sessions to one core and all else to another, in a ``with`` block; probes both.

    :ivar session: the core of the sessions; ``other`` that of all else, the same one where there is no second.
    """

    def __init__(self) -> None:
        self._all = os.sched_getaffinity(0)
        self.session, self.other = [*sorted(self._all)[:2], min(self._all)][:2]
        self._stack = ExitStack()
        self._folder = Path()
        self._probes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Cores:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        for core in {self.session, self.other}:
            with (self._folder / str(core)).open("wb") as file:
                self._probes[core] = subprocess.Popen(  # noqa: S603  the code above
                    [sys.executable, "-c", _PROBE, str(core), str(os.getpid())],
                    stdout=file,
                    stderr=subprocess.DEVNULL,
                )
        os.sched_setaffinity(0, {self.other})
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.sched_setaffinity(0, self._all)
        for probe in self._probes.values():
            probe.kill()
            probe.wait()
        self._stack.close()

    def speeds(self, core: int) -> Speeds:
        """Return how fast a core has been until now."""
        told = array("d")
        content = (self._folder / str(core)).read_bytes()
        told.frombytes(content[: len(content) // 16 * 16])
        return Speeds(told[::2], told[1::2])


class Speeds:
    """How fast a core was.

    :param times: of the probes, seconds of the monotonic clock; ``taken`` the seconds that each took.
    :ivar steady: the share of the time in which it was as fast as it can be; None where nothing could be measured.
    """

    def __init__(self, times: array[float], taken: array[float]) -> None:
        self._times = times
        fastest = quantiles(taken, n=20)[0] if len(taken) > 1 else 1.0
        self._speeds = [min(1.0, fastest / each) for each in taken]
        self.steady = mean(speed >= _STEADY for speed in self._speeds) if self._speeds else None

    def between(self, began: float, ended: float) -> float:
        """Return the mean speed as a share of the full one; 1.0 where nothing was measured."""
        found = self._speeds[bisect_left(self._times, began) : bisect_left(self._times, ended)]
        return mean(found) if found else 1.0
