"""Child processes with a clean environment, and waits that end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 60.0

_OURS = ("PYTEST_", "PLATFORM_", "EURIQA_")


def clean_environment() -> dict[str, str]:
    """Return the environment without what tells a child of this session, its options or a platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def run_python(code: str, *arguments: str | Path, cwd: Path | None = None) -> str:
    """Run *code* in a process of its own, which has to succeed, and return what it printed."""
    return _run(["-c", textwrap.dedent(code), *map(str, arguments)], cwd, clean_environment())


def run_pytest(directory: Path, *arguments: str, **variables: str) -> str:
    """Run a session in *directory* whose tests have to pass, and return what it printed."""
    options = ["-p", "no:cacheprovider", "--rootdir", str(directory)]
    return _run(["-m", "pytest", *options, *arguments], directory, {**clean_environment(), **variables})


def wait_until(is_so: Callable[[], object]) -> None:
    """Return once *is_so* holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.002)


@contextmanager
def waiting_process(code: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that runs *code* once its standard input is closed."""
    program = f"import os, signal, sys\nprint(flush=True)\nsys.stdin.read()\n{code}"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"\n"
            yield child
        finally:
            child.kill()


def _run(arguments: list[str], cwd: Path | None, environment: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
