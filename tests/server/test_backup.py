"""Backups: made while a server writes, restored, compared."""

from __future__ import annotations

import hashlib
import stat
import tarfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_report_server.archive import MANIFEST
from platform_report_server.backup import Copied, back_up, restore
from platform_report_server.errors import StoreError, StoreTooNew
from platform_report_server.settings import Settings
from server.process import process
from server.support import DEADLINE, KEY, PNG, PROJECT, Api, in_threads, opened, served_settings, serving, with_store


@pytest.mark.parametrize("name", ["copies/monday", "monday.tar"])
def test_a_backup_under_load(settings: Settings, tmp_path: Path, name: str) -> None:
    place, made = tmp_path / name, threading.Event()
    under_way, before = threading.Event(), []

    with process(settings) as (_, link), httpx.Client(base_url=link.partition("/?")[0], headers=_KEY) as http:
        whole = _fill(Api(http), "before")
        seen = _look(Api(http), whole)

        def write(worker: int) -> Any:
            with httpx.Client(base_url=http.base_url, headers=_KEY, timeout=DEADLINE) as client:
                number = 0
                while not made.is_set():
                    run = _fill(Api(client), f"{worker}_{number}")
                    if not under_way.is_set():
                        before.append(run["id"])
                    number += 1
                    if number == 2:
                        under_way.set()

        def copy(_: int) -> Copied:
            try:
                assert under_way.wait(DEADLINE)
                return back_up(settings, place)
            finally:
                made.set()

        works: list[Callable[[int], Any]] = [write, write, copy]
        copied = in_threads(3, lambda number: works[number](number))[-1]
        assert copied.has_database
        assert copied.lacking == 0
        assert copied.files >= len(before) + 1

    assert [each.name for each in place.parent.iterdir() if each.name.startswith(f".{place.name}")] == []
    assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0
    with pytest.raises(StoreError, match="is there already; a backup is made in a new place"):
        back_up(settings, place)

    restored = served_settings(tmp_path / "elsewhere" / "platform")
    assert restore(restored, place) == copied
    with opened(restored) as api:
        assert _look(api, whole) == seen
        runs = api.get("/api/runs", projectId=PROJECT, limit=200)["data"]
        assert {run["id"] for run in runs} >= set(before)
        for run in runs:
            assert api.get("/api/tests", projectId=PROJECT, runId=run["id"])["total"] == run["totalTests"]
            for artifact in api.get("/api/artifacts", runId=run["id"])["data"]:
                assert api.http.get(artifact["url"]).status_code == 200
    assert (tmp_path / "elsewhere" / "platform" / "signing.key").read_bytes() == settings.signing_key.read_bytes()


def test_what_is_there_is_replaced_by_force_only(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "monday"
    with pytest.raises(StoreError, match="there is no store"):
        back_up(settings, place)
    with opened(settings) as api:
        run = _fill(api, "before")
    back_up(settings, place)
    with opened(settings) as api:
        _fill(api, "after")
        with pytest.raises(StoreError, match=r"platform\.db: there is a store already; --force replaces it"):
            restore(settings, place)
        with pytest.raises(StoreError, match=r"a server or another command has the store open .*: end it first"):
            restore(settings, place, force=True)
    restore(settings, place, force=True)
    with opened(settings) as api:
        assert [each["id"] for each in api.get("/api/runs", projectId=PROJECT)["data"]] == [run["id"]]

    other = served_settings(tmp_path / "other")
    manifest = (place / MANIFEST).read_text()
    (place / MANIFEST).write_text(manifest.replace('"format":1', '"format":2'))
    with pytest.raises(StoreError, match="found a backup of format 2, this version knows 1; pytest-platform-report"):
        restore(other, place)
    (place / MANIFEST).write_text(manifest)
    (damaged,) = (path for path in (place / "artifacts").rglob("*") if path.is_file())
    damaged.write_bytes(b"something else")
    with pytest.raises(StoreError, match=f"the file {damaged.name} is damaged"):
        restore(other, place)
    damaged.unlink()
    assert restore(other, place).lacking == 1
    with_store(replace(settings, database=place / "platform.db"), "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(StoreTooNew, match="revision '0099'"):
        restore(served_settings(tmp_path / "third"), place)
    (place / MANIFEST).unlink()
    with pytest.raises(StoreError, match=r"is no backup: found platform\.db, expected manifest\.json first"):
        restore(other, place, force=True)


def test_a_tar_of_somebody_else_reaches_nothing(settings: Settings, tmp_path: Path) -> None:
    with opened(settings) as api:
        _fill(api, "before")
    place = tmp_path / "monday.tar"
    back_up(settings, place)
    (tmp_path / "evil").write_text("evil")
    with tarfile.open(place, "a") as tar:
        for name in ("../evil.txt", "/tmp/evil.txt", "artifacts/../../evil.txt", "artifacts/ab/../../../evil.txt"):
            tar.add(tmp_path / "evil", name)
    other = tmp_path / "deep" / "other"
    restore(served_settings(other), place)
    assert not list(tmp_path.rglob("evil.txt"))
    assert sorted(path.name for path in other.iterdir()) == ["artifacts", "platform.db", "signing.key"]
    place.write_bytes(place.read_bytes()[:20_000])
    with pytest.raises(StoreError, match="the backup cannot be restored: unexpected end of data"):
        restore(served_settings(tmp_path / "third"), place)


@pytest.mark.both_stores
def test_the_files_of_a_store(settings: Settings, store: str, tmp_path: Path) -> None:
    with serving(settings) as url, httpx.Client(base_url=url, headers=_KEY) as http:
        _fill(Api(http), "before")
        assert back_up(settings, tmp_path / "copy") == Copied(store == "sqlite", True, 1, 0)
    assert (tmp_path / "copy" / "platform.db").exists() == (store == "sqlite")
    other = replace(served_settings(tmp_path / "other"), database=settings.database)
    if store == "postgresql":
        assert restore(other, tmp_path / "copy") == Copied(False, True, 1, 0)
        with opened(other) as api:
            (run,) = api.get("/api/runs", projectId=PROJECT)["data"]
            (artifact,) = api.get("/api/artifacts", runId=run["id"])["data"]
            assert api.http.get(artifact["url"]).content.startswith(PNG)
        with pytest.raises(StoreError, match="found the backup of a store on PostgreSQL, expected one on SQLite"):
            restore(served_settings(tmp_path / "third"), tmp_path / "copy")


_KEY = {"X-API-Key": KEY}


def _fill(api: Api, name: str) -> Any:
    run = api.new_run(runTitle=name)
    api.bulk([api.test_body(run, f"test_{number}", stdout=name) for number in range(20)])
    api.upload(run, content=PNG + name.encode())
    return api.end_run(run)


def _look(api: Api, run: Any) -> Any:
    """Return all that the API tells of a run."""
    shown = api.get(f"/api/runs/{run['id']}")
    tests = api.get("/api/tests", projectId=PROJECT, runId=run["id"])["data"]
    details = [api.get(f"/api/tests/{test['id']}") for test in tests[:3]]
    (artifact,) = api.get("/api/artifacts", runId=run["id"])["data"]
    content = api.http.get(artifact["url"]).content
    return shown, tests, details, artifact["id"], hashlib.sha256(content).hexdigest()
