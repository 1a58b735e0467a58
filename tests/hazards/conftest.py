"""Fixtures: a project to try in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hazards.trying import Pair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """An empty project, and the same without a report."""
    pair = Pair(tmp_path)
    yield pair
    pair.project.close()


@pytest.fixture(params=[0, 2], ids=["plain", "xdist"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many xdist workers a session has."""
    return int(request.param)
