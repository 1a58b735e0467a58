"""What a platform is told of a run besides its tests."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from textwrap import dedent

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

_SUITE = """
    import pytest

    @pytest.mark.smoke
    def test_one(): pass

    @pytest.mark.smoke
    def test_two(): pass

    def test_left_out(): pass
"""

_CONFTEST = """
    def pytest_addoption(parser):
        parser.addoption("--password")

    def pytest_configure(config):
        config.addinivalue_line("markers", "smoke: runs first")
"""

# The options of pytest-playwright; the real one brings a browser's driver along.
_PLAYWRIGHT = """
    def pytest_addoption(parser):
        parser.addoption("--browser", action="append", default=[])
        parser.addoption("--device")
"""

_PYTHON = platform.python_version()


_BROWSER_FIELDS = ("browser", "viewport", "playwrightVersion")
_WITH_BROWSERS = ("-p", "pytest_playwright.pytest_playwright")


def write_suite(project: Project) -> None:
    project.write("conftest.py", _CONFTEST)
    project.write("test_it.py", _SUITE)
    project.write("pytest_playwright/pytest_playwright.py", _PLAYWRIGHT)


def test_a_run_says_where_it_comes_from(target: Target, project: Project) -> None:
    write_suite(project)
    project.write("playwright-1.99.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: playwright\nVersion: 1.99.0\n")
    pull = {"head": {"sha": "a" * 40}, "title": "Log in", "user": {"login": "jane"}}
    event = project.write("event.json", json.dumps({"pull_request": pull}))
    project.environment |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_HEAD_REF": "feature/login",
        "GITHUB_SHA": "b" * 40,
        "GITHUB_EVENT_PATH": str(event),
        "GIT_CEILING_DIRECTORIES": str(project.root.parent),
    }
    target.will(Fault("lost answer", method="PATCH"))  # to the metadata
    asked = ["-k", "one or two", "-m", "smoke", "--password", "hunter-22", "--platform-tag=nightly"]
    ended = project.run(*asked, *_WITH_BROWSERS, "--browser=firefox", "--browser=webkit", workers=2)
    assert "2 tests run, 2 acknowledged" in ended.out

    run = read_run(target)
    found = run.fields["metadata"]
    assert {name: found[name] for name in ("python", "pytest")} == {"python": _PYTHON, "pytest": pytest.__version__}
    assert found["platform"] == f"{os.uname().sysname}-{os.uname().release}-{os.uname().machine}"
    assert f"pytest-xdist {version('pytest-xdist')}" in found["plugins"].split(", ")
    assert "-k 'one or two' -m smoke --password '[redacted]' --platform-tag=nightly" in found["command"]
    assert "hunter-22" not in repr(run)
    assert [path for path in project.spool.rglob("*") if path.is_file() and b"hunter-22" in path.read_bytes()] == []

    tags = [f"python:{_PYTHON}", f"pytest:{pytest.__version__}", f"report-id:{project.run_folder.name}"]
    expected = {
        "tags": ["nightly", *tags],
        "grepPatterns": ["one or two", "smoke"],
        "workers": 2,
        "browser": "firefox, webkit",
        "viewport": "1280x720",
        "playwrightVersion": "1.99.0",
        "branch": "feature/login",
        "commitSha": "a" * 40,
        "commitMessage": "Log in",
        "commitAuthor": "jane",
    }
    assert {name: run.fields[name] for name in expected} == expected


@pytest.mark.parametrize("target", ["plain"], indirect=True)
def test_a_platform_that_announces_nothing_is_told_in_tags(target: Target, project: Project) -> None:
    write_suite(project)
    ended = project.run()
    assert "3 tests run, 3 acknowledged" in ended.out
    run = read_run(target)
    assert {f"python:{_PYTHON}", f"pytest:{pytest.__version__}"} < set(run.fields["tags"])
    assert {run.fields[name] for name in _BROWSER_FIELDS} == {None}
    bodies = [request.body for request in target.gate.requests]
    assert not [body for body in bodies if "metadata" in (body or {})]


def test_a_run_does_without_metadata_that_is_refused(target: Target, project: Project) -> None:
    write_suite(project)
    target.will(Fault("answer", method="PATCH", status=400, body=b'{"error": {"code": "VALIDATION_ERROR"}}'))
    project.write("conftest.py", f"{dedent(_CONFTEST)}\n\nbrowser_context_args = 'its own contexts'\n")
    ended = project.run(*_WITH_BROWSERS)
    assert "3 tests run, 3 acknowledged" in ended.out
    run = read_run(target)
    assert (run.status, run.fields["metadata"]) == ("passed", {})
    assert [run.fields[name] for name in _BROWSER_FIELDS] == ["chromium", None, None]
    run.check_totals()
