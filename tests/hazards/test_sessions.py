"""Sessions inside others, sessions that run no test, and sessions that end before their time."""

from __future__ import annotations

import pytest

from hazards.trying import Pair, two_workers

INNER = "def test_inner(): pass\ndef test_inner_fails(): assert 0\n"


def test_b48_sessions_inside(pair: Pair, workers: int) -> None:
    """In a test, in a fixture, in a subprocess that inherits the options, and while the outer one still collects."""
    pair.write("inner/inner.py", INNER)
    pair.write("inner/pytest.ini", "[pytest]\npython_files = inner.py\n")
    pair.write(
        "test_it.py",
        """
        import os, subprocess, sys
        import pytest
        from pathlib import Path

        INNER = str(Path(__file__).with_name("inner"))
        OPTIONS = ["-p", "no:cacheprovider", "-q", INNER, "-c", INNER + "/pytest.ini"]
        REPORT = ["--platform-report"]

        def inner():
            return int(pytest.main([*OPTIONS, *REPORT]))

        COLLECTED = inner()

        @pytest.fixture
        def fixed():
            return inner()

        def test_at_collection():
            assert COLLECTED == 1

        def test_in_fixture(fixed):
            assert fixed == 1

        def test_in_test():
            assert inner() == 1

        def test_in_subprocess():
            environment = {**os.environ, "PYTEST_ADDOPTS": "--platform-report"}
            command = [sys.executable, "-m", "pytest", *OPTIONS]
            assert subprocess.run(command, env=environment, capture_output=True).returncode == 1

        def test_after(): pass
        """,
    )
    run = pair.run(workers=workers)
    assert set(run.outcomes) == {
        f"test_it > test_{name}" for name in ("at_collection", "in_fixture", "in_test", "in_subprocess", "after")
    }
    assert set(run.outcomes.values()) == {"passed"}
    assert not list(pair.project.root.glob("inner/.platform-report"))


def test_b49_loaded_several_times(pair: Pair, workers: int) -> None:
    pair.write("test_it.py", "def test_it(): pass\n")
    pair.write("conftest.py", "pytest_plugins = ['pytest_platform_report.plugin']\n")
    del pair.project.environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
    ended = pair.project.run("-p", "pytest_platform_report.plugin", "-p", "no:randomly", workers=workers)
    assert ended.exit == 0, ended.out
    assert ended.out.count("1 test run, 1 acknowledged") == 1


NO_TESTS: tuple[tuple[str, ...], ...] = (
    ("--help",),
    ("--markers",),
    ("--fixtures",),
    ("--version",),
    ("--collect-only",),
    ("--collect-only", "-n2"),
    ("--setup-plan",),
    ("--setup-only",),
    ("no_such_file.py",),
    ("--no-such-option",),
    ("-k", "no_such_test"),
)


def test_b50_b51_no_test_is_run(pair: Pair) -> None:
    pair.write("test_it.py", "def test_it(): pass\n")
    for arguments in NO_TESTS:
        pair.try_both(*arguments)
        assert pair.project.run_folders == [], arguments
        assert "= platform report =" not in pair.reported.out, arguments


@two_workers
def test_b52_collection_errors_are_told_once(pair: Pair, workers: int) -> None:
    pair.write("test_broken.py", "import no_such_module\n")
    pair.write("test_syntax.py", "def test_a(:\n")
    pair.write("test_skips.py", "import pytest\npytest.skip('later', allow_module_level=True)\n")
    pair.write("test_it.py", "def test_a(): pass\n")
    run = pair.run("--continue-on-collection-errors", workers=workers)
    assert run.outcomes == {
        "test_broken > collection": "failed",
        "test_syntax > collection": "failed",
        "test_skips > collection": "skipped",
        "test_it > test_a": "passed",
    }


@pytest.mark.parametrize(
    "conftest",
    [
        "import no_such_module",
        "raise SystemExit(3)",
        "def pytest_no_such_hook(): pass",
        "def pytest_configure(): 1 / 0",
    ],
    ids=["B53-import", "B53-exit", "B53-unknown hook", "B53-configure"],
)
def test_a_conftest_that_fails(pair: Pair, conftest: str) -> None:
    pair.write("test_it.py", "def test_it(): pass\n")
    pair.write("conftest.py", conftest + "\n")
    pair.try_both()
    assert pair.reported.exit != 0
    assert pair.project.run_folders == []
    assert "platform report" not in pair.reported.out
