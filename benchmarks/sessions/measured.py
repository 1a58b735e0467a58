"""A process measured, with all that it starts: CPU, memory and time. Needs Linux.

The measuring process takes in what is orphaned (``PR_SET_CHILD_SUBREAPER``), so that a process which a session leaves
behind, and that process's CPU, is not lost sight of. The main thread has to do it, and one at a time.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sessions.cores import Cores

_SUBREAPER = 36
_LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class Measured:
    """What a process took.

    :ivar exit: its exit status; negative where it was killed, as it is where it does not end in time.
    :ivar began: when it was started, by the monotonic clock.
    :ivar wall: seconds to its end.
    :ivar cpu: seconds of CPU, with those of the children that it has waited for; ``left_cpu`` of what it left behind.
    :ivar peak: the most memory that it had resident, in MiB; ``left_peak`` any of those.
    """

    exit: int
    began: float
    wall: float
    cpu: float
    peak: float
    left_cpu: float
    left_peak: float


def measure(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: Path,
    limit: float,
    cores: Cores,
    ended: Callable[[], object] = lambda: None,
) -> Measured:
    """Run a command in *folder*, its output to the file *out*, and wait for all that it leaves behind.

    :param limit: how many seconds it may take, and then what it leaves behind.
    :param cores: which are its own, and that of what it leaves behind.
    :param ended: called when it has ended, and the others may not have.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    children = _Children(cores.other)
    with out.open("wb") as file:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603  the commands are our own
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    os.sched_setaffinity(process.pid, {cores.session})
    children.follow(began + limit, process.pid)
    over = time.monotonic()
    process.returncode = children.exits[process.pid]  # it has been waited for here
    ended()
    children.follow(over + limit)
    left = [pid for pid in children.cpu if pid != process.pid]
    return Measured(
        process.returncode,
        began,
        over - began,
        children.cpu[process.pid],
        children.peaks.get(process.pid, 0.0),
        sum(children.cpu[pid] for pid in left),
        max((children.peaks.get(pid, 0.0) for pid in left), default=0.0),
    )


class _Children:
    """What is known of the children that come from now on, by their ids; orphans are kept to a core."""

    def __init__(self, core: int) -> None:
        self._core = core
        self.exits: dict[int, int] = {}
        self.cpu: dict[int, float] = {}
        self.peaks: dict[int, float] = {}
        self._others = _list_children()

    def follow(self, deadline: float, until: int | None = None) -> None:
        """Wait until the child *until* has ended, or all have; at the deadline they are killed."""
        ending = [os.pidfd_open(until)] if until is not None else []
        while until not in self.exits and (children := _list_children() - self._others):
            for pid in children:
                if pid != until and pid not in self.peaks:
                    with suppress(ProcessLookupError):
                        os.sched_setaffinity(pid, {self._core})
                self.peaks[pid] = max(self.peaks.get(pid, 0.0), _peak(pid))
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                ended, status, used = os.wait4(pid, os.WNOHANG)
                if ended:
                    self.exits[pid] = os.waitstatus_to_exitcode(status)
                    self.cpu[pid] = used.ru_utime + used.ru_stime
            select.select([] if until in self.exits else ending, [], [], _LOOK_SECONDS)
        for descriptor in ending:
            os.close(descriptor)


def _list_children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def _peak(pid: int) -> float:
    """Return the most memory that a process has had; not its ``ru_maxrss``, which has some of its parent's in it."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:  # it is gone
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
