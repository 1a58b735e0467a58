"""Sessions that are ended before their time."""

from __future__ import annotations

import signal

from outcomes.cases import Case

_IT = "test_it > "

# A shell that runs us in the background has Ctrl-C ignored, and what is ignored is inherited.
_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
_INTERRUPTED = {_IT + "test_a": "passed", _IT + "test_b": "skipped"}

# On one worker, the one test after the other.
_IN_ORDER = ("--dist=loadfile",)

_WAITING = """
import threading
from pathlib import Path
import pytest
from pytest_platform_report import step

def ready():
    print('last words', flush=True)
    with step('wait'):
        Path(__file__).with_name('ready').touch()
        threading.Event().wait(60)

@pytest.fixture
def phases(request):
    {setup}
    yield
    {teardown}

def test_a():
    pass

def test_b(phases):
    {call}

{more}
"""


def _waits_in(phase: str, more: str = "") -> dict[str, str]:
    """Return a project whose second test says that it is there and waits."""
    ready = {each: "ready()" if each == phase else "pass" for each in ("setup", "call", "teardown")}
    return {"test_it.py": _WAITING.format(**ready, more=more), "conftest.py": _CTRL_C}


def _broken(hook: str, arguments: str = "") -> str:
    return f"def pytest_{hook}({arguments}):\n    raise RuntimeError('broken plugin')\n"


_BY_SIGNAL = (("Ctrl-C", signal.SIGINT, 2), ("SIGTERM", signal.SIGTERM, -15), ("SIGHUP", signal.SIGHUP, -1))

INTERRUPTIONS = (
    *(
        Case(
            f"{name} to {whom}",
            "Interruptions",
            _INTERRUPTED,
            files=_waits_in("call"),
            run="cancelled",
            exit=exit_,
            annotations={_IT + "test_b": ("interrupted",)},
            args=_IN_ORDER,
            signals=(signal_,),
            to_all=to_all,
        )
        for name, signal_, exit_ in _BY_SIGNAL
        for whom, to_all in (("all processes", True), ("the session's process", False))
    ),
    *(
        Case(
            f"Ctrl-C in {phase}",
            "Interruptions",
            _INTERRUPTED,
            files=_waits_in(phase),
            run="cancelled",
            exit=2,
            annotations={_IT + "test_b": ("interrupted",)},
            output={_IT + "test_b": "last words"},
            steps={_IT + "test_b": (("wait", "failed"),)},
            args=_IN_ORDER,
            signals=(signal.SIGINT,),
        )
        for phase in ("setup", "call", "teardown")
    ),
    Case(
        "Ctrl-C twice",
        "Interruptions",
        _INTERRUPTED,
        files={
            **_waits_in("call"),
            "conftest.py": _CTRL_C
            + """
import threading
from pathlib import Path
def pytest_sessionfinish(session):
    if not hasattr(session.config, 'workerinput'):
        Path(__file__).with_name('ready again').touch()
        threading.Event().wait(60)
""",
        },
        run="cancelled",
        exit=-signal.SIGINT,
        annotations={_IT + "test_b": ("interrupted",)},
        args=_IN_ORDER,
        signals=(signal.SIGINT, signal.SIGINT),
    ),
    Case(
        "Ctrl-C while collecting",
        "Interruptions",
        {},
        files={**_waits_in("call", more="ready()"), "conftest.py": _CTRL_C},
        run=None,
        exit=2,
        signals=(signal.SIGINT,),
        pytest=(8, 2),  # before it, a module that could not be collected
    ),
    Case(
        "KeyboardInterrupt in a test",
        "Interruptions",
        _INTERRUPTED,
        "def test_a():\n    pass\ndef test_b():\n    raise KeyboardInterrupt\n",
        run="cancelled",
        exit=2,
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    *(
        Case(
            f"pytest.exit in {phase}",
            "Interruptions",
            _INTERRUPTED,
            "import pytest\ndef test_a():\n    pass\n@pytest.fixture\ndef phases():\n"
            f"    {setup}\n    yield\n    {teardown}\ndef test_b(phases):\n    {call}\n",
            run="cancelled",
            exit=2,
            annotations={_IT + "test_b": ("interrupted",)},
        )
        for phase, setup, call, teardown in (
            ("setup", "pytest.exit('enough')", "pass", "pass"),
            ("call", "pass", "pytest.exit('enough')", "pass"),
            ("teardown", "pass", "pass", "pytest.exit('enough')"),
        )
    ),
    Case(
        "pytest.exit with a status",
        "Interruptions",
        _INTERRUPTED,
        "import pytest\ndef test_a():\n    pass\ndef test_b():\n    pytest.exit('enough', returncode=7)\n",
        run=("cancelled", "failed"),  # xdist makes an internal error of it
        exit=(7, 3),
        annotations={_IT + "test_b": ("interrupted",)},
    ),
    Case(
        "pytest.exit while collecting",
        "Interruptions",
        {"test_it > collection": "failed"},
        "import pytest\npytest.exit('enough')\n",
        run="failed",
        exit=(2, 1),
        messages={"test_it > collection": "enough"},
    ),
    Case(
        "an internal error at the session's end",
        "Interruptions",
        {_IT + "test_a": "passed"},
        files={"test_it.py": "def test_a():\n    pass\n", "conftest.py": _broken("sessionfinish")},
        run="failed",
        exit=1,
    ),
    *(
        Case(
            f"an internal error in pytest_{hook}",
            "Interruptions",
            {_IT + "test_a": "failed"},
            files={"test_it.py": "def test_a():\n    pass\n", "conftest.py": _broken(hook, arguments)},
            run="failed",
            exit=(3, exit_),
            messages={_IT + "test_a": "broken plugin"},
        )
        for hook, arguments, exit_ in (
            ("runtest_logstart", "nodeid", 3),
            ("runtest_makereport", "item, call", 0),  # the internal errors of its workers do not count for xdist
            ("runtest_logreport", "report", 3),
        )
    ),
    Case(
        "an internal error after a test",
        "Interruptions",
        {_IT + "test_a": "passed"},
        files={"test_it.py": "def test_a():\n    pass\n", "conftest.py": _broken("runtest_logfinish", "nodeid")},
        run="failed",
        exit=3,
    ),
    Case(
        "an internal error while collecting",
        "Interruptions",
        {},
        files={"test_it.py": "def test_a():\n    pass\n", "conftest.py": _broken("collection_modifyitems", "items")},
        run=(None, "failed"),  # xdist's controller is told of tests all the same
        exit=3,
        xdist="both, on two workers",
    ),
    Case(
        "exit status changed by a plugin",
        "Interruptions",
        {_IT + "test_a": "passed"},
        files={
            "test_it.py": "def test_a():\n    pass\n",
            "conftest.py": "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n",
        },
        run="failed",
        exit=1,
    ),
)
