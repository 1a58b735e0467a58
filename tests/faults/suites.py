"""The suites that sessions run: plain pytest, so that any plugin can report them."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

FILE = "test_it.py"

_TESTS = """\
import os
import signal

import pytest


class TestIt:
    def test_01(self): pass
    def test_02(self): pass
    def test_03(self): pass
    def test_04(self): pass
    def test_05(self): pass
    def test_06(self): pass


def test_07(): pass


@pytest.mark.skip(reason="not today")
def test_08(): pass


def test_09():
    {attach}
    assert "tea" == "coffee"
"""

_KILLED = """

def test_10():
    os.kill(os.getpid(), signal.SIGKILL)
"""

_EXPECTED = {**{f"test_{number:02}": "passed" for number in range(1, 8)}, "test_08": "skipped", "test_09": "failed"}
_MANY = 80


@dataclass(frozen=True)
class Suite:
    """A module of tests.

    :ivar expected: the tests' statuses by name.
    :ivar exit: pytest's exit status without a report.
    :ivar status: of its run.
    :ivar suites: paths of titles, as the reporting API has them.
    :ivar files: how many files a test attaches, where a plugin's way to attach one is given.
    """

    text: str
    expected: dict[str, str]
    exit: int
    status: str
    suites: tuple[tuple[str, ...], ...]
    files: int = 0

    def source(self, attach: str) -> str:
        """Return the module; *attach* is a statement that attaches a file to the running test."""
        return self.text.replace("{attach}", attach or "pass")


_BOTH = (("test_it",), ("test_it", "TestIt"))

SUITES = {
    "small": Suite(_TESTS, _EXPECTED, 1, "failed", _BOTH, files=1),
    "killed": Suite(_TESTS + _KILLED, {**_EXPECTED, "test_10": "failed"}, -9, "cancelled", _BOTH, files=1),
    "many": Suite(
        dedent("""\
            import pytest
        """)
        + "".join(f"\ndef test_{number:02}(): pass\n" for number in range(1, _MANY))
        + f"\ndef test_{_MANY}(): assert False\n",
        {**{f"test_{number:02}": "passed" for number in range(1, _MANY)}, f"test_{_MANY}": "failed"},
        1,
        "failed",
        (("test_it",),),
    ),
}
