"""Sessions that are ended before their time."""

from __future__ import annotations

import signal

from outcomes.cases import Case

_IT = "test_it > "

_BEFORE = "import ctypes, os, signal, sys, resource\nimport pytest\ndef test_a():\n    pass\n"

INTERRUPTIONS = (
    Case(
        "pytest.exit in a test",
        "Interruptions",
        {_IT + "test_a": "passed", _IT + "test_b": "skipped"},
        "import pytest\ndef test_a():\n    pass\ndef test_b():\n    pytest.exit('enough')\ndef test_c():\n    pass\n",
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    Case(
        "pytest.exit with a status",
        "Interruptions",
        {_IT + "test_a": "skipped"},
        "import pytest\ndef test_a():\n    pytest.exit('enough', returncode=7)\n",
        run="cancelled",
        exit=7,
        xdist="without",
        annotations={_IT + "test_a": ("interrupted",)},
    ),
    Case(
        "KeyboardInterrupt in a test",
        "Interruptions",
        {_IT + "test_a": "passed", _IT + "test_b": "skipped"},
        "def test_a():\n    pass\ndef test_b():\n    raise KeyboardInterrupt\ndef test_c():\n    pass\n",
        run="cancelled",
        exit=2,
        xdist="without",
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    Case(
        "an internal error",
        "Interruptions",
        {_IT + "test_a": "passed"},
        files={
            "test_it.py": "def test_a():\n    pass\n",
            "conftest.py": "def pytest_sessionfinish():\n    raise RuntimeError('broken plugin')\n",
        },
        run="failed",
        exit=(1, 1),
        xdist="without",
    ),
    Case(
        "an internal error in a test's own hook",
        "Interruptions",
        {_IT + "test_a": "failed"},
        files={
            "test_it.py": "def test_a():\n    pass\ndef test_b():\n    pass\n",
            "conftest.py": "def pytest_runtest_logreport(report):\n    raise RuntimeError('broken plugin')\n",
        },
        run="failed",
        exit=3,
        xdist="without",
    ),
    *(
        Case(
            f"{name} in the test",
            "Interruptions",
            {_IT + "test_a": "passed", _IT + "test_b": "skipped"},
            f"{_BEFORE}def test_b():\n    os.kill(os.getpid(), signal.{name})\n    signal.pause()\n",
            run="cancelled",
            exit=exit_,
            xdist="without",
            annotations={_IT + "test_b": ("interrupted",)},
        )
        for name, exit_ in (("SIGINT", 2), ("SIGTERM", -signal.SIGTERM), ("SIGHUP", -signal.SIGHUP))
    ),
)
