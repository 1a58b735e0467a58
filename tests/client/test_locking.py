"""The lock of a run folder, between real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from children import DEADLINE, clean_environment

from pytest_platform_report.errors import CannotLockError, LockedError
from pytest_platform_report.locking import hold

HOLDER = """
import sys
from pathlib import Path
from pytest_platform_report.locking import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield holder
        finally:
            holder.kill()


def test_another_process_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_elsewhere(path), pytest.raises(LockedError, match=f"^{path}: held by another process$"), hold(path):
        pass


def test_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_elsewhere(path) as holder:
        holder.kill()
        holder.wait()
        with hold(path):
            pass


def test_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held_elsewhere(path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        with hold(path, timeout=DEADLINE):
            pass


def test_file_stays_and_can_be_held_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with hold(path):
            pass
        assert path.read_bytes() == b""


def test_let_go_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ValueError, match="mine"), hold(path):
        raise ValueError("mine")
    with hold(path):
        pass


def test_place_that_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    message = rf"^{path}: this file system cannot lock \(.*\): nothing is delivered from here; set --platform-spool to"
    with pytest.raises(CannotLockError, match=message), hold(path):
        pass
