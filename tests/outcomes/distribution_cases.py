"""Tests distributed over xdist's workers."""

from __future__ import annotations

from outcomes.cases import Case

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
        "--dist loadgroup",
        "Distribution",
        {_IT + "test_a[a@b]": "passed", _IT + "test_b": "passed"},
        """
        import pytest
        @pytest.mark.xdist_group('one')
        @pytest.mark.parametrize('x', ['a@b'])
        def test_a(x):
            pass
        @pytest.mark.xdist_group('one')
        def test_b():
            pass
        """,
        args=("--dist", "loadgroup"),
        xdist="with",
    ),
    Case(
        "--dist each",
        "Distribution",
        {_IT + "test_a": "passed"},
        "def test_a():\n    pass\n",
        args=("--dist", "each"),
        xdist="with",
        twice=True,
    ),
    Case(
        "--keep-duplicates",
        "Distribution",
        {_IT + "test_a": "passed"},
        "def test_a():\n    pass\n",
        args=("--keep-duplicates", "test_it.py", "test_it.py"),
        xdist="without",
        twice=True,
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
    Case("-n 0", "Distribution", {_IT + "test_a": "passed"}, "def test_a():\n    pass\n", args=("-n", "0"), workers=1),
)
