"""The places that tests are given are those that pytest would have found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from children import run_pytest

CONFTEST = """
import json, pytest

expected, found, asked = {}, {}, []

def pytest_collection_modifyitems(items):
    for item in items:
        expected[item.nodeid] = type(item).location.func(item)
    find = pytest.Function.reportinfo
    def reportinfo(item):
        asked.append(item.name)
        return find(item)
    pytest.Function.reportinfo = reportinfo

def pytest_runtest_logstart(nodeid, location):
    found[nodeid] = location

def pytest_unconfigure():
    with open("places.json", "w") as file:
        json.dump([expected, found, asked], file)
"""

ELSEWHERE = """
def test_imported():
    pass

def checked(function):
    def check(*args):
        return function(*args)
    return check
"""

TESTS = """
import functools, unittest
from unittest import mock
import pytest
from elsewhere import test_imported, checked

def test_first(): pass

def wrapped(function):
    @functools.wraps(function)
    def wrap(*args): return function(*args)
    return wrap

@pytest.mark.smoke
@pytest.mark.parametrize("number", [1, 2])
def test_parameters(number): pass

@wrapped
def test_wrapped(): pass

@mock.patch("json.dumps")
def test_patched(dumps): pass

@checked
def test_checked(): pass

class TestOuter:
    def test_method(self): pass

    @staticmethod
    def test_static(): pass

    @classmethod
    def test_of_class(cls): pass

    class TestInner:
        @pytest.mark.parametrize("number", [1, 2])
        def test_inside(self, number): pass

    def test_after(self): pass

class TestHeir(TestOuter):
    def test_own(self): pass

class TestUnit(unittest.TestCase):
    def test_unit(self): pass

class Callable:
    def __call__(self): pass

test_callable = Callable()
test_partial = functools.partial(lambda number: None, 1)
test_lambda = lambda: None

def test_placed(): pass
test_placed.place_as = test_first

def test_last(): pass
"""


@pytest.mark.parametrize("chosen", [(), ("-p", "moved")], ids=["as it is", "moved by a plugin"])
def test_places(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = smoke\npythonpath = .\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "moved.py").write_text(
        "import pytest\n\npytest.Function.reportinfo = lambda item: ('moved.py', 7, item.name.upper())\n"
    )
    for name in ("test_one.py", "inside/test_two.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TESTS)

    run_pytest(
        tmp_path,
        *("-p", "pytest_platform_report.plugin", "--platform-report", "--platform-detach", *chosen),
        "--import-mode=importlib",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )

    expected, found, asked = json.loads((tmp_path / "places.json").read_text())
    assert len(expected) >= 2 * 20
    assert found == expected
    if not chosen:  # pytest is not asked again for those in the file of the one before
        assert {"test_parameters[1]", "test_parameters[2]", "test_static", "test_inside[1]"}.isdisjoint(asked)
