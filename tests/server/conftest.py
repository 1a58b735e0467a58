"""Fixtures: a server, and clients of its two projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from platform_report_server.settings import Settings
from server.support import KEY, OTHER_KEY, OTHER_PROJECT, Api, served_settings, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "platform"


@pytest.fixture
def settings(folder: Path) -> Settings:
    return served_settings(folder)


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with serving(settings) as address:
        yield address


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as client:
        yield client


@pytest.fixture
def api(http: httpx.Client) -> Api:
    return Api(http)


@pytest.fixture
def other(url: str) -> Iterator[Api]:
    with httpx.Client(base_url=url, headers={"X-API-Key": OTHER_KEY}, timeout=60) as client:
        yield Api(client, OTHER_PROJECT)
