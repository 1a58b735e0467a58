"""The benchmarks still run, as docs/scaling.md says; what they say is for people."""

from __future__ import annotations

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
