"""The store: made, found again, refused."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, insert, inspect, update

from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db import _migrate, _sqlite, schema
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.cases import find_cases
from platform_report_server.db.queries.deliveries import any_due, list_deliveries
from platform_report_server.db.queries.flakiness import Wanted, list_flakiness, summarize
from platform_report_server.errors import ServerError, StoreError, StoreTooNew
from platform_report_server.ingest.deliveries import claim
from platform_report_server.ingest.ending import close_silent_runs
from platform_report_server.ingest.flakiness import end_quarantines
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.retention import _some_old_runs
from platform_report_server.ingest.runs import add_run
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.live import look
from platform_report_server.model import NewRun
from server.support import DEADLINE, KEY, Api, refused, served_settings, serving


def test_the_migrations_make_what_a_new_store_has(tmp_path: Path) -> None:
    dumps = []
    for name, make in (("made", _migrate.make), ("migrated", _migrate.upgrade)):
        with _engine(tmp_path / name).begin() as connection:
            make(connection)
            connection.execute(update(schema.team).values(created_at=0))
        with closing(sqlite3.connect(tmp_path / name)) as store:
            dumps.append({" ".join(line.split()) for line in store.iterdump() if "TABLE alembic_version" not in line})
    assert dumps[0] == dumps[1]
    assert len(dumps[0]) > 20


def test_the_head_is_the_newest_revision() -> None:
    assert ScriptDirectory(str(Path(_migrate.__file__).parent / "migrations")).get_heads() == [_migrate.HEAD]


def test_revisions_only_add(tmp_path: Path) -> None:
    """Servers of an older version work on: what they read stays, and what they write lacks nothing."""
    scripts = ScriptDirectory(str(Path(_migrate.__file__).parent / "migrations"))
    before: dict[tuple[str, str], Any] = {}
    for script in reversed(list(scripts.walk_revisions("0008", "head"))):
        with _engine(tmp_path / "store").begin() as connection:
            _migrate.upgrade(connection, script.revision)
            found = inspect(connection)
            tables = found.get_table_names()
            after = {(table, column["name"]): column for table in tables for column in found.get_columns(table)}
        assert before.keys() <= after.keys(), script.revision
        for table, name in after.keys() - before.keys() if before else ():
            column = after[table, name]
            is_of_new = table not in {old for old, _ in before}
            assert is_of_new or column["nullable"] or column["default"] is not None, (script.revision, table, name)
        before = after


def test_a_store_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "in" / "platform.db"
    for _ in range(2):
        database = open_database(path)
        with database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 20_000
        database.close()


def test_many_may_make_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    with ThreadPoolExecutor(8) as pool:
        for database in pool.map(open_database, [path] * 8):
            database.close()
    assert _query(path, "SELECT version_num FROM alembic_version") == [(_migrate.HEAD,)]


@pytest.mark.parametrize("is_sparing", [False, True])
def test_a_store_of_an_earlier_version_is_brought_up_to_date(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, is_sparing: bool
) -> None:
    path = tmp_path / "platform.db"
    with _engine(path).begin() as connection:
        _migrate.upgrade(connection, "0001")
    path.chmod(0o640)
    columns = "project_id, id, status, tags, grep_patterns, created_at, updated_at"
    _query(path, f"INSERT INTO run({columns}) VALUES (1, 2, 'passed', '[]', '[]', 0, 0)")
    for old in ("0000a", "0000b", "0000c"):
        path.with_name(f"platform.db.before-{old}").touch()
    open_database(path, is_sparing=is_sparing).close()
    assert _query(path, "SELECT version_num FROM alembic_version") == [(_migrate.HEAD,)]
    assert _query(path, "SELECT id, metadata FROM run") == [(2, "{}")]

    copy = path.with_name(f"platform.db.before-{_migrate.HEAD}")
    assert copy.exists() != is_sparing  # who is embedded does without
    assert (str(copy) in caplog.text) != is_sparing
    if is_sparing:
        return
    assert _query(copy, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert _query(copy, "SELECT id FROM run") == [(2,)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o640
    names = sorted(each.name for each in tmp_path.glob("*before*"))
    assert names == ["platform.db.before-0000b", "platform.db.before-0000c", copy.name]


def test_a_newer_store_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    open_database(path).close()
    _query(path, "UPDATE alembic_version SET version_num = '0099'")
    before = path.read_bytes()
    with pytest.raises(
        StoreTooNew, match=rf"platform\.db: .*revision '0099'.*up to '{_migrate.HEAD}'.*Install the newer version"
    ) as info:
        open_database(path)
    assert (info.value.found, info.value.known) == ("0099", _migrate.HEAD)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    _query(path, "CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(StoreError, match="something else"):
        open_database(path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    with pytest.raises(StoreError, match=r"platform\.db: the store cannot be opened: file is not a database"):
        open_database(path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        open_database(tmp_path / "file" / "platform.db")


def _engine(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}", poolclass=NullPool)


def _query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    store = sqlite3.connect(path)
    with store:
        rows = store.execute(statement).fetchall()
    store.close()
    return rows


def test_the_tests_of_a_batch_are_each_looked_up(tmp_path: Path) -> None:
    plan = _plan(tmp_path, lambda connection: find_cases(connection, 1, [b"one", b"two", b"three"]))
    assert any("(project_id=? AND key=?)" in step for step in plan), plan


def test_the_flakiest_tests_and_the_open_runs_are_found_by_their_indexes(tmp_path: Path) -> None:
    plan = _plan(tmp_path, lambda connection: list_flakiness(connection, 1, Wanted(0.1), limit=1, offset=0))
    assert any("INDEX case_stat_by_score (project_id=? AND score>?)" in step for step in plan), plan
    assert _plan(tmp_path, lambda connection: summarize(connection, 1)) == [
        "SEARCH case_stat USING COVERING INDEX case_stat_by_score (project_id=? AND score>?)",
        "SEARCH case_stat USING COVERING INDEX case_stat_quarantined (project_id=? AND quarantined=?)",
    ]
    plan = _plan(tmp_path, lambda connection: close_silent_runs(Write(connection, ids.IdMaker(), 0), 0))
    assert any("INDEX run_open" in step for step in plan), plan
    plan = _plan(tmp_path, lambda connection: end_quarantines(Write(connection, ids.IdMaker(), 0)))
    assert plan == ["SEARCH case_stat USING COVERING INDEX case_stat_until (quarantined_until<?)"]


def test_what_is_followed_is_found_by_its_indexes(tmp_path: Path) -> None:
    plan = [
        step for step in _plan(tmp_path, lambda connection: look(connection, frozenset({7}))) if "project" not in step
    ]
    assert plan == [
        "SCAN run USING INDEX run_open",
        "SCAN run USING INDEX run_by_id",
        "SEARCH run USING INDEX run_by_id (id=?)",
    ]


def test_deliveries_are_found_by_their_indexes(tmp_path: Path) -> None:
    for ask, index in (
        (lambda connection: any_due(connection, 0), "INDEX delivery_due (next_at<?)"),
        (lambda connection: claim(Write(connection, ids.IdMaker(), 0), 16, [7]), "INDEX delivery_due (next_at<?)"),
        (lambda connection: list_deliveries(connection, 1, 2, limit=1, offset=0), "INDEX delivery_of_webhook"),
    ):
        plan = _plan(tmp_path, ask)
        assert any(index in step for step in plan), plan
        assert not any("SCAN delivery" in step for step in plan), plan


def test_old_runs_are_found_project_by_project(tmp_path: Path) -> None:
    _open_run(tmp_path)
    _query(
        tmp_path / "platform.db",
        "INSERT INTO project(id, public_id, name, created_at, updated_at) VALUES (1, 'p', 'p', 0, 0)",
    )
    plan = _plan(tmp_path, lambda connection: _some_old_runs(Write(connection, ids.IdMaker(), now_ms())))
    assert any("run USING PRIMARY KEY (project_id=? AND id<?)" in step for step in plan), plan
    assert not any("SCAN run" in step for step in plan), plan


def _open_run(tmp_path: Path) -> None:
    database = open_database(tmp_path / "platform.db")
    values = {"project_id": 1, "id": 1, "status": "running", "tags": "[]", "grep_patterns": "[]", "next_seq": 1}
    with database.writing() as connection:
        connection.execute(insert(schema.run).values(**values, created_at=0, updated_at=0))
    database.close()


def _plan(tmp_path: Path, ask: Callable[[Connection], object]) -> list[str]:
    """Return SQLite's plan of every query that `ask` makes."""
    database = open_database(tmp_path / "platform.db")
    steps: list[str] = []
    with database.reading() as connection:

        @event.listens_for(connection, "before_cursor_execute")
        def explain(_connection: Connection, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            steps.extend(row[3] for row in cursor.fetchall())

        ask(connection)
    database.close()
    return steps


def test_ids_that_two_processes_drew_alike_are_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: 7)
    monkeypatch.setattr(ids, "now_ms", lambda: 1_800_000_000_000)
    database = open_database(tmp_path / "platform.db")
    writers = [Writer(database), Writer(database)]

    def new_run(write: Write) -> int:
        project_id = ensure_project(write, "p")
        return int(add_run(write, project_id, NewRun("p", "running")).id)

    async def use() -> list[int]:
        return [await writer.do(new_run) for writer in writers for _ in range(2)]

    for writer in writers:
        writer.start()
    made = asyncio.run(use())
    for writer in writers:
        writer.stop()
    assert len(set(made)) == 4
    with pytest.raises(ServerError, match="lifespan is over"):
        asyncio.run(use())
    database.close()


