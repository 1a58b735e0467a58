"""Tests that are run again, by pytest-rerunfailures and by flaky."""

from __future__ import annotations

from collections.abc import Mapping

from outcomes.cases import Attempt, Case

_IT = "test_it > "

# Each try of a name prints its number, and is a step; tests in several processes, each with names of its own, count on.
_TRIES = """
import os
from pathlib import Path
from pytest_platform_report import step
def count(name):
    told = Path(__file__).with_name(f'{name}.count')
    number = int(told.read_text()) + 1 if told.exists() else 1
    told.write_text(str(number))
    print(f'{name} {number}', flush=True)
    return number
def fails(name, times=1, error=OSError):
    number = count(name)
    with step(f'try {number}'):
        if number <= times:
            raise error(f'no. {number}')
def dies(name, times=1):
    with step(f'try {name}'):
        if count(name) <= times:
            os._exit(3)
"""
_BEFORE = "import os, pytest\nfrom pathlib import Path\nfrom tries import count, dies, fails\n"


def _project(source: str, ini: str = "") -> Mapping[str, str]:
    return {"tries.py": _TRIES, "test_it.py": _BEFORE + source, "pytest.ini": f"[pytest]\n{ini}"}


def _bad(name: str, number: int, output: str = "") -> Attempt:
    return Attempt("failed", f"no. {number}", ((f"try {number}", "failed"),), output or f"{name} {number}\n")


def _good(name: str, number: int, output: str = "") -> Attempt:
    return Attempt("passed", "", ((f"try {number}", "passed"),), output or f"{name} {number}\n")


def _flaky(name: str, failures: int = 1) -> tuple[Attempt, ...]:
    return (*_failed(name, failures), _good(name, failures + 1))


def _dead(output: str, phase: str = "") -> Attempt:
    return Attempt("failed", f"process ended (exit code 3) while running this test{phase}", (), output)


def _failed(name: str, failures: int) -> tuple[Attempt, ...]:
    return tuple(_bad(name, number) for number in range(1, failures + 1))


_FORMS = """
def test_plain():
    fails('plain', 2)
@pytest.mark.flaky
def test_bare():
    fails('bare')
@pytest.mark.flaky(2, 0.01)
def test_by_place():
    fails('by_place', 2)
@pytest.mark.flaky(reruns=2, reruns_delay=0.01)
def test_by_name():
    fails('by_name', 2)
@pytest.mark.flaky(reruns=1, condition=True)
def test_on_condition():
    fails('on_condition')
@pytest.mark.flaky(reruns=1, condition='sys.platform == "amiga"')
def test_on_no_condition():
    fails('on_no_condition')
@pytest.mark.flaky(reruns=1, only_rerun='OSError')
def test_only():
    fails('only')
@pytest.mark.flaky(reruns=1, only_rerun=['ValueError'])
def test_only_other():
    fails('only_other')
@pytest.mark.flaky(reruns=1, rerun_except='OSError')
def test_except():
    fails('except')
@pytest.mark.flaky(reruns=1, rerun_except=['ValueError'])
def test_except_other():
    fails('except_other')
"""

_ERRORS = """
def test_a():
    fails('a', error=OSError)
def test_b():
    fails('b', error=ValueError)
"""

