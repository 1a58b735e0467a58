"""Retention: a year of made-up runs; exactly the right rows and files go."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from platform_report_server import chores
from platform_report_server.clock import now_ms
from platform_report_server.db import partitions
from platform_report_server.db.engine import open_database
from platform_report_server.db.schema import artifact, project, run, thumbnail
from platform_report_server.errors import StoreError
from platform_report_server.ids import first_id
from platform_report_server.ingest import file_checks, retention
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.retention import Gone
from platform_report_server.ingest.runs import add_run, change_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewRun, NewTest, RunChange
from platform_report_server.prune import Pruned, prune
from platform_report_server.settings import PostgresUrl, Settings
from platform_report_server.storage.store import name_of
from server.support import DEADLINE, OTHER_PROJECT, PNG, PROJECT, in_store, opened, with_store

DAY = 24 * 3600 * 1000
KEPT = {PROJECT: 30, OTHER_PROJECT: 90}
_numbers = itertools.count(1)
TABLES = ("run", "result", "detail", "suite", "artifact", "history")


@pytest.mark.newest
@pytest.mark.both_stores
def test_a_year_of_runs(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_RESULTS_TOGETHER", 50)  # the large runs below take several pieces
    if settings.database == folder / "platform.db":
        with pytest.raises(StoreError, match=r"platform\.db: there is no store"):
            prune(settings)
    now = now_ms()
    in_store(settings, lambda write: _make_year(write, now, folder / "artifacts"))
    today = {project: [age for age in range(0, 365, 3) if age < days] for project, days in KEPT.items()}
    told = prune(settings, is_dry=True)
    made = len(range(0, 365, 3)) * 2 + 2
    went = made - sum(map(len, today.values())) - 1
    assert (told.expired.runs, told.orphans, told.missing) == (went, 0, [])
    assert told.expired.results == went * 3 + 150
    assert told.expired.artifacts == went
    assert _count(settings, "run") == made
    months = _months(settings)

    (folder / "artifacts" / "notes.txt").write_text("not ours")
    orphan, young = (_put(folder / "artifacts", content) for content in (b"nobody's", b"nobody's yet"))
    os.utime(orphan, (time.time() - 2 * 24 * 3600,) * 2)
    assert prune(settings) == Pruned(told.expired, 1, [])
    assert prune(settings).expired == Gone()
    assert not orphan.exists()
    assert young.exists()
    young.unlink()

    rows = with_store(
        settings, "SELECT public_id, count(*) FROM project JOIN run ON project_id = project.id GROUP BY 1"
    )
    assert dict(rows) == {PROJECT: len(today[PROJECT]) + 1, OTHER_PROJECT: len(today[OTHER_PROJECT])}
    for table in TABLES[1:]:
        lost = f"SELECT count(*) FROM {table} WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.id = {table}.run_id)"
        assert with_store(settings, lost) == [(0,)], table
    assert _count(settings, "result") == 3 * _count(settings, "run")
    contents = {bytes(row[0]) for row in with_store(settings, "SELECT DISTINCT sha256 FROM artifact")}
    assert {path.name for path in _files(folder)} == {sha256.hex() for sha256 in contents}
    assert {bytes(row[0]) for row in with_store(settings, "SELECT sha256 FROM thumbnail")} == contents
    assert _count(settings, "test_case") == 153 + 3  # what was decided about a test is not lost with its runs
    assert _count(settings, "stale_content") == 0
    if isinstance(settings.database, PostgresUrl):
        assert _months(settings) < months
        last = first_id(now - max(KEPT.values()) * DAY)
        database = open_database(settings.database)
        with database.reading() as connection:
            past = partitions.months_before(connection, last)
        database.close()
        assert len(past) == 1  # the month of the run that goes on

    some = next(path for path in _files(folder))
    some.unlink()
    (missing,) = {name.partition(" of ")[0] for name in prune(settings).missing}
    assert missing == "shot.png"


@pytest.mark.both_stores
def test_a_server_does_it_by_itself(settings: Settings, folder: Path) -> None:
    with opened(settings) as api:
        for days in (40, 20):
            in_store(settings, lambda write, days=days: _make_run(write, PROJECT, now_ms() - days * DAY, folder))  # type: ignore[misc]
        changed = api.http.patch(f"/api/projects/{PROJECT}/settings", json={"dataRetentionDays": 30})
        assert changed.status_code == 200
    with opened(settings) as api:
        assert api.get("/api/runs", projectId=PROJECT)["total"] == 1


@pytest.mark.both_stores
def test_a_server_checks_its_files(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = folder / "artifacts"
    orphan, young = (_put(files, content) for content in (b"nobody's", b"nobody's yet"))
    os.utime(orphan, (time.time() - 2 * 24 * 3600,) * 2)
    here, lost = (files / name_of(hashlib.sha256(PNG + name).digest()) for name in (b"here", b"lost"))
    shelves = {int(path.parent.name, 16) for path in (orphan, young, here, lost)}
    monkeypatch.setattr(file_checks, "SHELVES", shelves)
    monkeypatch.setattr(file_checks, "_PAUSE_MS", 0)
    with opened(settings) as api:
        run = api.new_run()
        api.upload(run, content=PNG + b"here")
        made = api.upload(run, content=PNG + b"lost")
    with_store(settings, f"UPDATE artifact SET created_at = created_at - {DAY}")
    lost.unlink()
    monkeypatch.setattr(chores, "_CHECK_SECONDS", 0.001)
    with opened(settings) as api:
        deadline = time.monotonic() + DEADLINE
        while with_store(settings, "SELECT min(checked_at) > 0, sum(missing) FROM file_check") != [(True, 1)]:
            assert time.monotonic() < deadline
        assert "platform_report_missing_files 1\n" in api.http.get("/metrics").text
    assert [path.exists() for path in (orphan, young, here)] == [False, True, True]
    assert f"files that belong to nothing are deleted: 1 in {orphan.parent.name}/" in caplog.text
    assert caplog.text.count(f"artifacts whose file is missing: 1 in {lost.parent.name}/: {made['id']}") == 1
    assert _count(settings, "artifact") == 2


def _make_year(write: Write, now: int, files: Path) -> None:
    for name, days in KEPT.items():
        number = ensure_project(write, name)
        write.connection.execute(update(project).where(project.c.id == number).values(retention_days=days))
    if write.connection.dialect.name == "postgresql":
        for age in range(0, 365, 25):
            partitions.make_partitions(write.connection, now - age * DAY)
    for age in range(0, 365, 3):
        for name in KEPT:
            _make_run(write, name, now - age * DAY - 1, files, content=f"{age % 60} days".encode())
    _make_run(write, PROJECT, now - 100 * DAY, files, size=153)
    drawn = select(artifact.c.sha256, artifact.c.sha256).distinct()
    write.connection.execute(insert(thumbnail).from_select(["sha256", "data"], drawn))
    going = _make_run(write, PROJECT, now - 200 * DAY, files)
    write.connection.execute(update(run).where(run.c.id == going).values(finished_at=None, updated_at=now - DAY))


def _make_run(
    write: Write, name: str, moment: int, files: Path, size: int = 3, content: bytes = b"the same in all"
) -> int:
    ids: Any = partial(_id_at, moment)
    then = Write(write.connection, ids, moment)
    row = add_run(then, ensure_project(then, name), NewRun(name, "running"))
    tests = [NewTest("", name, f"test_{n}", f"test_{n}", "passed", 1, stdout=f"{n}") for n in range(size)]
    add_results(then, row.project_id, row.id, tests)
    change_run(then, row, RunChange(status="passed"))
    path = _put(files, content)
    values = {"project_id": row.project_id, "run_id": row.id, "id": then.ids(), "created_at": moment}
    values |= {"type": "screenshot", "file_name": "shot.png", "size": 1, "mime": "image/png"}
    then.connection.execute(insert(artifact).values(values | {"sha256": bytes.fromhex(path.name)}))
    return int(row.id)


def _id_at(moment: int) -> int:
    return first_id(moment) + next(_numbers)


def _put(files: Path, content: bytes) -> Path:
    name = hashlib.sha256(content).hexdigest()
    path = files / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / "artifacts").glob("??/*") if path.is_file())


def _count(settings: Settings, table: str) -> int:
    ((count,),) = with_store(settings, f"SELECT count(*) FROM {table}")
    return int(count)


def _months(settings: Settings) -> set[str]:
    if not isinstance(settings.database, PostgresUrl):
        return set()
    return {name for (name,) in with_store(settings, "SELECT relname FROM pg_class WHERE relname LIKE 'result_2%'")}
