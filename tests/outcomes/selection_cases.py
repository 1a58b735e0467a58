"""Sessions that run some of the tests."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

SELECTION = (
    Case(
        "--deselect",
        "Selection",
        {_IT + "test_b": "passed"},
        "def test_a():\n    pass\ndef test_b():\n    pass\n",
        args=("--deselect=test_it.py::test_a",),
    ),
    Case(
        "-x",
        "Selection",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 0\ndef test_b():\n    pass\n",
        args=("-x",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "--maxfail",
        "Selection",
        {_IT + "test_a": "failed", _IT + "test_b": "failed"},
        "def test_a():\n    assert 0\ndef test_b():\n    assert 0\ndef test_c():\n    pass\n",
        args=("--maxfail=2",),
        run="failed",
        exit=1,
        xdist="without",
    ),
    Case(
        "--stepwise",
        "Selection",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        "def test_a():\n    pass\ndef test_b():\n    assert 0\ndef test_c():\n    pass\n",
        args=("--stepwise",),
        run="failed",
        exit=2,
        xdist="without",
        cache=True,
    ),
    Case(
        "--lf",
        "Selection",
        {_IT + "test_b": "failed"},
        files={
            "test_it.py": "def test_a():\n    pass\ndef test_b():\n    assert 0\n",
            ".pytest_cache/v/cache/lastfailed": '{"test_it.py::test_b": true}',
        },
        args=("--lf",),
        run="failed",
        exit=1,
        cache=True,
    ),
    Case(
        "-x under xdist",
        "Selection",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 0\n",
        args=("-x",),
        run="failed",
        exit=(1, 2),
    ),
)
