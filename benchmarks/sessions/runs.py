"""Sessions of one candidate, and what came of each."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sessions.candidates import Candidate
from benchmarks.sessions.cores import Cores
from benchmarks.sessions.corpora import Corpus
from benchmarks.sessions.measured import Measured, measure
from faults.run import find_python
from faults.sessions import Server, serving

_NOBODY = "http://127.0.0.1:9"  # the port of "discard", which no machine serves any more
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_OVER = "tests-over"
_LIMIT = 300.0  # seconds

# When the last test has ended, whatever is done after it, and the CPU until then. The monotonic clock is one and the
# same for all processes.
_CONFTEST = f"""
import time as _time
from pathlib import Path as _Path

import pytest as _pytest


@_pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session, clock=_time.monotonic, file=_Path("{_OVER}").absolute()):
    try:
        return (yield)
    finally:
        file.write_text(f"{{clock()}} {{_time.process_time()}}")
"""


@dataclass(frozen=True)
class Run:
    """One session.

    :ivar tests_wall: seconds from its start to the end of its last test; ``tests_cpu`` those of CPU.
    :ivar requests: how many its server got; None where it had none.
    :ivar at_end: how many results had arrived when it ended; ``in_the_end`` when what it left behind had ended too.
    """

    measured: Measured
    tests_wall: float
    tests_cpu: float
    requests: int | None
    at_end: int | None
    in_the_end: int | None


def write(corpus: Corpus, folder: Path, venvs: Path, candidate: Candidate) -> None:
    """Write a corpus, and let pytest compile it: the first session would do that for the others."""
    corpus.write(folder)
    command = [find_python(candidate.plugin, venvs), "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only"]
    subprocess.run(command, cwd=folder, env=_environment({}), stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def begin(
    candidate: Candidate, written: Path, folder: Path, venvs: Path, address: str = _NOBODY
) -> tuple[list[str], dict[str, str]]:
    """Make a session's folder of a corpus that has been written; return its command and its environment."""
    shutil.copytree(written, folder)
    plugin = candidate.plugin
    (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")

    def fill(text: str) -> str:
        return text.replace("{address}", address)

    if plugin.conftest:
        (folder / "pointed.py").write_text(fill(plugin.conftest), encoding="utf-8")
    pointed = ("-p", "pointed") if plugin.conftest else ()
    command = [find_python(plugin, venvs), "-m", "pytest", "-p", "no:cacheprovider", *pointed]
    environment = _environment({name: fill(text) for name, text in plugin.environment.items()})
    return [*command, *map(fill, plugin.arguments)], environment


def run(candidate: Candidate, corpus: Corpus, written: Path, folder: Path, venvs: Path, cores: Cores) -> Run:
    """Run a session of a corpus in *folder*, which must not be there yet.

    :param written: where the corpus has been written.
    """
    with ExitStack() as stack:
        server = None
        if candidate.plugin.api and not candidate.is_deserted:
            server = stack.enter_context(serving(candidate.plugin.api)).begin(_options(candidate, corpus))
        command, environment = begin(candidate, written, folder, venvs, server.address if server else _NOBODY)
        at_end: list[int | None] = []
        measured = measure(
            command,
            folder,
            environment,
            folder / "out",
            _LIMIT,
            cores,
            ended=lambda: at_end.append(_arrived(candidate, server, folder)[1]),
        )
        requests, in_the_end = _arrived(candidate, server, folder)
    over = folder / _OVER
    tests_wall, tests_cpu = measured.wall, measured.cpu
    if over.exists():
        ended, tests_cpu = map(float, over.read_text().split())
        tests_wall = ended - measured.began
    return Run(measured, tests_wall, tests_cpu, requests, at_end[0], in_the_end)


def _options(candidate: Candidate, corpus: Corpus) -> dict[str, object]:
    cases = {"cases": corpus.count} if candidate.plugin.api == "qase" else {}
    return {**candidate.server, **cases}


def _arrived(candidate: Candidate, server: Server | None, folder: Path) -> tuple[int | None, int | None]:
    if server is not None:
        return server.counts()
    if candidate.is_deserted:
        return None, 0
    if candidate.arrived is None:
        return None, None
    try:
        return None, candidate.arrived(folder)
    except (OSError, ValueError, LookupError):
        return None, 0  # the session has not come as far as to write it


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    return {**{name: os.environ[name] for name in _INHERITED if name in os.environ}, **own}
