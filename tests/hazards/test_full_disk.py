"""A disk that is full, for a while or to the end: the journal, the uploader's record and the platform share it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from hazards.trying import Pair, needs_namespaces, two_workers

_FILLS = """
    import json, os, signal, threading
    from pathlib import Path
    import pytest

    SPOOL = Path(__file__).parent / ".platform-report"
    FILLING = SPOOL / "filling"

    def fill():
        with FILLING.open("ab", buffering=0) as file:
            for size in (4096, 1):
                with pytest.raises(OSError, match="No space left on device"):
                    while True:
                        file.write(size * b"x")

    def wait_for(pattern):
        while not list(SPOOL.glob(pattern)):
            threading.Event().wait(0.01)

"""

_ROOM_AGAIN = f"""{_FILLS}
    def test_before(): pass

    def test_fills():
        if SPOOL.is_mount():
            fill()
            wait_for("runs/*/delivery.sqlite")

    @pytest.mark.parametrize("number", range(4))
    def test_full(number):
        print(2000 * "x")

    def test_room():
        FILLING.unlink(missing_ok=True)

    def test_fails():
        assert 0
"""

_NO_ROOM = f"""{_FILLS}
    def test_fills():
        if SPOOL.is_mount():
            wait_for("runs/*/status.json")
            (status,) = SPOOL.glob("runs/*/status.json")
            os.kill(json.loads(status.read_text())["process"]["pid"], signal.SIGSTOP)
            fill()
        print(5000 * "x")  # more than the last block of the journal may have left

    @pytest.mark.parametrize("number", range(7))
    def test_full(number):
        print(2000 * "x")

    def test_fails():
        assert 0
"""


@pytest.fixture
def small(pair: Pair) -> Iterator[Pair]:
    """A pair whose reported sessions have their spool on a file system of 1 MiB, which only they can see."""
    project, spool = pair.project, pair.project.spool
    spool.mkdir()
    mount = f"mount -t tmpfs -o size=1m none {spool} && echo mounted && exec sleep infinity"
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", mount], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "mounted\n"
            enter = f"--mount=/proc/{holder.pid}/ns/mnt"
            project.under = ("nsenter", enter, "sh", "-c", 'cd "$0" && exec "$@"', str(project.root))
            project.spool = Path(f"/proc/{holder.pid}/root{spool}")
            yield pair
            project.close()
        finally:
            holder.kill()


def keep(pair: Pair, folder: Path) -> Target:
    """Return the project's platform as it is when its uploader is gone, in a place that can be read from here."""
    pair.project.wait_for_uploader()
    shutil.copytree(pair.project.spool / "platform", folder)
    return Target("embedded", folder)


@pytest.mark.embedded
@needs_namespaces
@two_workers
def test_a19_a_disk_that_is_full_for_a_while(small: Pair, workers: int, tmp_path: Path) -> None:
    small.write("test_it.py", _ROOM_AGAIN)
    small.try_both(*(["--dist=loadfile"] if workers else []), workers=workers)
    small.target = keep(small, tmp_path / "platform")
    run = small.read()
    assert run.outcomes == {
        "test_it > test_before": "passed",
        "test_it > test_fills": "passed",
        **{f"test_it > test_full[{number}]": "passed" for number in range(4)},
        "test_it > test_room": "passed",
        "test_it > test_fails": "failed",
    }
    assert run.status == "failed"
    assert all(run.test(f"test_full[{number}]")["stdout"].count("x") == 2000 for number in range(4))
    assert "8 tests run, 8 acknowledged" in small.reported.out


@pytest.mark.embedded
@needs_namespaces
@two_workers
def test_a19_a_disk_that_stays_full(small: Pair, workers: int, tmp_path: Path) -> None:
    small.write("test_it.py", _NO_ROOM)
    small.project.environment["PLATFORM_DRAIN_TIMEOUT"] = "1"
    small.try_both(*(["--dist=loadfile"] if workers else []), workers=workers)
    said = " ".join(small.reported.out.split())
    assert "9 tests run, 0 acknowledged so far" in said
    assert (
        "records could not be written (No space left on device): of test_it.py::test_fills, test_it.py::test_f" in said
    )
    assert " and 4 more tests" in said
    assert "not everything was delivered" in said

    (small.project.spool / "filling").unlink()
    os.kill(small.project.status()["process"]["pid"], signal.SIGCONT)
    small.target = keep(small, tmp_path / "platform")
    assert set(small.read().outcomes) == {"test_it > test_fills"}
