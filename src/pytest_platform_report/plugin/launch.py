"""Start the uploader: a process that is no child of the session and shares nothing with it.

A test may kill or reap all its children, signal its group, or wait until a pipe closes; so the uploader gets a
session of its own, no descriptor, and is forked off a second time by a parent that ends at once. Its interpreter runs
with ``-I -S``: neither the working directory nor PYTHONPATH, sitecustomize or ``.pth`` files reach it, and the search
path is handed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from ..native import native, to_json

_BOOT_SECONDS = 5.0

# Before the first test runs, it opens a descriptor of the session, through which Linux tells later how that ended, and
# its capture files, to have the last words of a test that dies.
_BOOT = """\
import os, sys
os.setsid()
pid = os.getppid()
def keep(number, make, *arguments):
    try:
        return os.dup2(make(*arguments), number)
    except (AttributeError, OSError):
        return None
held = [keep(100, lambda: os.pidfd_open(pid))]
for number in sys.argv[2:4]:
    held.append(keep(100 + len(held), os.open, f"/proc/{pid}/fd/{number}", os.O_RDONLY))
if os.fork():
    os._exit(0)
os.closerange(3, 100)
os.closerange(100 + len(held), 65536)
os.chdir("/")
os.umask(0o077)
import json
handed = json.loads(sys.argv[1])
sys.path += handed["path"]
from pytest_platform_report.uploader.main import main
main(handed["folder"], pid, *held)
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
    if native.posix_spawn is None or not _executable:
        return "this Python cannot start an uploader"
    handed = to_json({"folder": folder, "path": _path})
    variables = {**environment, "PLATFORM_API_KEY": api_key}
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    try:
        command = [_executable, "-I", "-S", "-c", _BOOT, handed, *map(str, output)]
        boot = native.posix_spawn(_executable, command, variables, file_actions=null)
        _wait_for(boot)
    except OSError as error:
        return f"the uploader could not be started ({error.strerror or error})"
    return ""


def _wait_for(child: int) -> None:
    deadline = native.monotonic() + _BOOT_SECONDS
    while native.monotonic() < deadline:
        try:
            if native.waitpid(child, native.WNOHANG)[0]:
                return
        except ChildProcessError:  # SIGCHLD is ignored here, so the system has reaped it
            return
        native.sleep(0.001)
