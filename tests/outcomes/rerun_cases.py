"""Tests that are run again."""

from __future__ import annotations

from outcomes.cases import Case

_IT = "test_it > "

_COUNTED = """
from pathlib import Path
def fails_until(attempt):
    told = Path(__file__).with_suffix('.count')
    count = int(told.read_text()) + 1 if told.exists() else 1
    told.write_text(str(count))
    print(f'attempt {count}')
    assert count >= attempt
"""

RERUNS = (
    Case(
        "a rerun that passes",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": "from counted import fails_until\n"
            "def test_a():\n    fails_until(3)\n"
            "def test_b():\n    pass\n",
        },
        args=("--reruns", "3"),
        attempts={_IT + "test_a": ("failed", "failed", "passed")},
        output={_IT + "test_a": "attempt 3"},
    ),
    Case(
        "reruns that all fail",
        "Reruns",
        {_IT + "test_a": "failed"},
        "def test_a():\n    assert 1 == 2\n",
        args=("--reruns", "1"),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": ("failed", "failed")},
        messages={_IT + "test_a": "assert 1 == 2"},
    ),
    Case(
        "a rerun by mark, after an error in setup",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": """
            import pytest
            from counted import fails_until
            @pytest.fixture
            def shaky():
                fails_until(2)
            @pytest.mark.flaky(reruns=2)
            def test_a(shaky):
                pass
            """,
        },
        attempts={_IT + "test_a": ("failed", "passed")},
        pytest=(8, 2),  # before it, a fixture that failed could not be set up again
    ),
    Case(
        "a rerun after an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": """
            import pytest
            from counted import fails_until
            @pytest.fixture
            def shaky():
                yield
                fails_until(2)
            @pytest.mark.flaky(reruns=2)
            def test_a(shaky):
                pass
            """,
        },
        attempts={_IT + "test_a": ("failed", "passed")},
    ),
    Case(
        "the flaky plugin: a repetition that passes",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files={
            "counted.py": _COUNTED,
            "test_it.py": "from counted import fails_until\n"
            "from flaky import flaky\n@flaky(max_runs=3)\ndef test_a():\n    fails_until(2)\n",
        },
        attempts={_IT + "test_a": ("failed", "passed")},
        plugins=("flaky.flaky_pytest_plugin",),
    ),
    Case(
        "the flaky plugin: repeated passes",
        "Reruns",
        {_IT + "test_a": "passed"},
        "from flaky import flaky\n@flaky(max_runs=2, min_passes=2)\ndef test_a():\n    pass\n",
        attempts={_IT + "test_a": ("passed", "passed")},
        plugins=("flaky.flaky_pytest_plugin",),
    ),
)
