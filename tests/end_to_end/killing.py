"""Run uploaders, and kill them at one of their system calls: a program of its own, since it forks and traces.

It reads a JSON line for each uploader, ``{"folder": ..., "key": ..., "at": ...}``, and answers with one. ``at`` is
before which of the calls that matter, counted from 1, it is killed; 0 only counts them, null does not even trace. Code
between two of these calls changes nothing outside of the process, so that a kill anywhere is a kill at one of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import struct
import sys
import traceback
from pathlib import Path
from typing import Any

from pytest_platform_report.settings import Access
from pytest_platform_report.uploader.main import deliver

# Those by which an uploader tells its disk or a platform something, or is told by one, by the kernel's own numbers.
_CALLS = {
    # write, pwrite64, connect, sendto, recvfrom, sendmsg, fsync, fdatasync, ftruncate, rename, unlink, unlinkat,
    # renameat, renameat2
    "x86_64": {1, 18, 42, 44, 45, 46, 74, 75, 77, 82, 87, 263, 264, 316},
    "aarch64": {64, 68, 203, 206, 207, 211, 82, 83, 46, 35, 38, 276},
}
_TRACEME, _SYSCALL, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _EXITKILL = 1, 0x100000
_CALL_STOP = signal.SIGTRAP | 0x80
_ENTRY = 1


def can_trace() -> str:
    """Return why this machine cannot do it, empty where it can."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return f"the numbers of system calls are not known on {sys.platform}, {platform.machine()}"
    child = _fork(lambda: None)
    try:
        _prepare(child)
    except OSError as error:
        return f"processes cannot be traced here: {error}"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return ""


def run(folder: str, key: str, at: int | None) -> dict[str, Any]:
    """Run an uploader; return how it ended and how many calls there were."""
    if at is None:
        child = os.fork()
        if child == 0:
            _deliver(folder, key)
        return {"calls": 0, "status": os.waitpid(child, 0)[1]}
    child = _fork(lambda: _deliver(folder, key))
    _prepare(child)
    calls = 0
    resumed_with = 0
    while True:
        _ptrace(_SYSCALL, child, 0, resumed_with)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSTOPPED(status):
            return {"calls": calls, "status": status}
        stopped_by = os.WSTOPSIG(status)
        resumed_with = 0 if stopped_by in (_CALL_STOP, signal.SIGTRAP) else stopped_by
        if stopped_by == _CALL_STOP and _entered(child) in _CALLS[platform.machine()]:
            calls += 1
            if calls == at:
                os.kill(child, signal.SIGKILL)  # the call is not carried out any more
                return {"calls": calls, "status": os.waitpid(child, 0)[1]}


def _deliver(folder: str, key: str) -> None:
    try:
        deliver(Path(folder), Access(key), follow=False)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _fork(then: Any) -> int:
    child = os.fork()
    if child == 0:
        _ptrace(_TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        then()
        os._exit(0)
    return child


def _prepare(child: int) -> None:
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, 0, _SYSGOOD | _EXITKILL)


def _entered(child: int) -> int | None:
    """Return the number of the call that the child has come to, None where it comes back from one."""
    info = ctypes.create_string_buffer(96)
    _ptrace(_GET_SYSCALL_INFO, child, len(info), ctypes.addressof(info))
    return struct.unpack_from("Q", info, 24)[0] if info.raw[0] == _ENTRY else None


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _answer(values: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _answer({"problem": can_trace()})
    for line in sys.stdin:
        _answer(run(**json.loads(line)))
