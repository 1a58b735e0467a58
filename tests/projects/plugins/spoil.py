"""Let some tests of a suite go wrong, in each session the same ones: released projects' tests all pass.

Those that go wrong only once are run again. How a test was spoiled is one of its properties, which junit has, too:
nothing else there tells that a test was run twice.
"""

from __future__ import annotations

from collections.abc import Generator
from zlib import crc32

import pytest

_WAYS = ("call", "call once", "setup", "setup once", "teardown", "call and teardown", "skip")
_SHARE = 6  # one in so many tests is spoiled

_ways: dict[str, str] = {}


class SpoiledError(Exception):
    """A test was spoiled."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        drawn = crc32(item.nodeid.encode())
        if drawn % _SHARE == 0:
            way = _ways[item.nodeid] = _WAYS[drawn // _SHARE % len(_WAYS)]
            item.user_properties.append(("spoiled", f"{way} in {item.nodeid}"))
            if way.endswith("once"):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    yield
    _spoil(item, "setup")
    if _ways.get(item.nodeid) == "skip":
        pytest.skip("spoiled")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    _spoil(item, "call")
    yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    yield
    _spoil(item, "teardown")


def _spoil(item: pytest.Item, phase: str) -> None:
    way = _ways.get(item.nodeid, "")
    is_again = getattr(item, "execution_count", 1) > 1
    if phase in way.split() and not (way.endswith("once") and is_again):
        raise SpoiledError(f"spoiled in its {phase}")