RERUNS = (
    Case(
        "a rerun that passes",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files=_project("def test_a():\n    fails('a', 2)\ndef test_b():\n    pass\n"),
        args=("--reruns", "3"),
        attempts={_IT + "test_a": _flaky("a", 2)},
    ),
    Case(
        "reruns that all fail",
        "Reruns",
        {_IT + "test_a": "failed"},
        files=_project("def test_a():\n    fails('a', 9)\n"),
        args=("--reruns", "2", "--reruns-delay", "0.01"),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": _failed("a", 3)},
    ),
    Case(
        "reruns by pytest.ini",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project("def test_a():\n    fails('a', 2)\n", "reruns = 2\nreruns_delay = 0.01\n"),
        attempts={_IT + "test_a": _flaky("a", 2)},
    ),
    *(
        Case(
            f"{' '.join(args)}",
            "Reruns",
            {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
            files=_project(_ERRORS),
            args=("--reruns", "1", *args),
            run="failed",
            exit=1,
            attempts={_IT + "test_a": _flaky("a")},
            messages={_IT + "test_b": "ValueError: no. 1"},
        )
        for args in (("--only-rerun", "OSError"), ("--rerun-except", "ValueError"))
    ),
    Case(
        "reruns by the mark flaky",
        "Reruns",
        {
            _IT + "test_plain": "failed",
            _IT + "test_bare": "flaky",
            _IT + "test_by_place": "flaky",
            _IT + "test_by_name": "flaky",
            _IT + "test_on_condition": "flaky",
            _IT + "test_on_no_condition": "failed",
            _IT + "test_only": "flaky",
            _IT + "test_only_other": "failed",
            _IT + "test_except": "failed",
            _IT + "test_except_other": "flaky",
        },
        files=_project(_FORMS),
        run="failed",
        exit=1,
        attempts={
            _IT + "test_bare": _flaky("bare"),
            _IT + "test_by_place": _flaky("by_place", 2),
            _IT + "test_by_name": _flaky("by_name", 2),
            _IT + "test_on_condition": _flaky("on_condition"),
            _IT + "test_only": _flaky("only"),
            _IT + "test_except_other": _flaky("except_other"),
        },
    ),
    Case(
        "reruns by the mark of a class, with parameters",
        "Reruns",
        {
            _IT + "TestA > test_x[one]": "flaky",
            _IT + "TestA > test_x[two]": "failed",
            _IT + "TestA > test_x[three]": "passed",
        },
        files=_project(
            "@pytest.mark.flaky(reruns=1)\nclass TestA:\n"
            "    @pytest.mark.parametrize(('name', 'times'), [('one', 1), ('two', 2), ('three', 0)],"
            " ids=['one', 'two', 'three'])\n"
            "    def test_x(self, name, times):\n        fails(name, times)\n"
        ),
        run="failed",
        exit=1,
        attempts={_IT + "TestA > test_x[one]": _flaky("one"), _IT + "TestA > test_x[two]": _failed("two", 2)},
    ),
    Case(
        "a rerun after an error in setup",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project(
            "@pytest.fixture\ndef shaky():\n    fails('setup')\n"
            "@pytest.mark.flaky(reruns=2)\ndef test_a(shaky):\n    print('called')\n"
        ),
        attempts={_IT + "test_a": (_bad("setup", 1), _good("setup", 2, "setup 2\ncalled\n"))},
        pytest=(8, 2),  # before it, a fixture that failed could not be set up again
    ),
    Case(
        "a rerun after an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project(
            "@pytest.fixture\ndef shaky():\n    print('set up')\n    yield\n    fails('teardown')\n"
            "@pytest.mark.flaky(reruns=2)\ndef test_a(shaky):\n    print('called')\n"
        ),
        attempts={
            _IT + "test_a": (
                _bad("teardown", 1, "set up\ncalled\nteardown 1\n"),
                _good("teardown", 2, "set up\ncalled\nteardown 2\n"),
            )
        },
    ),
    Case(
        "a rerun after a failure and an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project(
            "@pytest.fixture\ndef shaky():\n    yield\n    fails('teardown')\ndef test_a(shaky):\n    fails('call')\n"
        ),
        args=("--reruns", "1"),
        attempts={
            _IT + "test_a": (
                Attempt("failed", "no. 1", (("try 1", "failed"), ("try 1", "failed")), "call 1\nteardown 1\n"),
                Attempt("passed", "", (("try 2", "passed"), ("try 2", "passed")), "call 2\nteardown 2\n"),
            )
        },
    ),
    Case(
        "a rerun with a module's fixture",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files=_project(
            "@pytest.fixture(scope='module')\ndef shared():\n    print('set up')\n    yield\n    print('torn down')\n"
            "def test_a(shared):\n    fails('a')\ndef test_b(shared):\n    pass\n"
        ),
        args=("--reruns", "1", "--dist=loadfile"),
        attempts={_IT + "test_a": (_bad("a", 1, "set up\na 1\n"), _good("a", 2))},
        output={_IT + "test_b": "torn down"},
    ),
    Case(
        "a rerun of a module's fixture that failed",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files=_project(
            "@pytest.fixture(scope='module')\ndef shaky():\n    fails('setup')\n"
            "def test_a(shaky):\n    pass\ndef test_b(shaky):\n    pass\n"
        ),
        args=("--reruns", "1", "--dist=loadfile"),
        attempts={_IT + "test_a": (_bad("setup", 1), _good("setup", 2))},
        pytest=(8, 2),
    ),
    Case(
        "a rerun that is skipped",
        "Reruns",
        {_IT + "test_a": "skipped"},
        files=_project("def test_a():\n    if count('a') == 2:\n        pytest.skip('enough')\n    assert 1 == 2\n"),
        args=("--reruns", "1"),
        annotations={_IT + "test_a": ("skip",)},
        attempts={_IT + "test_a": (Attempt("failed", "1 == 2", (), "a 1\n"), Attempt("skipped", "", (), "a 2\n"))},
    ),
    Case(
        "a rerun after a skip whose teardown failed",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project(
            "@pytest.fixture\ndef shaky():\n    yield\n    fails('teardown')\n"
            "def test_a(shaky):\n    if count('a') == 1:\n        pytest.skip('not yet')\n"
        ),
        args=("--reruns", "1"),
        attempts={
            _IT + "test_a": (_bad("", 1, "a 1\nteardown 1\n"), _good("", 2, "a 2\nteardown 2\n")),
        },
    ),
    Case(
        "no rerun of what is expected to fail",
        "Reruns",
        {_IT + "test_a": "skipped", _IT + "test_b": "passed", _IT + "test_c": "failed"},
        files=_project(
            "@pytest.mark.xfail\ndef test_a():\n    assert 0\n@pytest.mark.xfail\ndef test_b():\n    pass\n"
            "@pytest.mark.xfail(raises=ValueError)\ndef test_c():\n    fails('c', 2)\n"
        ),
        args=("--reruns", "1"),
        run="failed",
        exit=1,
        annotations={_IT + "test_a": ("xfail",), _IT + "test_b": ("xpass",)},
        attempts={_IT + "test_c": _failed("c", 2)},
    ),
    Case(
        "--fail-on-flaky",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project("def test_a():\n    fails('a')\n"),
        args=("--reruns", "1", "--fail-on-flaky"),
        run="failed",
        exit=7,
        xdist="without",
        attempts={_IT + "test_a": _flaky("a")},
        option="--fail-on-flaky",
    ),
    Case(
        "--max-suite-reruns",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
        files=_project("def test_a():\n    fails('a')\ndef test_b():\n    fails('b')\n"),
        args=("--reruns", "1", "--max-suite-reruns", "1"),
        run="failed",
        exit=1,
        xdist="without",
        attempts={_IT + "test_a": _flaky("a")},
        option="--max-suite-reruns",
    ),
    Case(
        "--force-reruns",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=_project("@pytest.mark.flaky(reruns=1)\ndef test_a():\n    fails('a', 2)\n"),
        args=("--force-reruns", "2"),
        attempts={_IT + "test_a": _flaky("a", 2)},
        option="--force-reruns",
    ),
    Case(
        "a rerun that is interrupted",
        "Reruns",
        {_IT + "test_a": "skipped"},
        files=_project(
            "@pytest.fixture\ndef shaky():\n    if count('setup') == 2:\n        raise KeyboardInterrupt\n"
            "def test_a(shaky):\n    fails('a')\n"
        ),
        args=("--reruns", "1"),
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_a": ("interrupted",)},
        attempts={_IT + "test_a": (_bad("", 1, "setup 1\na 1\n"), Attempt("skipped", "", (), "setup 2\n"))},
    ),
    Case(
        "a rerun with subtests",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
        files=_project(
            "def test_a(subtests):\n    with subtests.test('one'):\n        fails('a')\n"
            "    with subtests.test('two'):\n        pass\n"
            "def test_b(subtests):\n    with subtests.test('one'):\n        fails('b', 2)\n"
        ),
        args=("--reruns", "1"),
        run="failed",
        exit=1,
        attempts={
            _IT + "test_a": (
                Attempt("failed", "no. 1", (("one", "failed"), ("try 1", "failed"), ("two", "passed")), "a 1\n"),
                Attempt("passed", "", (("one", "passed"), ("try 2", "passed"), ("two", "passed")), "a 2\n"),
            ),
            _IT + "test_b": tuple(
                Attempt("failed", f"no. {number}", (("one", "failed"), (f"try {number}", "failed")), f"b {number}\n")
                for number in (1, 2)
            ),
        },
        pytest=(9, 0),
    ),
    *(
        Case(
            f"a worker's death, and {then}",
            "Reruns",
            {_IT + "test_a": "passed", _IT + "test_b": status},
            files=_project(f"def test_a():\n    pass\ndef test_b():\n    {code}\n"),
            args=("--reruns", str(reruns)),
            run="failed" if status == "failed" else "passed",
            exit=1 if status == "failed" else 0,
            xdist="with",
            attempts={_IT + "test_b": attempts},
        )
        for then, code, reruns, status, attempts in (
            (
                "a rerun that passes",
                "dies('b')",
                1,
                "flaky",
                (_dead("b 1\n"), Attempt("passed", "", (("try b", "passed"),), "b 2\n")),
            ),
            ("another", "dies('b', 9)", 1, "failed", (_dead("b 1\n"), _dead("b 2\n"))),
            (
                "a rerun that fails",
                "dies('b')\n    assert 1 == 2",
                1,
                "failed",
                (
                    _dead("b 1\n"),
                    Attempt("failed", "1 == 2", (("try b", "passed"),), "b 2\n"),
                ),
            ),
            (
                "a failure, and a pass",
                "dies('b')\n    fails('c')",
                2,
                "flaky",
                (
                    _dead("b 1\n"),
                    Attempt("failed", "no. 1", (("try b", "passed"), ("try 1", "failed")), "b 2\nc 1\n"),
                    Attempt("passed", "", (("try b", "passed"), ("try 2", "passed")), "b 3\nc 2\n"),
                ),
            ),
        )
    ),
)

