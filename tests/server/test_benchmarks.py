"""The benchmarks still run; what they say is for people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "server"


def test_the_platform_is_measured() -> None:
    options = ["--store", "sqlite", "--results", "450", "--tests", "150", "--sent", "500", "--shuffled"]
    done = subprocess.run([sys.executable, BENCHMARKS, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "450 results in runs of 150, folded and counted" in done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith("| SQLite")]
    assert len(rows) == 5 + 3 + 14
