"""Under each fault of the kit, all is delivered once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.plugins import OURS
from faults.scenarios import SCENARIOS, Scenario
from faults.sessions import Server, Stage, serving

pytestmark = pytest.mark.uncovered


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving(OURS.api) as server:
        yield server


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_nothing_is_lost_and_nothing_is_there_twice(server: Server, tmp_path: Path, scenario: Scenario) -> None:
    played = Stage(tmp_path, server, OURS).play(scenario)
    assert not played.problems(), played.out
