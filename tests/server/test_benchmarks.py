"""The benchmarks still run, as docs/scaling.md says; what they say is for people."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from array import array
from pathlib import Path

import pytest

from benchmarks.sessions.candidates import CANDIDATES
from benchmarks.sessions.cores import Speeds
from benchmarks.sessions.corpora import trivial
from benchmarks.sessions.measured import Measured
from benchmarks.sessions.runs import Run
from benchmarks.sessions.tables import Turn, table

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
# a tiny size, on one store
_INSTEAD = {"10000000": "450", "100000": "150"}
_MORE = ["--store", "sqlite", "--sent", "500"]


@pytest.mark.newest
@pytest.mark.uncovered
def test_each_command_of_the_page_measures(tmp_path: Path) -> None:
    tox, *commands = (shlex.split(line) for line in re.findall(r"^\$ (.*)$", _PAGE, re.MULTILINE))
    assert tox == ["tox", "-e", "bench"]
    assert "python benchmarks{/}server {posargs}" in (_ROOT / "tox.ini").read_text(encoding="utf-8")
    said = []
    for program, script, *options in commands:
        assert program == "python"
        changed = [_INSTEAD.get(option, option) for option in options]
        command = [sys.executable, str(_ROOT / script), *changed, *_MORE]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    filled, again = said
    assert "450 results in runs of 150, folded and counted" in filled
    assert "folded and counted" not in again
    assert [len(re.findall(r"^\| SQLite", each, re.MULTILINE)) for each in said] == [11 + 14, 14]
    assert (tmp_path / "stores" / "sqlite" / "platform.db").exists()


_LEAVES_ANOTHER = """
import subprocess, sys
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, *sys.argv, "left"])
sum(range(3_000_000 if len(sys.argv) == 2 else 0))
kept = bytearray(60_000_000 if len(sys.argv) == 2 else 0)
sys.exit(3)
"""
_MEASURES = """
import json, os, sys
from pathlib import Path
from benchmarks.sessions.cores import Cores
from benchmarks.sessions.measured import measure
told, allowed = [], os.sched_getaffinity(0)
command = [sys.executable, sys.argv[1]]
with Cores() as cores:
    done = measure(command, Path.cwd(), os.environ, Path("out"), 60, cores, lambda: told.append("ended"))
    speed = cores.speeds(cores.session).between(done.began, done.began + done.wall)
told += [os.sched_getaffinity(0) == allowed, 0 < speed <= 1]
print(json.dumps([*told, done.exit, done.cpu < done.left_cpu, done.peak < 50 < done.left_peak]))
"""


@pytest.mark.newest
def test_a_session_is_measured_with_what_it_leaves_behind(tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(_LEAVES_ANOTHER)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", _MEASURES, str(tmp_path / "session.py")]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == ["ended", True, True, 3, True, True]


def test_a_core_that_is_slow_for_a_while() -> None:
    speeds = Speeds(array("d", range(100)), array("d", [0.001] * 60 + [0.002] * 40))
    assert (speeds.between(0, 60), speeds.between(50, 70), speeds.between(60, 100)) == (1.0, 0.75, 0.5)
    assert speeds.steady == 0.6


def test_a_core_of_which_nothing_is_known() -> None:
    speeds = Speeds(array("d"), array("d"))
    assert (speeds.between(0, 1), speeds.steady) == (1.0, None)


def test_times_are_those_of_a_core_at_its_full_speed() -> None:
    """Of a session of 14 s that computes for 10 of them, on a core that does half as much as it can."""
    slow = Speeds(array("d", range(20)), array("d", [0.001] * 3 + [0.002] * 17))
    session = Measured(0, 4.0, 14.0, 10.0, 50.0, 0.0, 0.0)
    bare = Run(Measured(0, 0.0, 3.0, 2.0, 50.0, 0.0, 0.0), 2.0, 2.0, None, None, None)
    reported = Run(session, 8.0, 8.0, None, None, None)
    turns = {"pytest": [Turn(bare)], "ours, installed and off": [Turn(reported, (bare, bare))]}
    *_, first, second = table(trivial(1), CANDIDATES, turns, slow, slow).splitlines()
    assert first == "| pytest | 2.00 s |  | 2.00 s | 3.00 s | 50 MiB |  |  |  |"
    assert second == "| ours, installed and off | 2.50 |  | 2.00 | 3.00 | 50 MiB |  |  |  |"
