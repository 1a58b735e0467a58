"""How a test can take its process along."""

from __future__ import annotations

import signal

from outcomes.cases import Case

_IT = "test_it > "

_BEFORE = "import ctypes, os, signal, sys, resource\nimport pytest\ndef test_a():\n    pass\n"

_WAYS = (
    ("os._exit", "os._exit(3)", "exit code 3", 3),
    ("abort", "os.abort()", "signal 6", -signal.SIGABRT),
    ("a segmentation fault", "ctypes.string_at(0)", "signal 11", -signal.SIGSEGV),
    ("SIGKILL", "os.kill(os.getpid(), signal.SIGKILL)", "signal 9", -signal.SIGKILL),
    ("os.exec", "os.execv('/bin/true', ['true'])", "exit code 0", 0),
)
_PHASES = ("setup", "call", "teardown")

# What a test has used up it has to give back, or it is every other test's as well.
_EXHAUSTING = (
    (
        "file descriptors",
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, hard))
        held = []
        try:
            while True:
                held.append(os.open('/dev/null', os.O_RDONLY))
        finally:
            for fd in held:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        """,
        "Too many open files",
    ),
    (
        "memory",
        """
        used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), hard))
        held = []
        try:
            while True:
                held.append(bytearray(1 << 20))
        finally:
            held.clear()
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        """,
        "MemoryError",
    ),
)


def _test_with(code: str, phase: str) -> str:
    """Return a test that does *code* in that phase."""
    setup, call, teardown = ("use_up()" if each == phase else "pass" for each in _PHASES)
    body = "".join(f"    {line.strip(chr(10))}\n" for line in code.splitlines() if line.strip())
    return f"""{_BEFORE}
def use_up():
    print('last words', flush=True)
{body}
@pytest.fixture
def phases():
    {setup}
    yield
    {teardown}
def test_b(phases):
    {call}
"""


def _in(phase: str) -> str:
    return "" if phase == "call" else f", in its {phase}"


def _indented(code: str) -> str:
    """Return *code* as it stands in a function at the outermost level."""
    return code.replace("\n        ", "\n")


DEATHS = (
    *(
        Case(
            f"{name} in {phase}",
            "Deaths",
            {_IT + "test_a": "passed", _IT + "test_b": "failed"},
            _test_with(code, phase),
            run=("cancelled", "failed"),
            exit=(exit_, 1),
            messages={_IT + "test_b": f"process ended ({how}) while running this test{_in(phase)}"},
            output={_IT + "test_b": "last words"},
        )
        for name, code, how, exit_ in _WAYS
        for phase in _PHASES
    ),
    *(
        Case(
            f"{name} after the last test",
            "Deaths",
            {_IT + "test_a": "passed"},
            files={
                "test_it.py": _BEFORE,
                # xdist's controller goes on without its workers.
                "conftest.py": "import ctypes, os, signal, pytest\n@pytest.hookimpl(tryfirst=True)\n"
                "def pytest_sessionfinish(session):\n"
                "    if hasattr(session.config, 'workerinput') or not session.config.getoption('tx', None):\n"
                f"        {code}\n",
            },
            run=("cancelled", "passed"),
            exit=(exit_, 0),
        )
        for name, code, _, exit_ in _WAYS
    ),
    Case(
        "death of a worker that is replaced",
        "Deaths",
        {_IT + "test_b": "failed", **{f"{_IT}test_c[{number}]": "passed" for number in range(6)}},
        "import os, pytest\ndef test_b():\n    os._exit(3)\n"
        "@pytest.mark.parametrize('number', range(6))\ndef test_c(number):\n    pass\n",
        run="failed",
        exit=1,
        xdist="with",
        messages={_IT + "test_b": "process ended (exit code 3) while running this test"},
    ),
    Case(
        "death of a worker that is not replaced",
        "Deaths",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        f"{_BEFORE}def test_b():\n    os._exit(3)\n",
        args=("--max-worker-restart=0", "--dist=loadfile"),
        run="failed",
        exit=1,
        xdist="with",
        messages={_IT + "test_b": "process ended (exit code 3) while running this test"},
    ),
    *(
        Case(
            f"out of {what} in {phase}",
            "Deaths",
            {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "passed"},
            _test_with(_indented(code), phase) + "def test_c():\n    pass\n",
            run="failed",
            exit=1,
            messages={_IT + "test_b": message},
            output={_IT + "test_b": "last words"},
        )
        for what, code, message in _EXHAUSTING
        for phase in _PHASES
    ),
)
