"""The places that tests are given are those that pytest would have found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from children import run_pytest

CONFTEST = """
import json, pytest
from pathlib import Path

PLACES = Path("places.json").absolute()
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
    with open(PLACES, "w") as file:
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

MOVES = """
import os
exec(compile("def test_made(): pass", "made.py", "exec"))
made = globals().pop("test_made")
def test_moves(): os.chdir(os.pardir)
test_made = made
"""


@pytest.mark.parametrize("chosen", [(), ("-p", "moved")], ids=["as it is", "moved by a plugin"])
def test_places(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "moved.py").write_text(
        "import pytest\n\npytest.Function.reportinfo = lambda item: ('moved.py', 7, item.name.upper())\n"
    )
    expected, found, asked = run(tmp_path, {"test_one.py": TESTS, "inside/test_two.py": TESTS}, *chosen)
    assert len(expected) >= 2 * 20
    assert found == expected
    if not chosen:  # pytest is not asked again for those in the file of the one before
        plain = {"test_parameters[1]", "test_parameters[2]", "test_static", "test_inside[1]", "test_wrapped"}
        assert plain.isdisjoint(asked)


def test_a_place_that_depends_on_where_the_process_is(tmp_path: Path) -> None:
    _, found, _ = run(tmp_path, {"test_it.py": MOVES})
    assert found == {
        "test_it.py::test_moves": ["test_it.py", 4, "test_moves"],
        "test_it.py::test_made": ["../made.py", 0, "test_made"],
    }


def run(project: Path, tests: dict[str, str], *arguments: str) -> Any:
    """Return the places that pytest finds, those that tests are given, and the names of those that it is asked for."""
    (project / "pytest.ini").write_text("[pytest]\nmarkers = smoke\npythonpath = .\n")
    (project / "conftest.py").write_text(CONFTEST)
    for name, text in tests.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    run_pytest(
        project,
        *("-p", "pytest_platform_report.plugin", "--platform-report", "--platform-detach", *arguments),
        "--import-mode=importlib",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    return json.loads((project / "places.json").read_text())
