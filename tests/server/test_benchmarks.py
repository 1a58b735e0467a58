"""The benchmarks still run, as docs/scaling.md says; what they say is for people."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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
from benchmarks.sessions.measured import measure
told = []
done = measure([sys.executable, sys.argv[1]], Path.cwd(), os.environ, Path("out"), 60, lambda: told.append("ended"))
print(json.dumps([*told, done.exit, done.cpu < done.left_cpu, done.peak < 50 < done.left_peak]))
"""


@pytest.mark.newest
def test_a_session_is_measured_with_what_it_leaves_behind(tmp_path: Path) -> None:
    (tmp_path / "session.py").write_text(_LEAVES_ANOTHER)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", _MEASURES, str(tmp_path / "session.py")]
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == ["ended", 3, True, True]
