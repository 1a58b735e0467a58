"""Tests that are run again by pytest-rerunfailures."""

from __future__ import annotations

from outcomes.cases import Attempt, Case
from outcomes.tries import bad, dead, failed, flaky, good, project

_IT = "test_it > "

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
        files=project("def test_a():\n    fails('a', 2)\ndef test_b():\n    pass\n"),
        args=("--reruns", "3"),
        attempts={_IT + "test_a": flaky("a", 2)},
    ),
    Case(
        "reruns that all fail",
        "Reruns",
        {_IT + "test_a": "failed"},
        files=project("def test_a():\n    fails('a', 9)\n"),
        args=("--reruns", "2", "--reruns-delay", "0.01"),
        run="failed",
        exit=1,
        attempts={_IT + "test_a": failed("a", 3)},
    ),
    Case(
        "reruns by pytest.ini",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project("def test_a():\n    fails('a', 2)\n", "reruns = 2\nreruns_delay = 0.01\n"),
        attempts={_IT + "test_a": flaky("a", 2)},
    ),
    *(
        Case(
            f"{' '.join(args)}",
            "Reruns",
            {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
            files=project(_ERRORS),
            args=("--reruns", "1", *args),
            run="failed",
            exit=1,
            attempts={_IT + "test_a": flaky("a")},
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
        files=project(_FORMS),
        run="failed",
        exit=1,
        attempts={
            _IT + "test_bare": flaky("bare"),
            _IT + "test_by_place": flaky("by_place", 2),
            _IT + "test_by_name": flaky("by_name", 2),
            _IT + "test_on_condition": flaky("on_condition"),
            _IT + "test_only": flaky("only"),
            _IT + "test_except_other": flaky("except_other"),
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
        files=project(
            "@pytest.mark.flaky(reruns=1)\nclass TestA:\n"
            "    @pytest.mark.parametrize(('name', 'times'), [('one', 1), ('two', 2), ('three', 0)],"
            " ids=['one', 'two', 'three'])\n"
            "    def test_x(self, name, times):\n        fails(name, times)\n"
        ),
        run="failed",
        exit=1,
        attempts={_IT + "TestA > test_x[one]": flaky("one"), _IT + "TestA > test_x[two]": failed("two", 2)},
    ),
    Case(
        "a rerun after an error in setup",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project(
            "@pytest.fixture\ndef shaky():\n    fails('setup')\n"
            "@pytest.mark.flaky(reruns=2)\ndef test_a(shaky):\n    print('called')\n"
        ),
        attempts={_IT + "test_a": (bad("setup", 1), good("setup", 2, "setup 2\ncalled\n"))},
        pytest=(8, 2),  # before it, a fixture that failed could not be set up again
    ),
    Case(
        "a rerun after an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project(
            "@pytest.fixture\ndef shaky():\n    print('set up')\n    yield\n    fails('teardown')\n"
            "@pytest.mark.flaky(reruns=2)\ndef test_a(shaky):\n    print('called')\n"
        ),
        attempts={
            _IT + "test_a": (
                bad("teardown", 1, "set up\ncalled\nteardown 1\n"),
                good("teardown", 2, "set up\ncalled\nteardown 2\n"),
            )
        },
    ),
    Case(
        "a rerun after a failure and an error in teardown",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project(
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
        files=project(
            "@pytest.fixture(scope='module')\ndef shared():\n    print('set up')\n    yield\n    print('torn down')\n"
            "def test_a(shared):\n    fails('a')\ndef test_b(shared):\n    pass\n"
        ),
        args=("--reruns", "1", "--dist=loadfile"),
        attempts={_IT + "test_a": (bad("a", 1, "set up\na 1\n"), good("a", 2))},
        output={_IT + "test_b": "torn down"},
    ),
    Case(
        "a rerun of a module's fixture that failed",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "passed"},
        files=project(
            "@pytest.fixture(scope='module')\ndef shaky():\n    fails('setup')\n"
            "def test_a(shaky):\n    pass\ndef test_b(shaky):\n    pass\n"
        ),
        args=("--reruns", "1", "--dist=loadfile"),
        attempts={_IT + "test_a": (bad("setup", 1), good("setup", 2))},
        pytest=(8, 2),
    ),
    Case(
        "a rerun that is skipped",
        "Reruns",
        {_IT + "test_a": "skipped"},
        files=project("def test_a():\n    if count('a') == 2:\n        pytest.skip('enough')\n    assert 1 == 2\n"),
        args=("--reruns", "1"),
        annotations={_IT + "test_a": ("skip",)},
        attempts={_IT + "test_a": (Attempt("failed", "1 == 2", (), "a 1\n"), Attempt("skipped", "", (), "a 2\n"))},
    ),
    Case(
        "a rerun after a skip whose teardown failed",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project(
            "@pytest.fixture\ndef shaky():\n    yield\n    fails('teardown')\n"
            "def test_a(shaky):\n    if count('a') == 1:\n        pytest.skip('not yet')\n"
        ),
        args=("--reruns", "1"),
        attempts={
            _IT + "test_a": (bad("", 1, "a 1\nteardown 1\n"), good("", 2, "a 2\nteardown 2\n")),
        },
    ),
    Case(
        "no rerun of what is expected to fail",
        "Reruns",
        {_IT + "test_a": "skipped", _IT + "test_b": "passed", _IT + "test_c": "failed"},
        files=project(
            "@pytest.mark.xfail\ndef test_a():\n    assert 0\n@pytest.mark.xfail\ndef test_b():\n    pass\n"
            "@pytest.mark.xfail(raises=ValueError)\ndef test_c():\n    fails('c', 2)\n"
        ),
        args=("--reruns", "1"),
        run="failed",
        exit=1,
        annotations={_IT + "test_a": ("xfail",), _IT + "test_b": ("xpass",)},
        attempts={_IT + "test_c": failed("c", 2)},
    ),
    Case(
        "--fail-on-flaky",
        "Reruns",
        {_IT + "test_a": "flaky"},
        files=project("def test_a():\n    fails('a')\n"),
        args=("--reruns", "1", "--fail-on-flaky"),
        run="failed",
        exit=7,
        xdist="without",
        attempts={_IT + "test_a": flaky("a")},
        option="--fail-on-flaky",
    ),
    Case(
        "--max-suite-reruns",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
        files=project("def test_a():\n    fails('a')\ndef test_b():\n    fails('b')\n"),
        args=("--reruns", "1", "--max-suite-reruns", "1"),
        run="failed",
        exit=1,
        xdist="without",
        attempts={_IT + "test_a": flaky("a")},
        option="--max-suite-reruns",
    ),
    *(
        Case(
            name,
            "Reruns",
            {_IT + "test_a": "flaky"},
            files=project("@pytest.mark.flaky(reruns=1)\ndef test_a():\n    fails('a', 2)\n"),
            args=args,
            attempts={_IT + "test_a": flaky("a", 2)},
            option=args[0],
        )
        for name, args in (
            ("--force-reruns", ("--force-reruns", "2")),
            ("--reruns-mode", ("--reruns-mode=append", "--reruns", "1")),
        )
    ),
    Case(
        "--rerun-exclude-path",
        "Reruns",
        {_IT + "test_a": "failed"},
        files=project("def test_a():\n    fails('a')\n"),
        args=("--rerun-exclude-path", "test_it.py", "--reruns", "1"),
        run="failed",
        exit=1,
        option="--rerun-exclude-path",
    ),
    Case(
        "a rerun that is interrupted",
        "Reruns",
        {_IT + "test_a": "skipped"},
        files=project(
            "@pytest.fixture\ndef shaky():\n    if count('setup') == 2:\n        raise KeyboardInterrupt\n"
            "def test_a(shaky):\n    fails('a')\n"
        ),
        args=("--reruns", "1"),
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_a": ("interrupted",)},
        attempts={_IT + "test_a": (bad("", 1, "setup 1\na 1\n"), Attempt("skipped", "", (), "setup 2\n"))},
    ),
    Case(
        "a rerun with subtests",
        "Reruns",
        {_IT + "test_a": "flaky", _IT + "test_b": "failed"},
        files=project(
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
            files=project(f"def test_a():\n    pass\ndef test_b():\n    {code}\n"),
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
                (dead("b 1\n"), Attempt("passed", "", (("try b", "passed"),), "b 2\n")),
            ),
            ("another", "dies('b', 9)", 1, "failed", (dead("b 1\n"), dead("b 2\n"))),
            (
                "a rerun that fails",
                "dies('b')\n    assert 1 == 2",
                1,
                "failed",
                (
                    dead("b 1\n"),
                    Attempt("failed", "1 == 2", (("try b", "passed"),), "b 2\n"),
                ),
            ),
            (
                "a pass, after a failure that came first",
                "fails('c')\n    dies('b')",
                3,
                "flaky",
                (
                    bad("c", 1),
                    dead("c 2\nb 1\n"),
                    Attempt("passed", "", (("try 3", "passed"), ("try b", "passed")), "c 3\nb 2\n"),
                ),
            ),
            (
                "a failure, and a pass",
                "dies('b')\n    fails('c')",
                2,
                "flaky",
                (
                    dead("b 1\n"),
                    Attempt("failed", "no. 1", (("try b", "passed"), ("try 1", "failed")), "b 2\nc 1\n"),
                    Attempt("passed", "", (("try b", "passed"), ("try 2", "passed")), "b 3\nc 2\n"),
                ),
            ),
        )
    ),
)
