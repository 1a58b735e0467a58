"""Tests that are run again by flaky."""

from __future__ import annotations

from outcomes.cases import Attempt, Case
from outcomes.tries import failed, flaky, good, project

_IT = "test_it > "

_PLUGIN = ("flaky.flaky_pytest_plugin",)

FLAKY = (
    Case(
        "flaky: a repetition that passes",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "TestB > test_b": "flaky", _IT + "test_c": "failed"},
        files=project(
            "from flaky import flaky\n"
            "@flaky(max_runs=3)\ndef test_a():\n    fails('a', 2)\n"
            "@flaky\nclass TestB:\n    def test_b(self):\n        fails('b')\n"
            "@pytest.mark.flaky(max_runs=2)\ndef test_c():\n    fails('c', 2)\n"
        ),
        run="failed",
        exit=1,
        attempts={
            _IT + "test_a": flaky("a", 2),
            _IT + "TestB > test_b": flaky("b"),
            _IT + "test_c": failed("c", 2),
        },
        plugins=_PLUGIN,
    ),
    Case(
        "flaky: passes that have to be repeated",
        "Reruns",
        {_IT + "test_a": "passed", _IT + "test_b": "flaky"},
        files=project(
            "from flaky import flaky\n"
            "@flaky(max_runs=2, min_passes=2)\ndef test_a():\n    fails('a', 0)\n"
            "@flaky(max_runs=3, min_passes=2)\ndef test_b():\n    number = count('b')\n    assert number != 2\n"
        ),
        attempts={
            _IT + "test_a": (good("a", 1), good("a", 2)),
            _IT + "test_b": (
                Attempt("passed", "", (), "b 1\n"),
                Attempt("failed", "2 != 2", (), "b 2\n"),
                Attempt("passed", "", (), "b 3\n"),
            ),
        },
        plugins=_PLUGIN,
    ),
    Case(
        "flaky: errors that are not repeated",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
        files=project(
            "from flaky import flaky\ndef is_os_error(error, *_):\n    return issubclass(error[0], OSError)\n"
            "@flaky(rerun_filter=is_os_error)\ndef test_a():\n    fails('a')\n"
            "@flaky(rerun_filter=is_os_error)\ndef test_b():\n    fails('b', error=ValueError)\n"
        ),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": flaky("a")},
        messages={_IT + "test_b": "ValueError: no. 1"},
        plugins=_PLUGIN,
    ),
    Case(
        "flaky: --force-flaky",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "skipped"},
        files=project("def test_a():\n    fails('a')\ndef test_b():\n    pytest.skip('later')\n"),
        args=("--force-flaky",),
        attempts={_IT + "test_a": flaky("a")},
        plugins=_PLUGIN,
    ),
)