_PLUGIN = ("flaky.flaky_pytest_plugin",)

FLAKY = (
    Case(
        "flaky: a repetition that passes",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "TestB > test_b": "flaky", _IT + "test_c": "failed"},
        files=_project(
            "from flaky import flaky\n"
            "@flaky(max_runs=3)\ndef test_a():\n    fails('a', 2)\n"
            "@flaky\nclass TestB:\n    def test_b(self):\n        fails('b')\n"
            "@pytest.mark.flaky(max_runs=2)\ndef test_c():\n    fails('c', 2)\n"
        ),
        run="failed",
        exit=1,
        attempts={
            _IT + "test_a": _flaky("a", 2),
            _IT + "TestB > test_b": _flaky("b"),
            _IT + "test_c": _failed("c", 2),
        },
        plugins=_PLUGIN,
    ),
    Case(
        "flaky: passes that have to be repeated",
        "Reruns",
        {_IT + "test_a": "passed", _IT + "test_b": "flaky"},
        files=_project(
            "from flaky import flaky\n"
            "@flaky(max_runs=2, min_passes=2)\ndef test_a():\n    fails('a', 0)\n"
            "@flaky(max_runs=3, min_passes=2)\ndef test_b():\n    number = count('b')\n    assert number != 2\n"
        ),
        attempts={
            _IT + "test_a": (_good("a", 1), _good("a", 2)),
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
        files=_project(
            "from flaky import flaky\ndef is_os_error(error, *_):\n    return issubclass(error[0], OSError)\n"
            "@flaky(rerun_filter=is_os_error)\ndef test_a():\n    fails('a')\n"
            "@flaky(rerun_filter=is_os_error)\ndef test_b():\n    fails('b', error=ValueError)\n"
        ),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": _flaky("a")},
        messages={_IT + "test_b": "ValueError: no. 1"},
        plugins=_PLUGIN,
    ),
    Case(
        "flaky: --force-flaky",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "skipped"},
        files=_project("def test_a():\n    fails('a')\ndef test_b():\n    pytest.skip('later')\n"),
        args=("--force-flaky",),
        attempts={_IT + "test_a": _flaky("a")},
        plugins=_PLUGIN,
    ),
)
