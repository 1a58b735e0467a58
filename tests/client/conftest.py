"""A server that answers as a test says, and the platform that it plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers import KEY, Server, serve

from pytest_platform_report.platforms.client import Platform, open_platform
from pytest_platform_report.settings import Settings


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture
def platform(server: Server) -> Iterator[Platform]:
    with open_platform(Settings(url=server.url, project="proj_1", api_key=KEY)) as platform:
        yield platform
