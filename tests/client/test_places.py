"""The places that tests are given are those that pytest would have found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from children import run_pytest

CONFTEST = """
import json
from pathlib import Path

import _pytest.python

PLACES = Path("places.json").absolute()
expected, found, asked = {}, {}, []

def pytest_collection_modifyitems(items):
    for item in items:
        place = type(item).location
        expected[item.nodeid] = (getattr(place, "func", None) or place.fget)(item)

    find = _pytest.python.getfslineno
    def find_and_count(function):
        asked.append(getattr(function, "__name__", ""))
        return find(function)
    _pytest.python.getfslineno = find_and_count

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
exec(compile("def moves(): os.chdir(os.pardir)", "made.py", "exec"))
test_here = test_above = moves
"""

FIND = """
import functools
find = pytest.Function.reportinfo

@functools.wraps(find)
def reportinfo(item):
    return find(item) if item.name != 'test_last' else ('moved.py', 7, item.name.upper())
"""
LATER = """
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems():
    pytest.Function.{0} = {0}
"""
PLACE = """
import functools
located = pytest.Function.location.func
location = property(lambda item: located(item) if item.name != 'test_last' else ('moved.py', 7, 'it'))
"""
PLUGINS = {
    "none": "",
    "finds one": FIND + "pytest.Function.reportinfo = reportinfo",
    "finds one later": FIND + LATER.format("reportinfo"),
    "places one": PLACE + "pytest.Function.location = location",
    "places one as pytest does": PLACE
    + """
pytest.Function.location = functools.cached_property(location.fget)
pytest.Function.location.__set_name__(pytest.Function, "location")
""",
    "places one later": PLACE + LATER.format("location"),
    "tells of one": """
def pytest_itemcollected(item):
    if item.name == 'test_last':
        item.reportinfo = lambda: ('moved.py', 7, item.name)
""",
}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_places(tmp_path: Path, plugin: str) -> None:
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    (tmp_path / "moves.py").write_text("import pytest\n" + PLUGINS[plugin])
    expected, found, asked = run(tmp_path, {"test_one.py": TESTS, "inside/test_two.py": TESTS}, "-p", "moves")
    assert len(expected) >= 2 * 20
    assert found == expected
    if plugin == "none":  # pytest is not asked again for those in the file of the one before
        assert {"test_parameters", "test_static", "test_inside", "test_wrapped"}.isdisjoint(asked)


def test_a_place_that_depends_on_where_the_process_is(tmp_path: Path) -> None:
    _, found, _ = run(tmp_path, {"test_it.py": MOVES})
    assert [place[0] for place in found.values()] == ["made.py", "../made.py"]


def run(project: Path, tests: dict[str, str], *arguments: str) -> Any:
    """Return the places that pytest finds, those that tests are given, and the names of those that it is asked for."""
    (project / "pytest.ini").write_text("[pytest]\nmarkers = smoke\npythonpath = .\n")
    (project / "conftest.py").write_text(CONFTEST)
    for name, text in tests.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    told = run_pytest(
        project,
        *("-p", "pytest_platform_report.plugin", "--platform-report", "--platform-detach", *arguments),
        "--import-mode=importlib",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    assert "internal error: " not in told
    return json.loads((project / "places.json").read_text())
