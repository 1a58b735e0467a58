"""The operating system, as it was before any test could patch it.

Tests replace attributes of ``os``, ``time``, ``json`` and ``builtins``, and freezegun and pyfakefs replace even the
globals of other modules that hold such functions. They do not look into classes and closures, so everything that the
session needs of the system is held here. Import this module before the first conftest.py is loaded.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["create", "create_folder", "from_json", "native", "now_ms", "to_json"]

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]
try:
    import resource as _resource
except ImportError:  # Windows
    _resource = None  # type: ignore[assignment]


class native:  # noqa: N801  reads as the module that it stands for
    """System calls and constants, bound at import."""

    open = staticmethod(os.open)
    read = staticmethod(os.read)
    lseek = staticmethod(os.lseek)
    pread = staticmethod(os.pread) if hasattr(os, "pread") else None
    write = staticmethod(os.write)
    close = staticmethod(os.close)
    fstat = staticmethod(os.fstat)
    stat = staticmethod(os.stat)
    lstat = staticmethod(os.lstat)
    listdir = staticmethod(os.listdir)
    scandir = staticmethod(os.scandir)
    mkdir = staticmethod(os.mkdir)
    readlink = staticmethod(os.readlink)
    chmod = staticmethod(os.chmod)
    fchmod = staticmethod(os.fchmod) if hasattr(os, "fchmod") else None
    link = staticmethod(os.link)
    replace = staticmethod(os.replace)
    unlink = staticmethod(os.unlink)
    sha256 = staticmethod(hashlib.sha256)
    quote = staticmethod(json.encoder.encode_basestring_ascii)
    getpid = staticmethod(os.getpid)
    getppid = staticmethod(os.getppid)
    urandom = staticmethod(os.urandom)
    sleep = staticmethod(time.sleep)
    monotonic = staticmethod(time.monotonic)
    waitpid = staticmethod(os.waitpid)
    posix_spawn = staticmethod(os.posix_spawn) if hasattr(os, "posix_spawn") else None
    pidfd_open = staticmethod(os.pidfd_open) if hasattr(os, "pidfd_open") else None
    kill = staticmethod(os.kill)
    SIGURG: int = getattr(signal, "SIGURG", 0)
    WNOHANG: int = getattr(os, "WNOHANG", 0)
    READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
    CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    # Written only, but for a file that somebody has deleted: what is in it can still be read then.
    APPEND = os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    CREATE_APPEND = os.O_CREAT | os.O_EXCL | APPEND
    fcntl = staticmethod(_fcntl.fcntl) if _fcntl else None
    getrlimit = staticmethod(_resource.getrlimit) if _resource else None
    setrlimit = staticmethod(_resource.setrlimit) if _resource else None
    NOFILE: int = _resource.RLIMIT_NOFILE if _resource else 0
    F_DUPFD_CLOEXEC: int = getattr(_fcntl, "F_DUPFD_CLOEXEC", 0) if _fcntl else 0


def create(path: str, flags: int = native.CREATE) -> int:
    """Make a file that its user alone reads and writes, whatever the umask, and return its descriptor."""
    fd = native.open(path, flags, 0o600)
    if native.fchmod is not None:
        with suppress(OSError):  # some file systems know no modes
            native.fchmod(fd, 0o600)
    return fd


def create_folder(path: str) -> None:
    """Make a folder that its user alone may use, whatever the umask, unless there is one."""
    try:
        native.mkdir(path, 0o700)
    except FileExistsError:
        return
    with suppress(OSError):
        native.chmod(path, 0o700)


def _make_clock() -> Callable[[], float]:
    # The wall clock is asked once: freezegun and time-machine bend it later, but not the monotonic one in a closure.
    monotonic = time.monotonic
    offset = time.time() - monotonic()

    def now_ms() -> float:
        """Milliseconds since 1970, UTC, at a steady pace whatever tests do to the clocks."""
        return (offset + monotonic()) * 1000.0

    return now_ms


now_ms = _make_clock()


def _make_encoder() -> Callable[[object], str]:
    # The C encoder with its C string function does not pass through anything that a patched json module could replace.
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode

    def default(value: object) -> Any:
        raise TypeError(f"{type(value).__name__} does not belong into a journal")

    encode = make(None, default, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False)
    join = "".join

    def to_json(value: object) -> str:
        """One line of ASCII JSON; raises ValueError or TypeError for what JSON cannot say."""
        return join(encode(value, 0))

    return to_json


to_json = _make_encoder()
from_json = json.JSONDecoder().decode
