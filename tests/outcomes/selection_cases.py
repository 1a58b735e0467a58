"""Sessions that run some of the tests."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

_EIGHT = """
import pytest
@pytest.mark.parametrize('number', range(8))
def test_a(number):
    assert number not in {failing}
"""


def _eight(*failing: int) -> dict[str, str]:
    return {f"{_IT}test_a[{number}]": "failed" if number in failing else "passed" for number in range(8)}


def _but(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{_IT}test_a[{number}]" for number in range(8) if number not in numbers)


_NAMED = """
import pytest
def test_a():
    pass
@pytest.mark.slow
def test_b():
    assert 0
class TestC:
    def test_x(self):
        pass
    @pytest.mark.slow
    def test_y(self):
        pytest.skip('later')
@pytest.mark.parametrize('size', ['small', 'large'])
def test_d(size):
    assert size == 'small'
"""

_A, _B, _X, _Y = (_IT + name for name in ("test_a", "test_b", "TestC > test_x", "TestC > test_y"))
_SMALL, _LARGE = (f"{_IT}test_d[{size}]" for size in ("small", "large"))

_SELECTIONS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    (
        "--deselect",
        ("--deselect=test_it.py::test_b", "--deselect=test_it.py::test_d"),
        {_A: "passed", _X: "passed", _Y: "skipped"},
    ),
    ("-k with a class", ("-k", "TestC"), {_X: "passed", _Y: "skipped"}),
    ("-k with not", ("-k", "test_ and not (b or TestC or large)"), {_A: "passed", _SMALL: "passed"}),
    ("-m", ("-m", "slow"), {_B: "failed", _Y: "skipped"}),
    ("-m with not", ("-m", "not slow", "-k", "not test_d"), {_A: "passed", _X: "passed"}),
    ("a test on the command line", ("test_it.py::test_b",), {_B: "failed"}),
    (
        "tests on the command line, one of them twice",
        ("test_it.py::TestC::test_x", "test_it.py::test_d[large]", "test_it.py::TestC::test_x"),
        {_X: "passed", _LARGE: "failed"},
    ),
)

SELECTION = (
    *(
        Case(
            name,
            "Selection",
            expect,
            files={"test_it.py": _NAMED, "pytest.ini": "[pytest]\nmarkers = slow\n"},
            args=args,
            run="failed" if "failed" in expect.values() else "passed",
            exit=1 if "failed" in expect.values() else 0,
        )
        for name, args, expect in _SELECTIONS
    ),
    Case(
        "-x",
        "Selection",
        {_IT + "test_a[0]": "passed", _IT + "test_a[1]": "failed"},
        _EIGHT.format(failing={1, 2}),
        args=("-x",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "-x under xdist",
        "Selection",
        _eight(1),
        _EIGHT.format(failing={1}),
        args=("-x",),
        run="failed",
        exit=2,
        xdist="with",
        may=_but(1),
    ),
    Case(
        "--maxfail",
        "Selection",
        {_IT + "test_a[0]": "failed", _IT + "test_a[1]": "passed", _IT + "test_a[2]": "failed"},
        _EIGHT.format(failing={0, 2, 3}),
        args=("--maxfail=2",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "--maxfail under xdist",
        "Selection",
        _eight(0, 2),
        _EIGHT.format(failing={0, 2}),
        args=("--maxfail=2",),
        run="failed",
        exit=2,
        xdist="with",
        may=_but(0, 2),
    ),
    Case(
        "--stepwise",
        "Selection",
        {_IT + "test_a[0]": "passed", _IT + "test_a[1]": "failed"},
        _EIGHT.format(failing={1, 4}),
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="without",
        cache=True,
    ),
    Case(
        "--stepwise under xdist",
        "Selection",
        _eight(1),
        _EIGHT.format(failing={1}),
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="with",
        may=_but(1),
        cache=True,
    ),
    Case(
        "--stepwise, from the test that failed before",
        "Selection",
        {_IT + "test_a[1]": "failed"},
        _EIGHT.format(failing={1, 4}),
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="without",
        cache=True,
        first=("--stepwise",),
    ),
    Case(
        "--stepwise under xdist, from the test that failed before",
        "Selection",
        {title: status for title, status in _eight(3).items() if title >= f"{_IT}test_a[3]"},
        _EIGHT.format(failing={3}),
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="with",
        may=tuple(f"{_IT}test_a[{number}]" for number in range(4, 8)),
        cache=True,
        first=("--stepwise",),
    ),
    Case(
        "--stepwise-skip",
        "Selection",
        {
            **{f"{_IT}test_a[{number}]": "passed" for number in (0, 2, 3)},
            _IT + "test_a[1]": "failed",
            _IT + "test_a[4]": "failed",
        },
        _EIGHT.format(failing={1, 4, 6}),
        args=("--stepwise", "--stepwise-skip"),
        run="failed",
        exit=2,
        xdist="without",
        cache=True,
    ),
    Case(
        "--stepwise-skip under xdist",
        "Selection",
        {f"{_IT}test_a[{number}]": "failed" if number in (1, 4) else "passed" for number in range(5)},
        _EIGHT.format(failing={1, 4}),
        args=("--stepwise", "--stepwise-skip", "--dist=loadfile"),  # each worker may skip a failure
        run="failed",
        exit=2,
        xdist="with",
        cache=True,
    ),
    Case(
        "--lf",
        "Selection",
        {_IT + "test_a[3]": "failed", _IT + "test_a[5]": "failed"},
        _EIGHT.format(failing={3, 5}),
        args=("--lf",),
        run="failed",
        exit=1,
        cache=True,
        first=(),
    ),
    Case(
        "--lf where nothing had failed",
        "Selection",
        _eight(),
        _EIGHT.format(failing="()"),
        args=("--lf",),
        cache=True,
        first=(),
    ),
    Case(
        "--lf --lfnf=none where nothing had failed",
        "Selection",
        {},
        _EIGHT.format(failing="()"),
        args=("--lf", "--lfnf=none"),
        run=None,
        exit=5,
        cache=True,
        first=(),
    ),
    Case(
        "--ff",
        "Selection",
        {_IT + "test_a[6]": "failed"},
        _EIGHT.format(failing={6}),
        args=("--ff", "-x"),
        run="failed",
        exit=1,
        xdist="without",
        cache=True,
        first=(),
    ),
    Case(
        "--nf",
        "Selection",
        {_IT + "test_a[7]": "failed"},
        _EIGHT.format(failing={7}),
        args=("--nf", "-x"),
        run="failed",
        exit=1,
        xdist="without",
        cache=True,
        first=("--deselect=test_it.py::test_a[7]",),
    ),
    *(
        Case(
            name,
            "Selection",
            _eight(6),
            _EIGHT.format(failing={6}),
            args=args,
            run="failed",
            exit=1,
            cache=True,
            first=(),
        )
        for name, args in (("--ff with all", ("--ff",)), ("--nf with all", ("--nf",)))
    ),
)