def test_what_waits_for_one_place_is_written_together_and_refused_alone(tmp_path: Path) -> None:
    database = open_database(tmp_path / "platform.db")
    writer, gate, done = Writer(database), threading.Event(), []

    def work(write: Write, items: Sequence[str]) -> list[str]:
        done.append((write.connection.in_nested_transaction(), *items))
        if "bad" in items:
            raise ServerError("refused")
        return [item.upper() for item in items]

    async def use() -> list[str | BaseException]:
        first = asyncio.create_task(writer.do(lambda write: gate.wait(DEADLINE)))
        items = [writer.do_together("place", item, work) for item in ("a", "bad", "c")]
        other = writer.do_together("elsewhere", "d", work)
        await asyncio.sleep(0)  # all of them wait now
        gate.set()
        assert await first
        return await asyncio.gather(*items, other, return_exceptions=True)

    writer.start()
    a, bad, c, d = asyncio.run(use())
    writer.stop()
    database.close()
    assert (a, c, d) == ("A", "C", "D")
    assert isinstance(bad, ServerError)
    assert done == [(True, "a", "bad", "c"), (True, "d"), (True, "a"), (True, "bad"), (True, "c")]


def test_a_store_that_stays_locked_fails_the_write_and_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(served_settings(folder)):
        pass
    monkeypatch.setattr(_sqlite, "_BUSY_SECONDS", 0.01)
    with serving(served_settings(folder)) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
        api = Api(http)
        run = api.new_run()
        other = sqlite3.connect(folder / "platform.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        refused(http.post("/api/tests", json=api.test_body(run)), 500, "INTERNAL_ERROR")
        assert "database is locked" in caplog.text
        assert api.get(f"/api/runs/{run['id']}") == run
        other.execute("ROLLBACK")
        other.close()
        api.new_test(run)
