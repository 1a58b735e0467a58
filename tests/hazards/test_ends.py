"""Tests that end, fork or replace the process that they run in, and what takes their place."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import pytest

from end_to_end.readback import read_runs
from hazards.hazards import Hazard, Session
from hazards.trying import Pair, attempt, each, two_workers

# What a test does; a signal that asks a session to end gives no verdict there.
DEATHS = {
    "exit": "os._exit(0)",
    "abort": "os.abort()",
    "segfault": "os.kill(os.getpid(), signal.SIGSEGV)",
    "kill": "os.kill(os.getpid(), signal.SIGKILL)",
    "term": "os.kill(os.getpid(), signal.SIGTERM)",
    "exec": "os.execv(sys.executable, [sys.executable, '-c', ''])",
}

_FORKS = Hazard(
    "A21",
    "a forked child that goes on as pytest",
    """
    import os
    from pathlib import Path

    SESSION = os.getpid()

    def test_forks():
        child = os.fork()
        if child:
            os.waitpid(child, 0)

    def test_is_run_twice(platform_report):
        platform_report.attach(b"twice", name="twice.txt")

    def test_fails():
        assert 0

    def test_child_leaves():
        if os.getpid() != SESSION and not Path(__file__).with_name("to_the_end").exists():
            os._exit(0)
    """,
    passed="test_forks test_is_run_twice test_child_leaves",
    failed="test_fails",
)

_FORKS_TO_THE_END = replace(_FORKS, name="a forked child that goes on as pytest to the session's end")

SESSIONS = (
    Session((_FORKS,), xdist="without"),
    Session((_FORKS_TO_THE_END,), files={"to_the_end": ""}, xdist="without"),
)


@each(SESSIONS)
def test_goes_on(session: Session, workers: int, pair: Pair) -> None:
    run = attempt(session, workers, pair)
    if any(hazard in (_FORKS, _FORKS_TO_THE_END) for hazard in session.hazards):
        assert run.content("twice.txt") == b"twice"


def test_a24_a_test_that_asks_the_session_to_end(pair: Pair) -> None:
    pair.write(
        "test_it.py",
        f"import os, signal\ndef test_a(): pass\ndef test_b():\n    {DEATHS['term']}\ndef test_c(): pass\n",
    )
    run = pair.run()
    assert run.outcomes == {"test_it > test_a": "passed", "test_it > test_b": "skipped"}
    assert run.status == "cancelled"


def test_a24_tests_that_end_their_workers(pair: Pair) -> None:
    deaths = "".join(f"def test_{name}():\n    {death}\n" for name, death in DEATHS.items())
    pair.write("test_it.py", f"import os, signal, sys\ndef test_a(): pass\n{deaths}\ndef test_z(): pass\n")
    run = pair.run(workers=2)
    died = {f"test_it > test_{name}": "failed" for name in DEATHS}  # by whatever signal: their session goes on
    assert run.outcomes == {"test_it > test_a": "passed", **died, "test_it > test_z": "passed"}
    assert run.status == "failed"


@pytest.mark.skipif(not find_spec("pytest_randomly"), reason="pytest-randomly is not installed")
@two_workers
def test_a29_the_same_seed(pair: Pair, workers: int) -> None:
    pair.write(
        "test_it.py",
        """
        import pathlib, random, pytest

        @pytest.mark.parametrize("number", range(4))
        def test_draws(number):
            with pathlib.Path(__file__).with_name(f"drawn-{number}").open("a") as file:
                print(random.getrandbits(64), random.random(), file=file)
        """,
    )
    for _ in range(2):
        pair.try_both("-p", "pytest_randomly", "--randomly-seed=1", workers=workers)
        assert pair.reported.exit == 0, pair.reported.out
    for folder in pair.project.run_folders:
        pair.project.wait_for_uploader(folder)
    first, second = read_runs(pair.target)
    assert first.outcomes == second.outcomes == {f"test_it > test_draws[{n}]": "passed" for n in range(4)}
    for number in range(4):
        drawn = [(project.root / f"drawn-{number}").read_text() for project in (pair.project, pair.bare)]
        assert drawn[0] == drawn[1]
        assert len(set(drawn[0].splitlines())) == 1
