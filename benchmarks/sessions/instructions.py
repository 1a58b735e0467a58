"""How many instructions a test takes in the process that runs it, counted by valgrind.

What else the machine does changes nothing about them. Of two sessions of different length the difference is taken, so
that the start drops out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.sessions.candidates import FLOOR, Candidate
from benchmarks.sessions.corpora import Corpus, mixed, trivial
from benchmarks.sessions.runs import begin, write

_CORPORA = {
    "a test that does nothing": (trivial(100), trivial(400)),
    "a mixed test": (mixed(60), mixed(260)),
}
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")

# The least that a plugin can do: one line a test.
_FLOOR = """
import json
import os

_fd = os.open("report.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def pytest_runtest_logreport(report):
    if report.when == "call":
        line = {"id": report.nodeid, "outcome": report.outcome, "duration": report.duration}
        os.write(_fd, (json.dumps(line) + "\\n").encode())
"""


def count_instructions(candidates: Sequence[Candidate], venvs: Path) -> str:
    """Return tables of candidates, none of which has a server."""
    if shutil.which("valgrind") is None:
        return "Instructions were not counted: there is no valgrind."
    return "\n\n".join(_table(what, sizes, candidates, venvs) for what, sizes in _CORPORA.items())


def _table(what: str, sizes: tuple[Corpus, Corpus], candidates: Sequence[Candidate], venvs: Path) -> str:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            each.name: pool.submit(_count, each, sizes, Path(folder) / str(number), venvs)
            for number, each in enumerate(candidates)
        }
        taken = {name: job.result() for name, job in jobs.items()}
    lines = [f"| {what} | instructions | ratio |", "| --- | ---: | ---: |"]
    for each in candidates:
        ratio = taken[each.name] / taken[each.beside]
        lines.append(f"| {each.name} | {taken[each.name] / 1000:,.0f} thousand | {ratio:.3f} |")
    return "\n".join(lines)


def _count(candidate: Candidate, sizes: tuple[Corpus, Corpus], folder: Path, venvs: Path) -> float:
    few, many = (_count_session(candidate, corpus, folder / str(corpus.count), venvs) for corpus in sizes)
    return (many - few) / (sizes[1].count - sizes[0].count)


def _count_session(candidate: Candidate, corpus: Corpus, folder: Path, venvs: Path) -> int:
    written = folder / "written"
    folder.mkdir(parents=True)
    write(corpus, written, venvs, candidate)
    command, environment = begin(candidate, written, folder / "run", venvs)
    if candidate is FLOOR:
        (folder / "run" / "floor.py").write_text(_FLOOR, encoding="utf-8")
    done = subprocess.run(  # noqa: S603  the commands are our own
        [*_VALGRIND, *command],
        cwd=folder / "run",
        env={**environment, "PYTHONHASHSEED": "0"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if done.returncode != corpus.exit or not found:
        raise SystemExit(f"{candidate.name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return int(found[1].replace(",", ""))
