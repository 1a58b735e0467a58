"""Fixtures: a server, and clients of its two projects.

Tests marked `both_stores` run on SQLite and on PostgreSQL, unless they are marked `one_store`; the others on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import certifi
import httpx
import pytest

from platform_report_server.settings import PostgresUrl, Settings
from server import buckets, postgres
from server.buckets import S3
from server.postgres import Cluster
from server.support import KEY, OTHER_KEY, OTHER_PROJECT, Api, served_settings, serving


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All servers here are on loopback: no client has to load the world's certificates, which takes longest of it."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(first + end, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "platform"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if "store" in metafunc.fixturenames and marked("both_stores") and not marked("one_store"):
        second = pytest.param("postgresql", marks=pytest.mark.uncovered)
        metafunc.parametrize("store", ["sqlite", second], indirect=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    lacking = postgres.lacking()
    if lacking is not None:
        if postgres.must_be_there():
            pytest.fail(lacking)
        pytest.skip(lacking)
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    lacking = buckets.lacking()
    if lacking is not None:
        pytest.skip(lacking)
    with buckets.s3() as running:
        yield running


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database(store: str, request: pytest.FixtureRequest) -> Iterator[PostgresUrl | None]:
    if store == "sqlite":
        yield None
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with cluster.database() as address:
        yield PostgresUrl(address)


@pytest.fixture
def settings(folder: Path, database: PostgresUrl | None) -> Settings:
    return served_settings(folder, database)


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


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server for all tests that leave nothing behind which another would notice."""
    with (
        serving(served_settings(tmp_path_factory.mktemp("standing"))) as address,
        httpx.Client(base_url=address, headers={"X-API-Key": KEY}, timeout=60) as client,
    ):
        yield Api(client)


@pytest.fixture
def other(url: str) -> Iterator[Api]:
    with httpx.Client(base_url=url, headers={"X-API-Key": OTHER_KEY}, timeout=60) as client:
        yield Api(client, OTHER_PROJECT)
