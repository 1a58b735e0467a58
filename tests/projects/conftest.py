"""Only where the projects are installed are their suites run: in tox's environment ``projects``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CACHE = "PLATFORM_REPORT_PROJECTS"

collect_ignore_glob = [] if _CACHE in os.environ else ["test_*.py"]


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where the unpacked sdists are kept from one time to the next."""
    return Path(os.environ[_CACHE])
