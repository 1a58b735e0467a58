"""Tests, and conftest files, that replace what the standard library offers, for a while or for good."""

from __future__ import annotations

from hazards.hazards import Hazard, Session
from hazards.trying import Pair, attempt, each

_NAMES = (
    "builtins.open",
    "builtins.print",
    "builtins.sorted",
    "fcntl.fcntl",
    "fcntl.flock",
    "io.open",
    "json.dump",
    "json.dumps",
    "json.encoder.JSONEncoder",
    "json.encoder.c_make_encoder",
    "json.encoder.encode_basestring_ascii",
    "json.loads",
    "os.close",
    "os.fork",
    "os.getpid",
    "os.getppid",
    "os.kill",
    "os.mkdir",
    "os.open",
    "os.posix_spawn",
    "os.read",
    "os.replace",
    "os.urandom",
    "os.waitpid",
    "os.write",
    "pathlib.Path.open",
    "subprocess.Popen",
    "tempfile.gettempdir",
    "threading.Lock",
    "threading.Thread",
    "time.gmtime",
    "time.monotonic",
    "time.sleep",
    "time.time",
    "time.time_ns",
    "uuid.uuid4",
)

_WHOLE_SESSION = Hazard(
    "A1",
    "patched from the first test to the end",
    """
    import fcntl, json, os, time
    import pytest

    def broken(*args, **kwargs):
        raise RuntimeError("patched for the session")

    @pytest.fixture(scope="session", autouse=True)
    def patched():
        os.open = os.write = os.read = os.mkdir = os.urandom = os.posix_spawn = broken
        fcntl.fcntl = fcntl.flock = json.dumps = json.JSONEncoder.encode = time.sleep = time.time = broken

    def test_patched():
        with pytest.raises(RuntimeError, match="patched for the session"):
            os.write(1, b"")

    def test_fails():
        os.open(__file__, os.O_RDONLY)
    """,
    passed="test_patched",
    failed="test_fails",
)

_PATCHED = Hazard(
    "A10",
    "patched while the report is made",
    f"""
    import builtins, fcntl, io, json, json.encoder, os, pathlib, subprocess, tempfile, threading, time, uuid
    import pytest

    NAMES = {_NAMES!r}

    def broken(*args, **kwargs):
        raise RuntimeError("patched by the test")

    @pytest.fixture(params=NAMES)
    def patched(request, monkeypatch):
        monkeypatch.setattr(request.param, broken)
        return request.param

    def test_patched(patched):
        with pytest.raises(RuntimeError, match="patched by the test"):
            eval(patched)()

    def test_all_fails(monkeypatch):
        for name in NAMES:
            monkeypatch.setattr(name, broken)
        assert [1] == [2]
    """,
    passed=" ".join(f"test_patched[{name}]" for name in _NAMES),
    failed="test_all_fails",
)

_NEVER_UNDONE = Hazard(
    "A11",
    "patches never undone",
    """
    import builtins, json, json.encoder, os, random, select, signal, subprocess, threading, time

    def broken(*args, **kwargs):
        raise RuntimeError("patched for good")

    def test_patches():
        json.dumps = json.dump = json.loads = json.load = json.JSONEncoder = json.JSONDecoder.decode = broken
        json.encoder.encode_basestring_ascii = json.encoder.c_make_encoder = broken
        os.kill = os.waitpid = os.urandom = os.posix_spawn = os.fork = os.replace = os.getpid = broken
        subprocess.Popen.__init__ = subprocess.run = broken
        time.sleep = time.time_ns = select.select = broken
        threading.Thread.start = random.random = broken

    def test_fails():
        time.sleep(0)
    """,
    passed="test_patches",
    failed="test_fails",
)

_IMPORTS = Hazard(
    "A12",
    "imports refused",
    """
    import builtins, sys

    def test_refuses():
        real = builtins.__import__
        refused = ("copy", "datetime", "httpx", "json", "logging", "os", "pytest_platform_report", "random", "socket",
                   "sqlite3", "subprocess", "tempfile", "threading", "time", "uuid")
        def refuse(name, *args, **kwargs):
            if name.partition(".")[0] in refused:
                raise ImportError(f"{name} is refused")
            return real(name, *args, **kwargs)
        builtins.__import__ = refuse
        for name in [name for name in sys.modules if name.startswith("pytest_platform_report")]:
            del sys.modules[name]
        for name in refused:
            sys.modules[name] = None
        sys.path.clear()

    def test_fails():
        import copy
    """,
    passed="test_refuses",
    failed="test_fails",
)

_DIRECTORY = Hazard(
    "A13",
    "a working directory that is deleted",
    """
    import os, pytest

    def test_changes_it(tmp_path):
        os.chdir(tmp_path)

    def test_deletes_it(tmp_path):
        gone = tmp_path / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
        with pytest.raises(FileNotFoundError):
            os.getcwd()

    def test_fails():
        os.getcwd()
    """,
    passed="test_changes_it test_deletes_it",
    failed="test_fails",
)

_ENVIRONMENT = Hazard(
    "A15",
    "an environment that is replaced",
    """
    import os, sys

    def test_nonsense():
        for name in ("HOME", "TMPDIR", "HTTP_PROXY", "ALL_PROXY", "PLATFORM_URL", "PLATFORM_SPOOL", "PYTHONPATH"):
            os.environ[name] = "socks9://nowhere:1"
        os.environ["PLATFORM_API_KEY"] = "of somebody else"
        sys.argv[:] = ["gone"]
        sys.executable = None

    def test_cleared():
        os.environ.clear()

    def test_fails():
        os.environ["HOME"]
    """,
    passed="test_nonsense test_cleared",
    failed="test_fails",
)

# Each of these meets pytest's own work at the end of a test or of the session, so that it keeps to itself.
SESSIONS = (
    Session((_WHOLE_SESSION,)),
    Session((_PATCHED,)),
    Session((_NEVER_UNDONE, _ENVIRONMENT)),
    Session((_IMPORTS,)),
    Session((_DIRECTORY,)),
)

_AT_IMPORT = Hazard(
    "A27",
    "a conftest.py that patches when it is imported",
    """
    import subprocess, pytest

    def test_passes(): pass

    def test_popen():
        with pytest.raises(RuntimeError, match="patched by the conftest"):
            subprocess.Popen(["true"])

    def test_fails():
        assert "one" == "two"
    """,
    passed="test_passes test_popen",
    failed="test_fails",
)

_CONFTEST = """
    import json, os, random, socket, subprocess, time, uuid

    def broken(*args, **kwargs):
        raise RuntimeError("patched by the conftest")

    subprocess.Popen.__init__ = broken
    os.posix_spawn = os.posix_spawnp = os.fork = os.execv = os.waitpid = os.urandom = broken
    os.write = os.pipe = os.getuid = broken
    socket.socket = socket.create_connection = socket.gethostname = broken
    uuid.uuid4 = uuid.uuid1 = uuid.getnode = broken
    random.random = random.randrange = random.getrandbits = random.choice = broken
    json.dumps = json.dump = broken
    time.time = time.sleep = broken
"""

# xdist itself starts its workers by subprocess and names the session by uuid; pytest-rerunfailures opens a socket.
_PATCHED_EARLY = (
    Session((_AT_IMPORT,), ("-p", "no:pytest_rerunfailures"), files={"conftest.py": _CONFTEST}, xdist="without"),
)


@each((*SESSIONS, *_PATCHED_EARLY))
def test_patched(session: Session, workers: int, pair: Pair) -> None:
    attempt(session, workers, pair)
