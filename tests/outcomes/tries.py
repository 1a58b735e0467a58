"""Projects whose tests count how often they were tried, and what their attempts have to show."""

from __future__ import annotations

from collections.abc import Mapping

from outcomes.cases import NO_INI, Attempt

# Each try of a name prints its number, and is a step; tests in several processes, each with names of its own, count on.
_TRIES = """
import os, pytest, sys
from pathlib import Path
from pytest_platform_report import step
def count(name):
    told = Path(__file__).with_name(f'{name}.count')
    number = int(told.read_text()) + 1 if told.exists() else 1
    told.write_text(str(number))
    print(f'{name} {number}', flush=True)
    return number
def fails(name, times=1, error=OSError):
    number = count(name)
    with step(f'try {number}'):
        if number <= times:
            raise error(f'no. {number}')
def dies(name, times=1):
    with step(f'try {name}'):
        if count(name) <= times:
            os._exit(3)
"""
# The plugin tells the controller how often a test may be tried without waiting until that has heard; an answer on the
# same connection says that it has, or a worker that dies at once may be judged before.
_KNOWN = """
def pytest_runtest_setup(item):
    counts = getattr(item.config, 'failures_db', None)
    if counts is not None:
        counts.get_test_failures(item.nodeid)
"""


def project(source: str, ini: str = "") -> Mapping[str, str]:
    """Return the files of a project whose tests may count, fail and die."""
    return {
        "conftest.py": _KNOWN,
        "test_it.py": _TRIES + source,
        "pytest.ini": NO_INI + ini,
    }


def bad(name: str, number: int, output: str = "") -> Attempt:
    """Return an attempt that failed in its try of that number; *output* where it printed more."""
    return Attempt("failed", f"no. {number}", ((f"try {number}", "failed"),), output or f"{name} {number}\n")


def good(name: str, number: int, output: str = "") -> Attempt:
    """Return an attempt that passed in its try of that number."""
    return Attempt("passed", "", ((f"try {number}", "passed"),), output or f"{name} {number}\n")


def flaky(name: str, failures: int = 1) -> tuple[Attempt, ...]:
    """Return the attempts of a test that passes after *failures*."""
    return (*failed(name, failures), good(name, failures + 1))


def dead(output: str, code: int = 3) -> Attempt:
    """Return an attempt whose process died."""
    return Attempt("failed", f"process ended (exit code {code}) while running this test", (), output)


def failed(name: str, failures: int) -> tuple[Attempt, ...]:
    """Return the attempts of a test that never passes."""
    return tuple(bad(name, number) for number in range(1, failures + 1))
