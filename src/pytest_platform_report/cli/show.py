"""Show a run in the terminal: its suites, and what failed and why."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ConfigurationError
from ..model import STATUSES
from ..platforms.client import Platform, open_platform
from ..text import number_of
from ._pytest_settings import ask_pytest
from ._terminal import in_words, indent, mark, paint, safe, say

_STACK_LINES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``show`` takes."""
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="id of the run; by default the newest")
    parser.add_argument("--all", action="store_true", help="list every test, not only those that did not just pass")


def run(arguments: argparse.Namespace) -> int:
    """Show a run."""
    settings = ask_pytest(arguments)
    if not settings.url and not (settings.spool / "platform").is_dir():
        raise ConfigurationError(
            f"{settings.spool}: no run is kept here: 'pytest --platform-report' makes one, "
            f"--platform-spool names another folder"
        )
    with open_platform(settings) as platform:
        run_id = arguments.run_id or _newest(platform, settings.destination)
        shown = platform.get_run(run_id)
        tests = list(platform.iter_tests(run_id))
        _show_head(shown, tests)
        _show_tree(tests, everything=arguments.all)
        for test in tests:
            if test.get("status") in ("failed", "flaky"):
                _show_failure(platform, test)
    return 0


def _newest(platform: Platform, destination: str) -> str:
    runs = platform.list_runs(limit=1)
    if not runs:
        raise ConfigurationError(f"{destination}: no run yet: 'pytest --platform-report' makes one")
    return str(runs[0]["id"])


def _show_head(run: Mapping[str, Any], tests: list[Mapping[str, Any]]) -> None:
    status = str(run.get("status", ""))
    where = " @ ".join(safe(run[key])[:length] for key, length in (("branch", 60), ("commitSha", 10)) if run.get(key))
    parts = [safe(run.get("runTitle") or ""), where, safe(run.get("createdAt", "")), in_words(run.get("duration") or 0)]
    say(f"{mark(status, status)}  {paint(safe(run['id']), 'bold')}  {'  '.join(part for part in parts if part)}")
    counts = [f"{run.get(f'{name}Tests') or 0:,} {name}" for name in STATUSES]
    workers = run.get("workers") or 1
    total = number_of(run.get("totalTests") or len(tests), "test")
    say(f"{total}: {', '.join(counts)}; {number_of(workers, 'worker')}")
    command = (run.get("metadata") or {}).get("command")
    if command:
        say(paint(f"$ {safe(command)}", "dim"))


@dataclass
class _Branch:
    """A suite: how its tests ended, those worth a line of their own, and the suites in it."""

    counts: dict[str, int] = field(default_factory=dict)
    tests: list[Mapping[str, Any]] = field(default_factory=list)
    suites: dict[str, _Branch] = field(default_factory=dict)


def _show_tree(tests: list[Mapping[str, Any]], *, everything: bool) -> None:
    files: dict[str, _Branch] = {}
    for test in tests:
        branch = files.setdefault(str(test.get("filePath") or ""), _Branch())
        for name in _suites(str(test.get("fullTitle", "")), str(test.get("title", ""))):
            branch.counts[test["status"]] = branch.counts.get(test["status"], 0) + 1
            branch = branch.suites.setdefault(name, _Branch())
        branch.counts[test["status"]] = branch.counts.get(test["status"], 0) + 1
        if everything or test["status"] != "passed":
            branch.tests.append(test)
    for path, branch in files.items():
        say()
        say(paint(safe(path), "dim"))
        _show_branch(branch, "  ")


def _suites(full_title: str, title: str) -> list[str]:
    """Return what stands before a test's own name, which is its title unless it was given another one."""
    if f" > {full_title}".endswith(f" > {title}"):
        suites = full_title.removesuffix(title).removesuffix(" > ")
    else:
        suites = full_title.partition("[")[0].rpartition(" > ")[0]
    return suites.split(" > ") if suites else []


def _show_branch(branch: _Branch, margin: str) -> None:
    for test in branch.tests:
        title = safe(test.get("title", ""))
        say(f"{margin}{mark(test['status'], title)}  {paint(in_words(test.get('duration') or 0), 'dim')}")
    for name, suite in branch.suites.items():
        counts = " ".join(mark(status, str(suite.counts[status])) for status in STATUSES if status in suite.counts)
        say(f"{margin}{safe(name)}  {counts}")
        _show_branch(suite, margin + "  ")


def _show_failure(platform: Platform, listed: Mapping[str, Any]) -> None:
    test = platform.get_test(str(listed["id"]))
    say()
    say(f"{mark(test['status'], safe(test['fullTitle']))}  {paint(safe(test['id']), 'dim')}")
    place = f"{test.get('filePath') or ''}:{test.get('lineNumber') or ''}".rstrip(":")
    say(paint(f"    {safe(place)}", "dim"))
    for attempt in test.get("attempts") or ():
        message = (attempt.get("error") or {}).get("message", "").partition("\n")[0]
        say(f"    attempt {attempt['attempt']}: {mark(attempt['status'], attempt['status'])} {safe(message)}".rstrip())
    _show_steps(platform.get_steps(str(listed["id"])))
    error = test.get("error")
    if error:
        _show_error(error)


def _show_steps(steps: list[Mapping[str, Any]]) -> None:
    for step in steps:
        margin = "    " + "  " * int(step.get("depth") or 0)
        took = paint(in_words(step.get("duration") or 0), "dim")
        say(f"{margin}{mark(str(step.get('status')), safe(step.get('title', '')))}  {took}")


def _show_error(error: Mapping[str, Any]) -> None:
    say(paint(indent(safe(error.get("message", "")), "    "), "red"))
    for name in ("expected", "actual"):
        if error.get(name) is not None:
            say(f"    {name:>8}: {safe(error[name])}")
    stack = safe(error.get("stack") or "").splitlines()
    if len(stack) > _STACK_LINES:
        say(f"      [... {len(stack) - _STACK_LINES} lines before ...]")
    say(indent("\n".join(stack[-_STACK_LINES:]), "      "))
