"""Tests with parts that fail on their own: subtests of pytest 9, of pytest-subtests before it, and of unittest."""

from __future__ import annotations

from typing import Any

from outcomes.cases import Case

_IT = "test_it > "

_SUBTESTS = """
import pytest
from pytest_platform_report import step
def test_a(subtests):
    with step('before'):
        pass
    for i in range(3):
        with subtests.test(msg='even', i=i):
            print('is it', i)
            with step('look'):
                assert i % 2 == 0
    with step('after'):
        pass
def test_b(subtests):
    with subtests.test(msg='fine'):
        pass
    with subtests.test(i=1):
        pass
    with subtests.test():
        pass
def test_c(subtests):
    with subtests.test(msg='fine'):
        pass
    assert 1 == 2
def test_d(subtests):
    with subtests.test(msg='later'):
        pytest.skip('not yet')
    with subtests.test(msg='bug 1'):
        pytest.xfail('known')
    with subtests.test(msg='fine'):
        pass
@pytest.mark.parametrize('x', [1, 2])
def test_e(x, subtests):
    with subtests.test(msg='one'):
        assert x == 1
    with subtests.test(msg='any'):
        pass
"""

_EXPECTED = {
    _IT + "test_a": "failed",
    _IT + "test_b": "passed",
    _IT + "test_c": "failed",
    _IT + "test_d": "passed",
    _IT + "test_e[1]": "passed",
    _IT + "test_e[2]": "failed",
}

_SHOWN: dict[str, Any] = {
    "run": "failed",
    "exit": 1,
    "steps": {
        _IT + "test_a": (
            ("before", "passed"),
            ("even (i=0)", "passed"),
            ("look", "passed"),
            ("even (i=1)", "failed"),
            ("look", "failed"),
            ("even (i=2)", "passed"),
            ("look", "passed"),
            ("after", "passed"),
        ),
        _IT + "test_b": (("fine", "passed"), ("(i=1)", "passed"), ("subtest", "passed")),
        _IT + "test_c": (("fine", "passed"),),
        _IT + "test_d": (("later", "skipped"), ("bug 1", "skipped"), ("fine", "passed")),
        _IT + "test_e[1]": (("one", "passed"), ("any", "passed")),
        _IT + "test_e[2]": (("one", "failed"), ("any", "passed")),
    },
    "messages": {
        _IT + "test_a": "assert (1 % 2) == 0",
        _IT + "test_c": "assert 1 == 2",
        _IT + "test_e[2]": "assert 2 == 1",
    },
    "output": {_IT + "test_a": "is it 0\nis it 1\nis it 2\n"},
}

_UNITTEST = """
import unittest
class TestIt(unittest.TestCase):
    def test_a(self):
        for i in range(2):
            with self.subTest('even', i=i):
                self.assertEqual(i % 2, 0)
    def test_b(self):
        with self.subTest('fine'):
            pass
        with self.subTest(i=1):
            pass
"""
_UNITTEST_SKIP = """
    def test_c(self):
        with self.subTest('later'):
            self.skipTest('not yet')
"""

_UNITTEST_STEPS = {
    _IT + "TestIt > test_a": (("even (i=0)", "passed"), ("even (i=1)", "failed")),
    _IT + "TestIt > test_b": (("fine", "passed"), ("(i=1)", "passed")),
    _IT + "TestIt > test_c": (("later", "skipped"),),
}

SUBTESTS = (
    Case("subtests", "Shapes of tests", _EXPECTED, _SUBTESTS, pytest=(9, 0), **_SHOWN),
    Case(
        "subtests by pytest-subtests",
        "Shapes of tests",
        _EXPECTED,
        _SUBTESTS,
        plugins=("pytest_subtests.plugin",),
        **_SHOWN,
    ),
    Case(
        "unittest's subTest",
        "Shapes of tests",
        {_IT + "TestIt > test_a": "failed", _IT + "TestIt > test_b": "passed"},
        _UNITTEST,
        run="failed",
        exit=1,
    ),
    *(
        Case(
            f"unittest's subTest{name}",
            "Shapes of tests",
            {_IT + "TestIt > test_a": "failed", _IT + "TestIt > test_b": "passed", _IT + "TestIt > test_c": "passed"},
            _UNITTEST + _UNITTEST_SKIP,
            run="failed",
            exit=1,
            steps=_UNITTEST_STEPS,
            pytest=pytest,
            plugins=plugins,
        )
        for name, pytest, plugins in (
            (", with its steps", (9, 0), ()),
            (" by pytest-subtests", (8, 0), ("pytest_subtests.plugin",)),
        )
    ),
)
