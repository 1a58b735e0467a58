"""An uploader that is killed between any two of its system calls: the next one delivers the rest, and nothing twice.

A spread of the calls by default; all of them where ``PLATFORM_REPORT_EVERY_CALL`` is set, which takes some minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_SPREAD = 14
_GOLDEN = 0.6180339887498949
_SUITE = """
    from pytest_platform_report import attach

    class TestIt:
        def test_one(self): pass

        def test_two(self):
            attach(b"\\x89PNG\\r\\n\\x1a\\n", name="cup.png")

    def test_fails():
        assert False
"""


class Killer:
    """The program that runs uploaders and kills them."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killing.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.problem = self._read()["problem"]

    def close(self) -> None:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def deliver(self, folder: Path, key: str, at: int | None = None) -> tuple[int, int]:
        """Run an uploader to its end, or up to a call; return the number of calls and its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"folder": str(folder), "key": key, "at": at}) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        return answer["calls"], os.waitstatus_to_exitcode(answer["status"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture
def killer() -> Iterator[Killer]:
    killer = Killer()
    try:
        if killer.problem:
            pytest.skip(killer.problem)
        yield killer
    finally:
        killer.close()


@pytest.mark.parametrize("target", ["plain", "served"], indirect=True)
def test_each_thing_is_there_once(target: Target, project: Project, killer: Killer) -> None:
    project.write("test_it.py", _SUITE)
    target.will(Fault("answer", "", times=10**6, status=401))
    assert "3 tests run, 0 acknowledged" in project.run().out
    target.gate.reset()
    kept = project.run_folder
    (kept / "delivery.sqlite").unlink()

    calls, status = killer.deliver(_copy(kept, "whole"), target.key, at=0)
    assert status == 0
    check_and_delete(target)
    for at in _spread(calls):
        folder = _copy(kept, f"killed-{at}")
        assert killer.deliver(folder, target.key, at=at)[1] in (-signal.SIGKILL, 0), "it may have needed fewer calls"
        assert killer.deliver(folder, target.key)[1] == 0
        try:
            check_and_delete(target)
        except AssertionError as error:
            raise AssertionError(f"killed at call {at} of {calls}") from error


@pytest.mark.parametrize("target", ["served"], indirect=True)
def test_answers_that_come_out_of_order(target: Target, project: Project) -> None:
    """Several requests are under way, and not the one that went first is answered first."""
    project.write("test_it.py", "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_it(n): pass\n")
    target.will(Fault("answer", "", times=10**6, status=401))
    assert "9 tests run, 0 acknowledged" in project.run().out
    target.gate.reset()
    target.gate.bulk = 3
    target.will(Fault("held", path="/api/tests/bulk"))
    sync = project.start_command("sync")
    wait_for(lambda: target.gate.is_held.is_set() and count_batches(target) == 2, "two of three were answered")
    sync.kill()
    finish(sync)
    assert sync.returncode == -signal.SIGKILL
    target.gate.release()
    assert project.command("sync").exit == 0
    run = read_run(target)
    assert run.outcomes == {f"test_it > test_it[{number}]": "passed" for number in range(9)}
    assert len(run.tests) == 9
    run.check_totals()


def count_batches(target: Target) -> int:
    return target.gate.count("POST", "/api/tests/bulk")


def check_and_delete(target: Target) -> None:
    run = read_run(target)
    assert run.outcomes == {
        "test_it > TestIt > test_one": "passed",
        "test_it > TestIt > test_two": "passed",
        "test_it > test_fails": "failed",
    }
    assert [(suite["title"], [child["title"] for child in suite["children"]]) for suite in run.suites] == [
        ("test_it", ["TestIt"])
    ]
    run.check_totals()
    assert run.status == "failed"
    files = [(artifact["fileName"], artifact["testId"]) for artifact in run.artifacts]
    assert set(files) == {("cup.png", run.test("test_two")["id"])}
    assert len(files) == 1 or target.kind == "plain"
    answer = httpx.delete(f"{target.address}/api/runs/{run.id}", headers={"X-API-Key": target.key}, trust_env=False)
    assert answer.status_code == 200


def _copy(kept: Path, name: str) -> Path:
    folder = kept.with_name(name)
    shutil.copytree(kept, folder)
    return folder


def _spread(calls: int) -> list[int]:
    """Return numbers from 1 to *calls*, not at equal distances, since the calls of each test are alike."""
    if os.environ.get("PLATFORM_REPORT_EVERY_CALL"):
        return list(range(1, calls + 1))
    return sorted({1 + int(number * _GOLDEN % 1 * calls) for number in range(_SPREAD)})
