"""Processes by identity, with real ones that live, end and are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from children import wait_until, waiting_process

from pytest_platform_report.process import Watched, describe_exit, identify


def _tells_ends() -> bool:
    """Whether this kernel tells through a pidfd how a process has ended: Linux 6.15 and up."""
    if not hasattr(os, "pidfd_open"):
        return False
    release = os.uname().release.split(".")
    return (int(release[0]), int(release[1])) >= (6, 15)


needs_ends = pytest.mark.skipif(not _tells_ends(), reason="PIDFD_INFO_EXIT is of Linux 6.15 and up")


@contextmanager
def watched(identity: dict[str, Any], pidfd: int | None = None) -> Iterator[Watched]:
    process = Watched(identity, pidfd)
    try:
        yield process
    finally:
        process.close()


def let_end(child: subprocess.Popen[bytes]) -> None:
    """Let a waiting process go on to its end, and leave it unreaped."""
    assert child.stdin is not None
    child.stdin.close()
    wait_until(lambda: state_of(child.pid) == "Z")


def state_of(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rfind(")") + 2]


class TestIdentify:
    def test_same_process_same_identity(self) -> None:
        assert identify(os.getpid()) == identify(os.getpid())

    def test_tells_processes_apart(self) -> None:
        with waiting_process() as child:
            assert identify(child.pid)["started"] != identify(os.getpid())["started"]
            assert identify(child.pid)["boot"] == identify(os.getpid())["boot"] != ""

    def test_name_that_looks_like_more_fields(self, tmp_path: Path) -> None:
        program = tmp_path / ") S 1 2 (a b)"
        program.symlink_to(sys.executable)
        with subprocess.Popen([program, "-c", "input()"], stdin=subprocess.PIPE, executable=str(program)) as child:
            plain = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()
            assert identify(child.pid)["started"] == int(plain[19])


class TestIsAlive:
    def test_this_process(self) -> None:
        with watched(identify(os.getpid())) as process:
            assert process.is_alive()

    def test_until_it_is_killed(self) -> None:
        with waiting_process() as child, watched(identify(child.pid)) as process:
            assert process.is_alive()
            child.kill()
            wait_until(lambda: not process.is_alive())
            child.wait()
            assert not process.is_alive()

    def test_zombie_is_not(self) -> None:
        with waiting_process() as child, watched(identify(child.pid)) as process:
            let_end(child)
            assert not process.is_alive()
            os.kill(child.pid, 0)  # which a mere look at the number would take for life

    def test_stopped_process_is(self) -> None:
        with waiting_process() as child, watched(identify(child.pid)) as process:
            child.send_signal(signal.SIGSTOP)
            wait_until(lambda: state_of(child.pid) == "T")
            assert process.is_alive()

    def test_another_process_with_its_number_is_not_it(self) -> None:
        earlier = {**identify(os.getpid()), "started": identify(os.getpid())["started"] - 1}
        with watched(earlier) as process:
            assert not process.is_alive()

    def test_process_before_a_reboot_or_in_another_container_is_not_here(self) -> None:
        with watched({**identify(os.getpid()), "boot": "another"}) as process:
            assert not process.is_alive()
            assert process.how_it_ended() == ""

    def test_without_start_times_the_number_has_to_do(self) -> None:
        with waiting_process() as child, watched({**identify(child.pid), "started": None}) as process:
            assert process.is_alive()
            child.kill()
            child.wait()
            assert not process.is_alive()


class TestHowItEnded:
    @needs_ends
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
            ("os.kill(os.getpid(), signal.SIGTERM)", "signal 15"),
            ("os._exit(7)", "exit code 7"),
            ("os._exit(0)", "exit code 0"),
        ],
    )
    def test_through_a_descriptor_from_before(self, code: str, expected: str) -> None:
        with waiting_process(code) as child, watched(identify(child.pid)) as process:
            assert process.how_it_ended() == "", "it has not ended"
            let_end(child)
            child.wait()
            assert process.how_it_ended() == expected

    @needs_ends
    def test_through_a_descriptor_that_is_handed_over(self) -> None:
        with waiting_process("os._exit(3)") as child:
            identity, pidfd = identify(child.pid), os.pidfd_open(child.pid)
            let_end(child)
            child.wait()
            with watched(identity, pidfd) as process:
                assert not process.is_alive()
                assert process.how_it_ended() == "exit code 3"

    def test_nothing_is_known_of_a_process_met_too_late(self) -> None:
        with waiting_process() as child:
            identity = identify(child.pid)
        with watched(identity) as process:
            assert process.how_it_ended() == ""

    def test_descriptor_that_tells_nothing(self) -> None:
        with watched(identify(os.getpid()), os.open(os.devnull, os.O_RDONLY)) as process:
            assert process.how_it_ended() == ""

    def test_close_gives_the_descriptor_back(self) -> None:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        process = Watched(identify(os.getpid()), descriptor)
        process.close()
        process.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)

    @pytest.mark.parametrize(("code", "words"), [(-9, "signal 9"), (0, "exit code 0"), (3, "exit code 3")])
    def test_in_words(self, code: int, words: str) -> None:
        assert describe_exit(code) == words
