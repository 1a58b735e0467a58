"""Tests distributed over xdist's workers."""

from __future__ import annotations

from outcomes.cases import Attempt, Case, Xdist

_IT = "test_it > "

_MIXED = """
import pytest
@pytest.mark.parametrize('number', range(8))
def test_a(number):
    assert number != 3
class TestB:
    def test_x(self):
        pass
    def test_y(self):
        pytest.skip('later')
"""

_MIXED_EXPECTED = {
    **{f"{_IT}test_a[{number}]": "failed" if number == 3 else "passed" for number in range(8)},
    _IT + "TestB > test_x": "passed",
    _IT + "TestB > test_y": "skipped",
}

_AGAIN = """
import pytest
def test_a():
    pass
def test_b():
    assert 1 == 2
@pytest.mark.flaky(reruns=1)
def test_c(request):
    assert request.node.execution_count == 2
"""

_SECOND = (Attempt("failed", "assert 1 == 2"), Attempt("passed"))

_NUMBERS: tuple[tuple[str, Xdist, int], ...] = (
    ("-n auto", "with", 3),
    ("-n logical", "with", 3),
    ("-n auto --maxprocesses 2", "with", 2),
    ("-n 3 --dist loadfile", "with", 3),
    ("-d --tx 2*popen", "without", 2),
    ("-d --tx popen --tx 2*popen", "without", 3),
)

DISTRIBUTION = (
    *(
        Case(
            f"--dist {mode}",
            "Distribution",
            _MIXED_EXPECTED,
            _MIXED,
            args=("--dist", mode),
            run="failed",
            exit=1,
            xdist="with",
        )
        for mode in ("load", "loadscope", "loadfile", "worksteal")
    ),
    Case(
        "--maxschedchunk",
        "Distribution",
        _MIXED_EXPECTED,
        _MIXED,
        args=("--maxschedchunk", "1"),
        run="failed",
        exit=1,
        xdist="with",
    ),
    Case(
        "--dist loadgroup",
        "Distribution",
        {_IT + "test_a[a@b]": "passed", _IT + "test_b": "failed", _IT + "test_c": "flaky"},
        """
        import pytest
        @pytest.mark.xdist_group('one')
        @pytest.mark.parametrize('x', ['a@b'])
        def test_a(x):
            pass
        @pytest.mark.xdist_group('one')
        def test_b():
            assert 1 == 2
        @pytest.mark.xdist_group('team@home')
        @pytest.mark.flaky(reruns=1)
        def test_c(request):
            assert request.node.execution_count == 2
        """,
        args=("--dist", "loadgroup"),
        run="failed",
        exit=1,
        xdist="with",
        attempts={_IT + "test_c": _SECOND},
        messages={_IT + "test_b": "assert 1 == 2"},
    ),
    Case(
        "--dist each",
        "Distribution",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "flaky"},
        _AGAIN,
        args=("--dist", "each"),
        run="failed",
        exit=1,
        xdist="with",
        twice=True,
        attempts={_IT + "test_c": _SECOND},
        messages={_IT + "test_b": "assert 1 == 2"},
    ),
    Case(
        "--keep-duplicates",
        "Distribution",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "flaky"},
        _AGAIN,
        args=("--keep-duplicates", "test_it.py", "test_it.py"),
        run="failed",
        exit=1,
        twice=True,
        attempts={_IT + "test_c": _SECOND},
        messages={_IT + "test_b": "assert 1 == 2"},
    ),
    Case(
        "a worker that is replaced",
        "Distribution",
        {**dict.fromkeys((f"{_IT}test_a[{number}]" for number in range(8)), "passed"), _IT + "test_b": "failed"},
        """
        import os, pytest
        @pytest.mark.parametrize('number', range(8))
        def test_a(number):
            pass
        def test_b():
            os._exit(3)
        """,
        run="failed",
        exit=1,
        xdist="with",
        messages={_IT + "test_b": "process ended (exit code 3) while running this test"},
    ),
    Case(
        "workers that do not find the same tests",
        "Distribution",
        {"gw0 > collection": "failed", "gw1 > collection": "failed"},
        """
        import os, pytest
        @pytest.mark.parametrize('worker', [os.environ['PYTEST_XDIST_WORKER']])
        def test_a(worker):
            pass
        """,
        run="failed",
        exit=1,
        xdist="with",
        messages={f"gw{number} > collection": "Different tests were collected" for number in (0, 1)},
        may=("gw0 > collection", "gw1 > collection"),  # one of them, with the difference to the one that was first
    ),
    Case(
        "one worker",
        "Distribution",
        _MIXED_EXPECTED,
        _MIXED,
        args=("-n", "1"),
        run="failed",
        exit=1,
        xdist="with",
        workers=1,
    ),
    *(
        Case(
            name,
            "Distribution",
            _MIXED_EXPECTED,
            _MIXED,
            args=tuple(name.split()),
            run="failed",
            exit=1,
            xdist=xdist,
            workers=workers,
            environment={"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"},
        )
        for name, xdist, workers in _NUMBERS
    ),
    Case("-n 0", "Distribution", {_IT + "test_a": "passed"}, "def test_a():\n    pass\n", args=("-n", "0"), workers=1),
)
