"""Tests that exhaust, close or replace what their process has: descriptors, limits, signals, streams, children."""

from __future__ import annotations

from hazards.hazards import Hazard, Session
from hazards.trying import Pair, attempt, each

_FEW_DESCRIPTORS = Hazard(
    "A14",
    "no descriptors left",
    """
    import os, resource, pytest

    LIMITS = resource.getrlimit(resource.RLIMIT_NOFILE)

    def test_none_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, LIMITS[1]))
        with pytest.raises(OSError, match="Too many open files"):
            os.open("/dev/null", os.O_RDONLY)

    def test_fails():
        os.pipe()

    def test_room_again():
        resource.setrlimit(resource.RLIMIT_NOFILE, LIMITS)
    """,
    passed="test_none_left test_room_again",
    failed="test_fails",
)

_FEW_FOR_GOOD = Hazard(
    "A14",
    "no descriptors left until the end",
    """
    import os, resource, pytest

    def test_none_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        with pytest.raises(OSError, match="Too many open files"):
            os.open("/dev/null", os.O_RDONLY)

    def test_fails():
        os.pipe()
    """,
    passed="test_none_left",
    failed="test_fails",
)

_UMASK = Hazard(
    "A18",
    "a umask changed by a test",
    """
    import os

    def test_nothing_may_be_opened():
        os.umask(0o777)

    def test_attaches(platform_report):
        platform_report.attach(b"content", name="note.txt")
    """,
    passed="test_nothing_may_be_opened test_attaches",
)

_LIMITS = Hazard(
    "A20",
    "limits and hooks of the interpreter",
    """
    import gc, logging, resource, sys, threading, tracemalloc, warnings
    import pytest

    def test_no_memory():
        resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.getrlimit(resource.RLIMIT_AS)[1]))
        with pytest.raises(MemoryError):
            bytearray(2**33)

    def test_hooks():
        tracemalloc.start()
        gc.disable()
        gc.freeze()
        threading.settrace(lambda *args: None)
        sys.excepthook = sys.unraisablehook = threading.excepthook = None
        logging.shutdown()
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("error")

    def test_deep():
        def deeper(depth):
            return deeper(depth + 1)
        with pytest.raises(RecursionError):
            deeper(0)

    def test_traced():
        sys.settrace(lambda *args: None)

    def test_fails():
        def deeper(depth):
            return deeper(depth + 1)
        deeper(0)
    """,
    passed="test_no_memory test_hooks test_deep test_traced",
    failed="test_fails",
)

_SIGNALS = Hazard(
    "A22",
    "signals ignored and blocked, handlers replaced",
    """
    import atexit, os, signal

    def test_handlers():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
            signal.signal(number, lambda *args: None)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        atexit.register(stop_timer)

    def stop_timer():
        signal.setitimer(signal.ITIMER_REAL, 0)
        while signal.sigtimedwait({signal.SIGALRM}, 0.02):
            pass  # whatever is under way would meet an interpreter that has no handlers any more

    def test_all_ignored_and_blocked():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    def test_fails():
        assert signal.getsignal(signal.SIGCHLD) is None
    """,
    passed="test_handlers test_all_ignored_and_blocked",
    failed="test_fails",
)

_STREAMS = Hazard(
    "A23",
    "standard streams replaced or closed",
    """
    import os, sys

    def test_gone():
        sys.stdin = sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None

    def test_descriptor_closed():
        os.close(2)
        assert os.open(os.devnull, os.O_WRONLY) == 2

    def test_fails():
        sys.stdout.write("nobody listens")
    """,
    passed="test_gone test_descriptor_closed",
    failed="test_fails",
    args=("--capture=no",),
)

