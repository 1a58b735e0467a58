"""What ends the uploader's sleep."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytest_platform_report.uploader.bell import Bell

SLEEPER = """
import sys
from pytest_platform_report.uploader.bell import Bell

bell = Bell()
print("sleeps", flush=True)
bell.wait(600, map(int, sys.argv[1:]))
bell.wait(0, ())
bell.close()
print("woke")
"""


def sleep(*ends: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLEEPER, *map(str, ends)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=ends)
    assert process.stdout is not None
    assert process.stdout.readline() == "sleeps\n"
    return process


def test_a_session_that_rings() -> None:
    process = sleep()
    process.send_signal(signal.SIGURG)
    assert process.communicate(timeout=60)[0] == "woke\n"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="no descriptors of processes")
def test_a_session_that_ends() -> None:
    with subprocess.Popen(["sleep", "600"]) as session:
        pidfd = os.pidfd_open(session.pid)
        process = sleep(pidfd)
        os.close(pidfd)
        session.kill()
    assert process.communicate(timeout=60)[0] == "woke\n"


def test_a_call_from_before_the_sleep() -> None:
    bell = Bell()
    os.kill(os.getpid(), signal.SIGURG)
    bell.wait(60, ())
    bell.close()
    os.kill(os.getpid(), signal.SIGURG)  # does nothing any more
    bell.wait(0, ())
