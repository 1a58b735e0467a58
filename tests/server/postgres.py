"""A PostgreSQL of the tests' own, on a socket in a folder of its own; as a script, install the programs on Debian."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PATIENCE = 300.0
_DEADLINE = 60.0
_ROLE = "reports"
# a crash of the database itself is no part of the tests
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "deadlock_timeout=100ms")


def lacking() -> str | None:
    """Return what is missing, or None."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'pytest-platform-report[postgres]'"
    if find_programs() is None:
        return "no PostgreSQL on this machine: apt-get install postgresql"
    if os.getuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no account 'postgres'"
    return None


def must_be_there() -> bool:
    """Tell whether it could have been installed."""
    return bool(os.environ.get("CI")) and os.getuid() == 0 and find_spec("psycopg") is not None


class Cluster:
    """A running server. Each database is a copy of one that has the schema."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count()
        self._template = self.address("template_of_tests")

    def address(self, name: str, role: str = _ROLE) -> str:
        """Return the address of a database."""
        return f"postgresql://{role}@/{name}?host={self.folder}"

    def prepare(self) -> None:
        """Make the role, and what the databases are copies of."""
        from platform_report_server.db.engine import migrate_database
        from platform_report_server.settings import PostgresUrl

        self.run(f"CREATE ROLE {_ROLE} LOGIN")
        self.run(f"CREATE DATABASE template_of_tests OWNER {_ROLE}")
        migrate_database(PostgresUrl(self._template))

    @contextmanager
    def database(self, template: str = "template_of_tests") -> Iterator[str]:
        """Make a database; its address is given out."""
        name = f"test_{next(self._numbers)}"
        self.make(name, template)
        yield self.address(name)
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def make(self, name: str, template: str = "template_of_tests") -> None:
        """Make a database that stays."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {_ROLE}")

    def run(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the administrator."""
        import psycopg

        with psycopg.connect(self.address(database, "postgres"), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []


@contextmanager
def cluster(*more: str) -> Iterator[Cluster]:
    """Run a server for the time being, with more settings, or others, than the tests need."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        with running(folder, signal.SIGQUIT, *more) as server:  # at once, without a checkpoint
            server.prepare()
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(folder: Path, ending: signal.Signals, *more: str) -> Iterator[Cluster]:
    """Run a server with what a folder has, and in an empty one with nothing."""
    programs = find_programs()
    assert programs is not None
    account = _account() if os.getuid() == 0 else None
    as_whom: dict[str, Any] = {}
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_whom = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    data = folder / "data"
    if not data.exists():
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        making = [str(programs / "initdb"), "-D", str(data), *options]
        subprocess.run(making, cwd=folder, capture_output=True, check=True, **as_whom)
    settings = [f"unix_socket_directories={folder}", "listen_addresses=", "shared_buffers=32MB", *_QUICK, *more]
    command = [str(programs / "postgres"), "-D", str(data), *(f"--{each}" for each in settings)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, text=True, **as_whom)
    try:
        _wait(programs, folder, server)
        yield Cluster(folder)
    finally:
        server.send_signal(ending)
        server.wait(_PATIENCE)


def _wait(programs: Path, folder: Path, server: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + _DEADLINE
    while subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False).returncode:
        assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()  # noqa: PT018


def find_programs() -> Path | None:
    """Return the folder of its programs, where it is installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("initdb") or (installed[-1] if installed else None)
    return None if found is None else Path(found).resolve().parent


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def install() -> None:
    """Install it, where that can be done; the tests are skipped where it could not."""
    if find_programs() or os.getuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", "postgresql"]):
        try:
            subprocess.run(["apt-get", *command, "-y"], env=environment, timeout=_PATIENCE, check=True)
        except (subprocess.SubprocessError, OSError):
            return


if __name__ == "__main__":
    install()
