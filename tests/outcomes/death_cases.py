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
)

DEATHS = (
    *(
        Case(
            f"{name} in the test",
            "Deaths",
            {_IT + "test_a": "passed", _IT + "test_b": "failed"},
            f"{_BEFORE}def test_b():\n    print('last words', flush=True)\n    {code}\n",
            run="cancelled",
            exit=exit_,
            xdist="without",
            messages={_IT + "test_b": f"process ended ({how}) while running this test"},
            output={_IT + "test_b": "last words"},
        )
        for name, code, how, exit_ in _WAYS
    ),
    *(
        Case(
            f"{name} in an xdist worker",
            "Deaths",
            {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "passed"},
            f"{_BEFORE}def test_b():\n    {code}\ndef test_c():\n    pass\n",
            run="failed",
            exit=1,
            xdist="with",
            messages={_IT + "test_b": f"process ended ({how}) while running this test"},
        )
        for name, code, how, _ in _WAYS
    ),
    *(
        Case(
            f"death in {phase}",
            "Deaths",
            {_IT + "test_a": "passed", _IT + "test_b": "failed"},
            f"{_BEFORE}@pytest.fixture\ndef deadly():\n    {before}\n    yield\n    {after}\n"
            "def test_b(deadly):\n    pass\n",
            run="cancelled",
            exit=3,
            xdist="without",
            messages={_IT + "test_b": f"process ended (exit code 3) while running this test, in its {phase}"},
        )
        for phase, before, after in (("setup", "os._exit(3)", "pass"), ("teardown", "pass", "os._exit(3)"))
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
    Case(
        "death after the last test",
        "Deaths",
        {_IT + "test_a": "passed"},
        files={
            "test_it.py": _BEFORE,
            "conftest.py": "import os, pytest\n@pytest.hookimpl(tryfirst=True)\n"
            "def pytest_sessionfinish():\n    os._exit(3)\n",
        },
        run="cancelled",
        exit=3,
        xdist="without",
    ),
    Case(
        "os.exec in the test",
        "Deaths",
        {_IT + "test_a": "passed", _IT + "test_b": "failed"},
        f"{_BEFORE}def test_b():\n    os.execv('/bin/true', ['true'])\n",
        run="cancelled",
        xdist="without",
        messages={_IT + "test_b": "process ended (exit code 0) while running this test"},
    ),
    Case(
        "out of file descriptors",
        "Deaths",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "passed"},
        f"""{_BEFORE}
def test_b():
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
def test_c():
    pass
""",
        run="failed",
        exit=1,
        messages={_IT + "test_b": "Too many open files"},
    ),
    Case(
        "out of memory",
        "Deaths",
        {_IT + "test_a": "passed", _IT + "test_b": "failed", _IT + "test_c": "passed"},
        f"{_BEFORE}def test_b():\n    bytearray(1 << 60)\ndef test_c():\n    pass\n",
        run="failed",
        exit=1,
        messages={_IT + "test_b": "MemoryError"},
    ),
)
