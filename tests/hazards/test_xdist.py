"""Controllers and workers: what only one of them knows, workers that go away, and ways to distribute."""

from __future__ import annotations

import json
import sys

import pytest

from end_to_end.readback import Json, own_steps, read_run, read_runs
from hazards.trying import Pair, needs_namespaces

FOUR = "".join(f"def test_{name}(): pass\n" for name in "abcd")
ALL_FOUR = {f"test_it > test_{name}": "passed" for name in "abcd"}


def roles(pair: Pair) -> list[str]:
    """Return what the processes of the run say that they were."""
    journals = (pair.project.run_folder / "journal").iterdir()
    return sorted(json.loads(journal.read_text().partition("\n")[0])["role"] for journal in journals)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["alone"]),
        (("-n0",), ["alone"]),
        (("--dist=load",), ["alone"]),
        (("-n2",), ["controller", "worker", "worker"]),
        (("-d", "--tx=2*popen"), ["controller", "worker", "worker"]),
    ],
    ids=lambda value: f"B31-{' '.join(value) or 'no option'}" if isinstance(value, tuple) else "",
)
def test_who_is_who(pair: Pair, arguments: tuple[str, ...], expected: list[str]) -> None:
    # A subprocess of somebody's tests inherits it, and is no worker.
    pair.project.environment["PYTEST_XDIST_WORKER"] = "gw0"
    pair.write("test_it.py", FOUR)
    run = pair.run(*arguments)
    assert run.outcomes == ALL_FOUR
    assert roles(pair) == expected


_VARIED = """
    import pytest

    class Base(Exception): pass

    @pytest.mark.slow
    @pytest.mark.parametrize("x", [1, "two", (3,)])
    def test_parameters(x, record_property):
        print("out of", x)
        record_property("seen", str(x))

    @pytest.fixture
    def broken():
        yield
        raise Base("cannot clean up")

    def test_compares():
        assert {"a": 1} == {"a": 2}

    def test_raises():
        try:
            raise Base("first")
        except Base as error:
            raise ValueError("second") from error

    def test_breaks(broken): pass

    @pytest.mark.xfail(reason="known")
    def test_known():
        assert 0

    @pytest.mark.skip(reason="later")
    def test_skipped(): pass

    def test_fails_softly():
        pytest.fail("no trace", pytrace=False)
"""


def test_b32_b33_workers_tell_what_a_plain_session_tells(pair: Pair) -> None:

    pair.write("test_it.py", _VARIED)
    pair.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    for workers in (0, 2):
        pair.try_both(workers=workers)
        for folder in pair.project.run_folders:
            pair.project.wait_for_uploader(folder)
    distributed, plain = read_runs(pair.target)
    assert _told(distributed.tests) == _told(plain.tests)
    assert distributed.test("test_compares")["error"]["actual"] == "{'a': 1}"


def _told(tests: list[Json]) -> dict[str, object]:
    own = ("title", "status", "filePath", "lineNumber", "error", "stdout", "stderr", "tags", "retries", "attempt")
    told: dict[str, object] = {}
    for test in tests:
        annotations = test["annotations"]
        kept = [each for each in annotations if each["type"] not in ("worker", "report-id")]
        told[str(test["fullTitle"])] = ({name: test[name] for name in own}, kept)
    return told


def test_b34_what_execnet_cannot_dump(pair: Pair) -> None:
    pair.write(
        "test_it.py",
        """
        class Odd: pass

        def test_a(): pass

        def test_b(record_property):
            record_property("odd", Odd())

        def test_c(): pass

        def test_d():
            assert "\\ud800" == "x"
        """,
    )
    bare = pair.project.run(workers=1, report=False)
    reported = pair.project.run(workers=1)
    assert reported.exit == bare.exit
    pair.project.wait_for_uploader()

    run = read_run(pair.target)
    # xdist's controller never hears of it, and which of the others still run is its affair.
    assert run.outcomes["test_it > test_a"] == "passed"
    assert run.outcomes["test_it > test_b"] == "failed"
    assert "Odd" in run.test("test_b")["error"]["message"]
    run.check_totals()


def test_b35_a_controller_that_breaks(pair: Pair) -> None:
    pair.write("test_it.py", FOUR)
    pair.write(
        "conftest.py",
        """
        import os

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ and report.when == "call":
                raise RuntimeError("the controller's own")
        """,
    )
    bare = pair.project.run(workers=2, report=False)
    reported = pair.project.run(workers=2)
    assert (reported.exit, bare.exit) == (3, 3)
    pair.project.wait_for_uploader()

    run = read_run(pair.target)
    assert run.outcomes
    assert set(run.outcomes.values()) <= {"passed", "skipped"}
    assert run.status == "failed"
    run.check_totals()


