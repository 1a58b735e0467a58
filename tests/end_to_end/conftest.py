"""Fixtures: platforms, and projects whose sessions report to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from end_to_end.platforms import Kind, Server, Target, serving_platform
from end_to_end.sessions import Project


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Kind, Server]]:
    """The platforms on ports, one of each kind for all tests of this process."""
    folder = tmp_path_factory.mktemp("platforms")
    with serving_platform("served", folder / "served") as served, serving_platform("plain", folder / "plain") as plain:
        yield {"served": served, "plain": plain}


@pytest.fixture
def make_target(servers: dict[Kind, Server], tmp_path: Path) -> Iterator[Callable[[Kind], Target]]:
    def make(kind: Kind) -> Target:
        if kind == "embedded":
            return Target(kind, tmp_path / ".platform-report" / "platform")
        return servers[kind].target()

    yield make
    for server in servers.values():
        server.gate.reset()


@pytest.fixture
def target(request: pytest.FixtureRequest, make_target: Callable[[Kind], Target]) -> Target:
    """A platform of the kind that the test is parametrized with, a served one otherwise."""
    return make_target(getattr(request, "param", "served"))


@pytest.fixture
def project(target: Target, tmp_path: Path) -> Iterator[Project]:
    """An empty project that reports to the target."""
    project = Project(tmp_path, target.environment)
    yield project
    project.close()


@pytest.fixture(params=[0, 2], ids=["alone", "xdist"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many xdist workers a session has."""
    return int(request.param)
