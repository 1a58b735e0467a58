"""Start the uploader: a process that is no child of the session and shares nothing with it.

A test may kill or reap all its children, signal its group, or wait until a pipe closes; so the uploader gets a
session of its own, no descriptor, and is forked off by a parent that ends at once: a shell, which is there in a
millisecond, or where that cannot be, the interpreter itself. That runs with ``-I -S``: neither the working directory
nor PYTHONPATH, sitecustomize or ``.pth`` files reach it, and the search path is handed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..native import native, to_json
from ..process import identify

_BOOT_SECONDS = 5.0
_LONGEST_PAUSE = 0.005
_CANNOT = "this Python cannot start an uploader"
_SHELL = "/bin/sh"
_HELD_FROM = 100

# What is loaded lives on: the collector need not look through it time and again, and all is closed in the end, when to
# take it apart would cost half as much as to load it did. The command line of httpx, which loads click and pygments, is
# not wanted.
_BOOT = """\
import os, sys
if sys.argv[2:]:
    os.setsid()
    if os.fork():
        os._exit(0)
import gc, json
gc.set_threshold(10_000)
sys.modules["httpx._main"] = None
handed = json.loads(sys.argv[1])
first, held = handed["first"], handed["held"]
os.closerange(3, first)
os.closerange(first + len(held), 65536)
os.chdir("/")
os.umask(0o077)
sys.path += handed["path"]
from pytest_platform_report.uploader.main import main
main(handed["folder"], handed["session"], *held)
os._exit(0)
"""


def _search_path() -> list[str]:
    """Our own and the installed libraries' directories first: a project may have an httpx.py of its own."""
    here = os.path.abspath("")
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    entries = [os.path.abspath(entry) for entry in sys.path if entry]
    installed = [entry for entry in entries if os.path.basename(entry) in ("site-packages", "dist-packages")]
    others = [entry for entry in entries if entry != here]
    return list(dict.fromkeys([*installed, own, *others]))


_executable = "" if getattr(sys, "frozen", False) else sys.executable or ""
_path = _search_path()


def launch_uploader(folder: str, environment: Mapping[str, str], api_key: str, output: Sequence[int]) -> str:
    """Start an uploader for the run folder *folder*; return why there is none, empty where there is one.

    :param output: this process's descriptors of its capture files.
    :param environment: the session's, as it was before the tests; the key is added to it, and reaches nothing else.
    """
    if not _executable:
        return _CANNOT
    variables = {**environment, "PLATFORM_API_KEY": api_key}
    session = identify(native.getpid())
    held = _hold(output)
    try:
        command = _command(folder, session, held)
        return (
            _spawn([_SHELL, "-c", '"$@" &', _SHELL, *command], variables, held, setsid=True)
            and _spawn([*command, "forks"], variables, held)
            and _spawn([*_command(folder, session, {}), "forks"], variables, {})
        )
    finally:
        for fd in held.values():
            native.close(fd)


def _hold(output: Sequence[int]) -> dict[int, int]:
    """Open what tells of this process when it is gone: how it ended, and the last words of a test that dies.

    :return: what was opened, by its number among the arguments of the uploader.
    """
    pid = native.getpid()
    found: dict[int, int] = {}
    with suppress(OSError):
        if native.pidfd_open is not None:
            found[0] = native.pidfd_open(pid)
    for number, descriptor in enumerate(output[:2], 1):
        with suppress(OSError):
            found[number] = native.open(f"/proc/{pid}/fd/{descriptor}", native.READ)
    return found


def _first(held: Mapping[int, int]) -> int:
    """Return from which number on the uploader has them: above all of ours, which are copied one after the other."""
    return max([_HELD_FROM, *(fd + 1 for fd in held.values())])


def _command(folder: str, session: Mapping[str, Any], held: Mapping[int, int]) -> list[str]:
    first = _first(held)
    numbers = [first + number if number in held else None for number in range(3)]
    handed = {"folder": folder, "path": _path, "session": session, "first": first, "held": numbers}
    return [_executable, "-I", "-S", "-c", _BOOT, to_json(handed)]


def _spawn(command: list[str], variables: Mapping[str, str], held: Mapping[int, int], *, setsid: bool = False) -> str:
    """Run what ends as soon as it has started the uploader; return why it cannot, empty where it can."""
    if native.posix_spawn is None:
        return _CANNOT
    first = _first(held)
    actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_DUP2, fd, first + number) for number, fd in held.items()]
    actions += [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    try:
        _wait_for(native.posix_spawn(command[0], command, variables, file_actions=actions, setsid=setsid))
    except NotImplementedError as error:  # a session of its own, on some systems
        return str(error)
    except OSError as error:
        return f"the uploader could not be started ({error.strerror or error})"
    return ""


def _wait_for(child: int) -> None:
    deadline, pause = native.monotonic() + _BOOT_SECONDS, 0.0002
    while native.monotonic() < deadline:
        try:
            if native.waitpid(child, native.WNOHANG)[0]:
                return
        except ChildProcessError:  # SIGCHLD is ignored here, so the system has reaped it
            return
        native.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
