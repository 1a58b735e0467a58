"""Fixtures: a project to try in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from end_to_end.conftest import make_target, servers
from end_to_end.platforms import Kind, Target
from hazards.rows import rows_of
from hazards.trying import Pair, can

__all__ = ["make_target", "ordinary", "pair", "servers", "workers"]

_ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


def pytest_configure(config: pytest.Config) -> None:
    """Called when the options are known."""
    config.addinivalue_line("markers", "embedded: reports to the embedded platform, in its spool")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called when the tests are known: each tells with its result what docs/outcomes_table.py makes of it."""
    for item in items:
        if isinstance(item, pytest.Function) and "pair" in item.fixturenames:
            item.user_properties += [("pytest", pytest.__version__), *rows_of(item)]
            item.add_marker("page")


@pytest.fixture
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    make_target: Callable[[Kind], Target],
    record_property: Callable[[str, object], None],
) -> Iterator[Pair]:
    """An empty project that reports to a served platform where the test does not say otherwise, and one without."""
    pair = Pair(tmp_path, make_target("embedded" if request.node.get_closest_marker("embedded") else "served"))
    yield pair
    for mode in sorted(pair.project.modes):
        record_property("mode", mode)
    pair.project.close()


@pytest.fixture
def ordinary(pair: Pair) -> Pair:
    """A pair whose sessions have no privileges, whoever runs these tests: modes and hard limits hold for them."""
    if os.geteuid() == 0:
        if not can(*_ORDINARY):
            pytest.skip("root cannot give its privileges up here")
        pair.project.under = pair.bare.under = _ORDINARY
    return pair


@pytest.fixture(params=[0, 1], ids=["plain", "xdist"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many xdist workers a session has, where it does not take two."""
    return int(request.param)