_HOSTILE = Hazard(
    "A28",
    "hostile objects",
    """
    import pytest
    from pytest_platform_report import step

    class Hostile:
        def __getattribute__(self, name):
            if name in ("__class__", "__dict__"):
                return object.__getattribute__(self, name)
            raise SystemExit("attribute")
        def __repr__(self): raise SystemExit("repr")
        def __str__(self): raise SystemExit("str")
        def __bool__(self): raise SystemExit("bool")
        def __eq__(self, other): raise ValueError("eq")
        def __hash__(self): raise ValueError("hash")
        def __len__(self): raise ValueError("len")

    class Unequal:
        def __eq__(self, other): return False
        def __repr__(self): raise ValueError("repr")
        def __bool__(self): raise ValueError("bool")
        def __getattr__(self, name): raise ValueError("attribute")

    class Quiet(Exception):
        def __str__(self): raise RuntimeError("str")
        __repr__ = __str__

    class Huge:
        def __repr__(self): return "x" * 5_000_000

    @pytest.mark.parametrize("value", [Hostile(), Huge()], ids=["hostile", "huge"])
    def test_parameter(value): pass

    def test_property(record_property):
        record_property("hostile", 1)
        record_property("huge", "x" * 5_000_000)

    def test_step():
        with step("caught"), pytest.raises(Quiet):
            raise Quiet

    def test_local_fails():
        value, other = Unequal(), Huge()
        assert False

    def test_equality_fails():
        assert Unequal() == 1

    def test_raises_fails():
        raise Quiet

    def test_huge_fails():
        assert Huge() == 1

    def test_step_fails():
        with step("{value}"):
            raise Quiet
    """,
    passed="test_parameter[hostile] test_parameter[huge] test_property test_step",
    failed="test_local_fails test_equality_fails test_raises_fails test_huge_fails test_step_fails",
    args=("--showlocals",),
)

_WARNINGS = Hazard(
    "A30",
    "warnings as errors",
    """
    import gc, subprocess, warnings, pytest

    def test_quiet():
        gc.collect()

    def test_own_child():
        subprocess.run(["true"], check=True)
        gc.collect()

    def test_fails():
        warnings.warn("mine", UserWarning)
    """,
    passed="test_quiet test_own_child",
    failed="test_fails",
    args=("-W", "error"),
)

# faulthandler keeps a descriptor, and what pytest-rerunfailures listens with may only then begin to want one.
_WITHOUT_OTHERS = ("-p", "no:faulthandler", "-p", "no:pytest_rerunfailures")

SESSIONS = (
    Session((_FEW_DESCRIPTORS,), args=_WITHOUT_OTHERS),
    Session((_FEW_FOR_GOOD,), args=_WITHOUT_OTHERS),
    Session((_UMASK, _SIGNALS)),
    Session((_LIMITS,)),
    Session((_STREAMS,), xdist="without"),
    Session((_HOSTILE,)),
    Session((_WARNINGS,)),
)


@each(SESSIONS)
def test_state(session: Session, workers: int, pair: Pair) -> None:
    run = attempt(session, workers, pair)
    if any(hazard is _UMASK for hazard in session.hazards):
        assert run.content("note.txt") == b"content"


def test_a14_a_limit_of_descriptors_that_cannot_be_raised(ordinary: Pair) -> None:
    ordinary.write(
        "test_it.py",
        """
        import resource

        def test_before(): pass

        def test_lowers_both():
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
        """,
    )
    run = ordinary.run(*_WITHOUT_OTHERS)
    assert run.outcomes == {"test_it > test_before": "passed", "test_it > test_lowers_both": "passed"}
    said = ordinary.reported.out
    assert "2 tests run; how many are acknowledged cannot be read (Too many open files: " in said
    assert "delivery goes on in the background" in said


def test_a14_files_of_the_run_when_there_are_no_descriptors(pair: Pair) -> None:
    pair.write("log.txt", "the log")
    pair.write(
        "test_it.py",
        """
        import resource

        def test_lowers():
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        """,
    )
    pair.write("pytest.ini", "[pytest]\nplatform_artifact = attachment:*.txt\n")
    run = pair.run(*_WITHOUT_OTHERS)
    assert run.content("log.txt") == b"the log"
    assert "1 test run, 1 acknowledged" in pair.reported.out


def test_a18_a_umask_that_takes_everything_from_the_start(ordinary: Pair) -> None:
    """The uploader, which has no privileges either, reads what the session has made. xdist is itself not up to it."""
    ordinary.write("conftest.py", "import os\nos.umask(0o777)\n")
    ordinary.write(
        "test_it.py",
        """
        def test_passes(): pass

        def test_attaches(platform_report):
            platform_report.attach(b"content", name="note.txt")

        def test_fails():
            assert 0
        """,
    )
    run = ordinary.run()
    assert run.outcomes == {
        "test_it > test_passes": "passed",
        "test_it > test_attaches": "passed",
        "test_it > test_fails": "failed",
    }
    assert run.content("note.txt") == b"content"
    assert "3 tests run, 3 acknowledged" in ordinary.reported.out
