"""Tests that close every descriptor, reuse numbers, limit the size of files, or count what their process has."""

from __future__ import annotations

from hazards.hazards import Hazard, Session
from hazards.trying import Pair, attempt, each

_CLOSED = Hazard(
    "A16",
    "all descriptors closed",
    """
    import os

    def test_closes_all():
        os.closerange(3, 65536)

    def test_closes_them_again():
        os.closerange(3, 65536)

    def test_fails():
        os.fstat(3)
    """,
    passed="test_closes_all test_closes_them_again",
    failed="test_fails",
)

_REUSED = Hazard(
    "A17",
    "a descriptor's number that is used again",
    """
    import os

    def ours():
        found = []
        for name in os.listdir("/proc/self/fd"):
            try:
                path = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
            if path.endswith(".jsonl"):
                found.append(int(name))
        return found

    def test_takes_the_number(tmp_path):
        global PATH, TAKEN
        PATH = tmp_path / "mine"
        mine = os.open(PATH, os.O_RDWR | os.O_CREAT)
        TAKEN = ours() or [mine]
        for number in TAKEN:
            os.dup2(mine, number)

    def test_my_file_is_mine():
        assert os.write(TAKEN[0], b"precious") == 8
        assert PATH.read_bytes() == b"precious"
        assert not set(ours()) & set(TAKEN)

    def test_low_numbers_are_free():
        assert all(number >= 60 for number in ours())

    def test_fails():
        assert PATH.read_bytes() == b""
    """,
    passed="test_takes_the_number test_my_file_is_mine test_low_numbers_are_free",
    failed="test_fails",
)

_FULL = Hazard(
    "A19",
    "files that may not grow",
    """
    import os, resource, pytest
    from pathlib import Path

    HARD = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def test_before(): pass

    @pytest.mark.parametrize("number", range(4))
    def test_full(number):
        sizes = [path.stat().st_size for path in Path(__file__).parent.glob(".platform-report/runs/*/journal/*.jsonl")]
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes, default=0) + 100, HARD))
        print("x" * 2000)

    def test_room_again():
        resource.setrlimit(resource.RLIMIT_FSIZE, (HARD, HARD))

    def test_fails():
        assert 0
    """,
    passed="test_before test_full[0] test_full[1] test_full[2] test_full[3] test_room_again",
    failed="test_fails",
    args=("--capture=sys",),
)

_NEUTRAL = Hazard(
    "A25",
    "tests that count threads, descriptors, handlers and children",
    """
    import os, signal, threading
    import pytest

    def opened():
        for name in os.listdir("/proc/self/fd"):
            try:
                yield os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                pass

    THREADS = set(threading.enumerate())
    HANDLERS = {number: signal.getsignal(number) for number in signal.valid_signals()}
    OPENED = set(opened())
    TASKS = len(os.listdir("/proc/self/task"))

    @pytest.fixture
    def count():
        yield
        test_counts()

    def test_counts():
        assert set(threading.enumerate()) == THREADS
        assert {number: signal.getsignal(number) for number in signal.valid_signals()} == HANDLERS
        more = sorted(set(opened()) - OPENED)
        assert len(more) <= 1
        assert all(path.endswith(".jsonl") for path in more)

    def test_counts_in_fixtures(count): pass

    def test_tasks():
        assert len(os.listdir("/proc/self/task")) == TASKS

    def test_children():
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_fails():
        assert 0
    """,
    passed="test_counts test_counts_in_fixtures test_tasks test_children",
    failed="test_fails",
)

_CHILDREN = Hazard(
    "A26",
    "tests that kill and reap all their children",
    """
    import os, signal, subprocess, sys

    def children():
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat") as file:
                        fields = file.read().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[1]) == os.getpid():
                    yield int(name)

    def test_has_none_but_its_own():
        child = subprocess.Popen(["sleep", "60"])
        assert list(children()) == [child.pid]
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        assert os.waitpid(-1, 0) == (child.pid, signal.SIGKILL)
        child.returncode = -9

    def test_fails():
        os.waitpid(-1, 0)
    """,
    passed="test_has_none_but_its_own",
    failed="test_fails",
)

# Where pytest captures with descriptors of its own, closing them breaks pytest; where xdist talks, xdist.
SESSIONS = (
    Session((_CLOSED,), args=("--capture=sys",), xdist="without"),
    Session((_REUSED,)),
    Session((_FULL,)),
    Session((_NEUTRAL, _CHILDREN)),
)


@each(SESSIONS)
def test_descriptors(session: Session, workers: int, pair: Pair) -> None:
    run = attempt(session, workers, pair)
    if any(hazard is _FULL for hazard in session.hazards):
        assert all(run.test(f"test_full[{number}]")["stdout"].count("x") == 2000 for number in range(4))
