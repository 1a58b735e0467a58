"""The API answers whatever can be made up as its document says: no failure of its own, no answer outside of it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from platform_report_server.settings import Settings
from server.support import serving

CONFIG = Path(__file__).with_name("schemathesis.toml")
PATIENCE = 500


@pytest.mark.uncovered
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis needs a newer pytest")
def test_made_up_requests_are_answered_as_documented(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", "--seed", "1"]
    with serving(Settings.embedded(tmp_path / "platform")) as url:
        made_up = subprocess.run(
            [*command, "--max-examples", "2", "--warnings", "off", f"{url}/api/openapi.json"],
            cwd=tmp_path,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            text=True,
        )
    assert made_up.returncode == 0, made_up.stdout
    assert "No issues found" in made_up.stdout