def test_b36_workers_that_take_the_place_of_others(pair: Pair) -> None:
    pair.write(
        "test_it.py",
        """
        import os, pytest

        @pytest.mark.parametrize("number", range(9))
        def test_it(number):
            if number in (2, 4):
                os._exit(3)
        """,
    )
    run = pair.run(workers=1)
    assert run.outcomes == {
        f"test_it > test_it[{number}]": "failed" if number in (2, 4) else "passed" for number in range(9)
    }
    assert roles(pair) == ["controller", "worker", "worker", "worker"]


def test_b47_every_worker_runs_every_test(pair: Pair) -> None:
    pair.write("test_it.py", "import os\ndef test_it():\n    assert os.environ['PYTEST_XDIST_WORKER'] == 'gw0'\n")
    pair.try_both("--dist=each", "--tx=2*popen")
    pair.project.wait_for_uploader()

    run = read_run(pair.target)
    found = {
        annotation["description"]: test["status"]
        for test in run.tests
        for annotation in test["annotations"]
        if annotation["type"] == "worker"
    }
    assert found == {"gw0": "passed", "gw1": "failed"}
    assert run.totals == {"total": 2, "passed": 1, "failed": 1, "skipped": 0, "flaky": 0}


def test_b57_workers_in_a_directory_of_their_own(pair: Pair) -> None:
    pair.write("pkg/test_it.py", FOUR)
    pair.write("pkg/__init__.py", "")
    pair.write("elsewhere/.keep", "")
    run = pair.run("-d", "--tx=popen//chdir=elsewhere", "--rsyncdir=pkg")
    assert run.outcomes == ALL_FOUR


_ELSEWHERE = """\
#!/bin/sh
exec unshare --mount sh -c 'mount -t tmpfs none "{spool}" && exec "$@"' sh "{python}" "$@"
"""


@needs_namespaces
def test_b60_workers_that_do_not_reach_the_run_folder(pair: Pair) -> None:
    """As on another machine: what is written to the spool's path there is not seen here."""
    spool = pair.project.spool
    spool.mkdir()
    for project in (pair.project, pair.bare):
        python = project.write("elsewhere", _ELSEWHERE.format(spool=spool, python=sys.executable))
        python.chmod(0o755)
    pair.write("pytest.ini", "[pytest]\nmarkers = slow\n")
    pair.write(
        "conftest.py",
        """
        def pytest_platform_begin(item, test):
            if item.name == "test_unseen":
                test.drop()

        def pytest_platform_end(item, test):
            test.annotate("attempts", str(len(test.attempts)))
            if item.name == "test_forgotten":
                test.drop()
        """,
    )
    pair.write(
        "test_it.py",
        """
        import os, pytest
        from pathlib import Path
        from pytest_platform_report import attach, step

        def test_unseen(): pass

        def test_forgotten(): pass

        HERE = Path(__file__).parent

        @pytest.mark.slow
        @pytest.mark.parametrize("number", range(3))
        def test_it(number):
            with step("count"):
                print("it is", number)
                assert number < 2

        def test_files():
            assert not list(HERE.glob(".platform-report/*"))
            attach(b"content", name="note.txt")

        def test_again():
            seen = HERE / "seen"
            if not seen.exists():
                seen.touch()
                assert 0

        @pytest.mark.flaky(reruns=0)
        def test_dies():
            os._exit(3)
        """,
    )
    run = pair.run("-d", f"--tx=2*popen//python={pair.project.root}/elsewhere", "--reruns=1", "--dist=loadfile")
    assert run.outcomes == {
        "test_it > test_it[0]": "passed",
        "test_it > test_it[1]": "passed",
        "test_it > test_it[2]": "failed",
        "test_it > test_files": "passed",
        "test_it > test_again": "flaky",
        "test_it > test_dies": "failed",
    }
    failed = run.test("test_it[2]")
    assert (failed["stdout"], failed["tags"], len(failed["attempts"])) == ("it is 2\n", ["@slow"], 2)
    assert [(step["title"], step["status"]) for step in own_steps(failed)] == [("count", "failed")]
    assert run.annotations("test_again")["attempts"] == "2"
    assert run.test("test_dies")["error"]["message"] == "process ended (exit code 3) while running this test"
    assert (run.status, run.artifacts) == ("failed", [])
    assert "gw0 cannot reach the run folder: its results came through xdist" in pair.reported.out
    assert "not sent: note.txt: attached where the run folder cannot be reached" in pair.reported.out
