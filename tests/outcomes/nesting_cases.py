"""Sessions inside others, and one after the other."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "
_INNER = "def test_inner(): pass\\ndef test_inner_fails(): assert 0"


def _inside(body: str) -> str:
    """Return a test whose body runs a session that would be reported, between two others."""
    return f"""
import os, subprocess, sys
import pytest
pytest_plugins = ["pytester"]
PYTEST = [sys.executable, '-m', 'pytest', '-p', 'xdist', '--platform-report']
INNER = "{_INNER}"
def test_a():
    pass
def test_b(pytester):
    pytester.makepyfile(test_inner=INNER)
    {body}
def test_c():
    pass
"""


NESTING = (
    *(
        Case(name, "Sessions", dict.fromkeys((f"{_IT}test_{letter}" for letter in "abc"), "passed"), _inside(body))
        for name, body in (
            ("pytester in the test's process", "pytester.inline_run('--platform-report').assertoutcome(1, 0, 1)"),
            (
                "pytester in a subprocess",
                "pytester.runpytest_subprocess('--platform-report').assert_outcomes(passed=1, failed=1)",
            ),
            ("pytest.main in a test", "assert pytest.main(['test_inner.py', '--platform-report']) == 1"),
            (
                "pytest by the command line in a test",
                "assert subprocess.run(PYTEST).returncode == 1",
            ),
            (
                "xdist in a test",
                "assert subprocess.run([*PYTEST, '-n1']).returncode == 1",
            ),
        )
    ),
    Case(
        "two sessions in one process",
        "Sessions",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        "def test_a():\n    pass\ndef test_b():\n    assert 0\n",
        run="failed",
        exit=1,
        sessions=2,
    ),
)
