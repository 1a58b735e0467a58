"""Processes by identity: which one it is, whether it still lives, how it ended.

A process id alone names nothing: it is used again, in containers always from the same small numbers. Source of the
layouts: proc(5) and linux/pidfd.h.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import Any

from .native import native

try:
    from fcntl import ioctl as _ioctl
except ImportError:  # Windows
    _ioctl = None  # type: ignore[assignment]

_INFO = struct.Struct("<QQ11Ii")  # struct pidfd_info, version 0
_GET_INFO = (3 << 30) | (_INFO.size << 16) | (0xFF << 8) | 11
_WITH_EXIT = 8


def identify(pid: int) -> dict[str, Any]:
    """Return what names process *pid* on this machine, as JSON values."""
    return {"pid": pid, "started": _started(pid), "boot": _boot()}


def surroundings() -> str:
    """Return what names the machine and the file system around this process: where it is the same, paths are too."""
    root = native.stat("/")
    node = os.uname().nodename if hasattr(os, "uname") else ""
    return f"{node} {_boot()} {_namespace('mnt')} {root.st_dev}:{root.st_ino}"


def is_alive(identity: Mapping[str, Any]) -> bool:
    """Tell whether a process named by :func:`identify` still runs; a zombie does not, a stopped process does."""
    if identity["boot"] != _boot():
        return False
    pid = int(identity["pid"])
    if identity["started"] is not None:
        return _started(pid) == int(identity["started"])
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


class Watched:
    """A process named by :func:`identify`, here or elsewhere.

    :param pidfd: a descriptor of the process, taken over; opened where it is not given and the system has such.
    """

    def __init__(self, identity: Mapping[str, Any], pidfd: int | None = None) -> None:
        self._identity = identity
        self._pidfd = pidfd
        if pidfd is None and self.is_alive() and hasattr(os, "pidfd_open"):
            try:
                self._pidfd = os.pidfd_open(int(identity["pid"]))
            except OSError:
                self._pidfd = None

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return is_alive(self._identity)

    @property
    def pidfd(self) -> int | None:
        """A descriptor that becomes readable when it ends; None where the system has no such."""
        return self._pidfd

    def is_zombie(self) -> bool:
        """Tell whether it has ended and its parent has not asked how: until then the system does not tell us either."""
        return self._identity["boot"] == _boot() and _state(int(self._identity["pid"])) == "Z"

    def how_it_ended(self) -> str:
        """Return ``signal 9`` or ``exit code 3``; empty where the system does not tell.

        Linux 6.15 and up tell it of a process whose parent has asked, any Linux of one whose parent has not yet.
        """
        status = self._status()
        return "" if status is None else describe_exit(os.waitstatus_to_exitcode(status))

    def _status(self) -> int | None:
        if self.is_zombie():
            fields = _stat(int(self._identity["pid"]))
            status = int(fields[49]) if len(fields) > 49 and fields[0] == "Z" else 0
            return status or None  # 0 is also what those see who may not know
        if self._pidfd is None or _ioctl is None:
            return None
        info = bytearray(_INFO.pack(_WITH_EXIT, *([0] * 13)))
        try:
            _ioctl(self._pidfd, _GET_INFO, info)
        except OSError:
            return None
        mask, *_, status = _INFO.unpack(info)
        return status if mask & _WITH_EXIT else None

    def close(self) -> None:
        """Give the descriptor back."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def describe_exit(code: int) -> str:
    """Say in words what :attr:`subprocess.Popen.returncode` says in a number."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _boot() -> str:
    """This start of this machine, and in it this container's own process numbers."""
    return f"{_read('/proc/sys/kernel/random/boot_id')} {_namespace('pid')}".strip()


def _namespace(kind: str) -> str:
    try:
        return native.readlink(f"/proc/self/ns/{kind}")
    except OSError:
        return ""


def _started(pid: int) -> int | None:
    """Clock ticks from the machine's start to the process's; None where it is gone or the system does not tell."""
    fields = _stat(pid)
    if len(fields) < 20 or fields[0] in "ZX":
        return None
    return int(fields[19])


def _state(pid: int) -> str:
    return next(iter(_stat(pid)), "")


def _stat(pid: int) -> list[str]:
    """Return the fields of proc(5)'s stat from the state on."""
    stat = _read(f"/proc/{pid}/stat")
    return stat[stat.rfind(")") + 2 :].split()  # the name before it may hold anything, blanks and brackets too


def _read(path: str) -> str:
    try:
        fd = native.open(path, native.READ)
    except OSError:
        return ""
    try:
        return native.read(fd, 4096).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    finally:
        native.close(fd)
