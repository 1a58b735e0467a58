"""PostgreSQL: made, migrated and refused, partitions, plans, lost connections, transactions that give way."""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, create_engine, event, func, inspect, select, update
from sqlalchemy.exc import DataError

from end_to_end.waiting import wait_for
from platform_report_server import ids
from platform_report_server.clock import now_ms
from platform_report_server.db import _migrate, counts, partitions, schema
from platform_report_server.db.engine import Database, migrate_database, open_database
from platform_report_server.errors import SettingsError, StoreBehind, StoreError, StoreTooNew
from platform_report_server.ids import IdMaker, first_id
from platform_report_server.ingest import pipelined
from platform_report_server.ingest.ending import settle
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.runs import add_run
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.live import look
from platform_report_server.model import NewRun, NewTest
from platform_report_server.settings import PostgresUrl, Settings
from pytest_platform_report.cli import main
from server.postgres import Cluster
from server.support import DEADLINE, KEY, PROJECT, Api, checked, refused, serving

on_postgres = pytest.mark.parametrize("store", ["postgresql"], indirect=True)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[PostgresUrl]:
    with cluster.database("template1") as address:
        yield PostgresUrl(address)


class TestOpening:
    def test_the_migrations_make_the_schema(self, empty: PostgresUrl, cluster: Cluster) -> None:
        migrate_database(empty)
        with cluster.database("template1") as address:
            declared = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
            schema.metadata.create_all(declared)
            counts.metadata.create_all(declared)
            assert _tables(empty.address) == _tables(address)
            declared.dispose()

    def test_an_empty_database_is_taken_by_many_at_once(self, empty: PostgresUrl) -> None:
        with ThreadPoolExecutor(4) as pool:
            for database in pool.map(open_database, [empty] * 4):
                with database.reading() as connection:
                    assert _migrate.revision(connection) == _migrate.HEAD
                database.close()

    def test_a_store_of_an_earlier_version_waits_for_the_command(
        self, empty: PostgresUrl, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            earlier.setattr(_migrate, "HEAD", "0001")
            open_database(empty).close()
        with pytest.raises(StoreBehind, match=r"revision '0001'.* needs '\d+'.*Run 'platform-report migrate'"):
            open_database(empty)
        assert migrate_database(empty) == ("0001", _migrate.HEAD)
        assert migrate_database(empty) == (_migrate.HEAD, _migrate.HEAD)
        open_database(empty).close()

    def test_what_cannot_be_used_is_refused_in_words(
        self, empty: PostgresUrl, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = _name(empty)
        cluster.run("CREATE TABLE theirs (id int)", name)
        for use in (open_database, migrate_database):
            with pytest.raises(StoreError, match="something else"):
                use(empty)
        cluster.run("DROP TABLE theirs; CREATE TABLE alembic_version (version_num text)", name)
        cluster.run("INSERT INTO alembic_version VALUES ('0099'); GRANT ALL ON alembic_version TO public", name)
        for use in (open_database, migrate_database):
            with pytest.raises(StoreTooNew, match=r"'0099'.*Install the newer version"):
                use(empty)

        missing = PostgresUrl(cluster.address("no_such"))
        with pytest.raises(
            StoreError, match=r"/no_such\?host=.*cannot be opened: .*does not exist.*'createdb' makes it"
        ):
            open_database(missing)
        away = PostgresUrl(f"postgresql://nobody:secret@localhost/no?host={cluster.folder}/elsewhere")
        with pytest.raises(StoreError, match=r"//nobody@.* cannot be opened: .*No such file") as told:
            open_database(away)
        assert "secret" not in str(told.value)
        for encoding in ("LATIN1", "SQL_ASCII"):
            cluster.run(f"CREATE DATABASE other ENCODING {encoding} LOCALE 'C' TEMPLATE template0")
            with pytest.raises(StoreError, match=f"encoding {encoding}, expected UTF8"):
                open_database(PostgresUrl(cluster.address("other")))
            cluster.run("DROP DATABASE other")
        monkeypatch.setitem(sys.modules, "psycopg", None)
        monkeypatch.delitem(sys.modules, "platform_report_server.db._postgres")
        monkeypatch.delattr("platform_report_server.db._postgres")
        with pytest.raises(StoreError, match=r"pip install 'pytest-platform-report\[postgres\]'"):
            open_database(empty)

    def test_searches_do_without_an_index_where_there_is_no_extension(
        self, cluster: Cluster, caplog: pytest.LogCaptureFixture
    ) -> None:
        cluster.run("CREATE DATABASE strict TEMPLATE template1")
        cluster.run("GRANT CREATE ON SCHEMA public TO reports", "strict")
        strict = PostgresUrl(cluster.address("strict"))
        open_database(strict).close()
        assert "searches do without an index (permission denied to create extension" in caplog.text
        cluster.run("CREATE EXTENSION pg_trgm", "strict")
        migrate_database(strict)
        names = {name for (name,) in cluster.run("SELECT indexname FROM pg_indexes", "strict")}
        assert names >= {"test_case_full_titles", "test_case_own_titles"}
        cluster.run("DROP DATABASE strict")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:secret@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgres://me@host,other:1/db?target_session_attrs=any", None),
        ("postgresql://me:sec%40ret@[::1]/db?password=secret&host=/run", "postgresql://me@[::1]/db?host=/run"),
        ("postgresql:///db?host=/run&%70assword=secret&sslpassword=secret", "postgresql:///db?host=/run"),
        ("postgresql://", None),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str | None) -> None:
    url = PostgresUrl(address)
    assert str(url) == (shown or address)
    assert "sec" not in repr(url)
    assert url.has_password == (shown is not None)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:secret@host/db",
        "postgresql:me:secret@host/db",
        "postgresql://me:sec/ret@host/db",
        "postgresql://me:sec@ret@host/db",
        "postgresql://me:sec#ret@host/db",
        "postgresql://me:sec?ret@host/db",
        "postgresql://me:secret/db",
        "postgresql://me:[secret@host]:secret/db",
    ],
)
def test_an_address_that_might_be_misread_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="postgresql://USER") as told:
        PostgresUrl(address)
    assert "sec" not in str(told.value)


def test_what_libpq_cannot_read_is_not_told(cluster: Cluster) -> None:
    with pytest.raises(StoreError, match="libpq cannot read this address") as told:
        open_database(PostgresUrl("postgresql://me:secret%zz@host/db"))
    assert "secret" not in "".join(map(str, [told.value, told.value.__cause__]))


def test_the_command(
    empty: PostgresUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        return main(arguments), "".join(capsys.readouterr())

    monkeypatch.delenv("PLATFORM_REPORT_DATABASE", raising=False)
    assert run("migrate") == (
        1,
        "platform-report: no database is named: give --database URL or set PLATFORM_REPORT_DATABASE\n",
    )
    secret = empty.address.replace("@", ":secret@")
    status, said = run("migrate", "--database", secret)
    assert (status, "every process of this machine can read" in said, "secret" in said) == (1, True, False)
    assert run("migrate", "--database", empty.address) == (0, f"{empty}: made with revision {_migrate.HEAD}\n")
    monkeypatch.setenv("PLATFORM_REPORT_DATABASE", secret)
    assert run("migrate") == (0, f"{empty}: has revision {_migrate.HEAD} already\n")
    command = [str(Path(sys.executable).with_name("platform-report")), "serve", "--port=0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as served:
        assert served.stdout is not None
        lines = list(itertools.takewhile(lambda line: line != "Ctrl-C ends it.\n", served.stdout))
        served.send_signal(signal.SIGTERM)
    assert f"serving {empty}, files in {tmp_path}" in "".join(lines)
    assert served.returncode == 0
    assert not list(tmp_path.rglob("*.db"))
    monkeypatch.setenv("PLATFORM_REPORT_DATABASE", "postgresql://me:sec@ret@host/db")
    status, said = run("migrate")
    assert (status, said.partition(":")[2][:26], "ret@" in said) == (1, " PLATFORM_REPORT_DATABASE:", False)


@on_postgres
def test_partitions_are_made_ahead_and_take_over_what_came_too_early(settings: Settings) -> None:
    database = open_database(settings.database)
    early = first_id(_month(2031, 3) + 5)
    with database.writing() as connection:
        ours = _parts(connection, "result")
        assert len(ours) == 4
        assert "result_default" in ours
        for run_id in (early, first_id(_month(2031, 4) - 1), first_id(_month(2031, 7))):
            row = {"project_id": 1, "run_id": run_id, "seq": 0, "case_id": 1, "status": 0, "flaky": 0, "created_at": 0}
            connection.execute(schema.result.insert().values(**row, duration=1.0))
            piece = {"project_id": 1, "run_id": run_id, "lo": 0, "hi": 0, "codec": 1, "data": b""}
            connection.execute(schema.detail.insert().values(piece))
        assert _held(connection, "result_default") == _held(connection, "detail_default") == 3
    for _ in range(2):
        with database.writing() as connection:
            partitions.make_partitions(connection, _month(2031, 2) + 1)
    with database.reading() as connection:
        made = {f"result_2031_0{month}" for month in (2, 3, 4)}
        assert _parts(connection, "result") == ours | made
        for table in ("result", "detail"):
            assert (_held(connection, f"{table}_2031_03"), _held(connection, f"{table}_default")) == (2, 1)
            indexes = [len(inspect(connection).get_indexes(name)) for name in (table, f"{table}_2031_03")]
            assert indexes[0] == indexes[1]
        assert connection.execute(select(func.min(schema.result.c.run_id))).scalar() == early
    database.close()


@on_postgres
def test_what_is_followed_is_found_by_indexes(settings: Settings) -> None:
    database = open_database(settings.database)
    followed = _plan(database, lambda each: look(each, frozenset({1})))
    assert set(re.findall(r"using (run_\w+) on run", followed)) == {"run_open", "run_by_id"}, followed
    assert "Sort  (" not in followed
    database.close()


@on_postgres
def test_a_glance_leaves_its_connection_as_others_need_it(settings: Settings) -> None:
    database = open_database(settings.database)
    for statement in ("SELECT 1", "SELECT 1 / 0"):
        with suppress(DataError), database.glancing() as connection:
            connection.exec_driver_sql(statement)
    with database.reading() as connection:
        settings_of = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
        assert tuple(connection.exec_driver_sql(settings_of).one()) == ("repeatable read", "on")
    database.close()


@on_postgres
def test_statistics_are_read_before_they_are_written(settings: Settings) -> None:
    database = open_database(settings.database)
    plan: list[str] = []
    with database.writing() as connection:
        write = Write(connection, IdMaker(), now_ms())
        project = ensure_project(write, PROJECT)
        run = add_run(write, project, NewRun(PROJECT, "running"))
        add_results(write, project, run.id, [NewTest("", PROJECT, "test", "mod > test", "passed", 1)])

        @event.listens_for(connection, "before_cursor_execute")
        def explain(_connection: Connection, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if statement.startswith("INSERT INTO case_stat"):
                cursor.execute(f"EXPLAIN {statement}", values)
                plan.extend(row[0] for row in cursor.fetchall())

        settle(write, project, run.id)
    database.close()
    sort = next(place for place, step in enumerate(plan) if "Sort  (" in step)
    assert any("on case_stat old" in step for step in plan[sort:]), plan


@on_postgres
def test_tests_that_another_process_makes_meanwhile_are_made_once(settings: Settings, cluster: Cluster) -> None:
    ours, theirs = (open_database(settings.database) for _ in range(2))
    tests = [NewTest("", PROJECT, f"test_{number}", f"mod > test_{number}", "passed", 1) for number in range(60)]
    waiting = f"FROM pg_stat_activity WHERE datname = '{_name(settings.database)}' AND wait_event_type = 'Lock'"

    def add(connection: Connection, run_id: int, some: list[NewTest]) -> None:
        add_results(Write(connection, IdMaker(), now_ms()), project, run_id, some)

    def add_theirs() -> None:
        with theirs.writing() as connection:
            add(connection, runs[1], tests[20:])

    with ours.writing() as connection:
        write = Write(connection, IdMaker(), now_ms())
        project = ensure_project(write, PROJECT)
        runs = [add_run(write, project, NewRun(PROJECT, "running")).id for _ in range(2)]
    with ThreadPoolExecutor(1) as pool:
        with ours.writing() as connection:
            add(connection, runs[0], tests[:40])
            second = pool.submit(add_theirs)
            deadline = time.monotonic() + DEADLINE
            while cluster.run(f"SELECT count(*) {waiting}") != [(1,)]:
                assert time.monotonic() < deadline
        second.result(DEADLINE)
    with ours.reading() as connection:
        made = connection.execute(select(schema.test_case.c.id)).scalars().all()
        assert len(made) == 60
        for run_id in runs:
            of_run = select(schema.result.c.case_id).where(schema.result.c.run_id == run_id)
            assert len(set(connection.execute(of_run).scalars()) & set(made)) == 40
    for database in (ours, theirs):
        database.close()


@on_postgres
def test_a_transaction_that_gives_way_is_run_again(settings: Settings, cluster: Cluster) -> None:
    import psycopg

    database = open_database(settings.database)
    writer = Writer(database)
    held, ready = threading.Event(), threading.Event()
    tries: list[None] = []

    def make(write: Write) -> list[Any]:
        project = ensure_project(write, PROJECT)
        return [add_run(write, project, NewRun(PROJECT, "running")) for _ in range(2)]

    def change(write: Write) -> str:
        tries.append(None)
        for run in runs:
            table = schema.run
            write.connection.execute(update(table).where(table.c.id == run.id).values(title="ours"))
            held.set()
        return "done"

    def other() -> None:
        with psycopg.connect(settings.database.address.replace("reports@", "postgres@")) as connection:  # type: ignore[union-attr]
            connection.execute("SET deadlock_timeout = '1h'")  # so that the other one is chosen
            connection.execute("UPDATE run SET title = 'theirs' WHERE id = %s", [runs[1].id])
            ready.set()
            assert held.wait(DEADLINE)
            connection.execute("UPDATE run SET title = 'theirs' WHERE id = %s", [runs[0].id])

    async def use() -> list[str]:
        return list(await asyncio.gather(writer.do(lambda write: "before"), writer.do(change)))

    writer.start()
    runs = asyncio.run(writer.do(make))
    thread = threading.Thread(target=other)
    thread.start()
    assert ready.wait(DEADLINE)
    assert asyncio.run(use()) == ["before", "done"]
    thread.join(DEADLINE)
    assert len(tries) > 1  # it may be faster than the other once more, and give way again
    with database.reading() as connection:
        assert set(connection.execute(select(schema.run.c.title)).scalars()) == {"ours"}
    writer.stop()
    database.close()


@on_postgres
def test_a_lost_connection_is_an_answer_and_no_end(
    settings: Settings, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    database = _name(settings.database)
    others = f"FROM pg_stat_activity WHERE datname = '{database}' AND application_name = 'platform-report'"
    end_others = f"SELECT pg_terminate_backend(pid, {DEADLINE * 1000:.0f}) {others}"
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) as http:
        api = Api(http)
        run = api.new_run()
        cluster.run(end_others)  # while nobody waits for an answer: not even noticed
        api.new_test(run)
        assert api.get("/api/runs", projectId=PROJECT)["total"] == 1

        cluster.run(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        cluster.run(end_others)
        body = api.test_body(run, "test_away")
        for answer in (http.post("/api/tests", json=body), http.get(f"/api/runs/{run['id']}")):
            assert refused(answer, 500, "INTERNAL_ERROR") == "The database cannot be reached; try again"
        assert "not currently accepting connections" in caplog.text
        cluster.run(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        api.new_test(run, "test_back")
        assert api.get(f"/api/runs/{run['id']}")["totalTests"] == 2


@on_postgres
def test_results_that_come_together_are_stored_together_and_refused_alone(
    settings: Settings, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(pipelined, "_TOGETHER", 3)  # more are another group, which the database has as well
    values, groups = pipelined._values, []

    def noting(singles: Any, now: int) -> list[bytes]:
        groups.append(len(singles))
        return values(singles, now)

    monkeypatch.setattr(pipelined, "_values", noting)
    database = _name(settings.database)
    of_group = f"FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'PREPARE%' AND "
    waits = f"SELECT count(*) {of_group} wait_event_type = 'Lock'"

    def post(run: Any, title: str = "test_ok", **fields: Any) -> httpx.Response:
        return http.post("/api/tests", json=api.test_body(run, title, **fields))

    def until(query: str, found: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while cluster.run(query) != [(found,)]:
            assert time.monotonic() < deadline

    with (
        serving(settings) as url,
        httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) as http,
        psycopg.connect(cluster.address(database, "postgres")) as other,
        ThreadPoolExecutor(16) as pool,
    ):
        api = Api(http)
        runs = [api.new_run() for _ in range(2)]
        numbers = [ids.decode("run", run["id"]) for run in runs]
        for run in runs:
            for _ in range(2):  # the second time, run and test are known
                api.new_test(run, worker="gw0")
        until(f"SELECT count(*) {of_group} true", 1)

        def hold() -> None:
            other.execute("SELECT FROM run WHERE id = ANY(%s) FOR UPDATE", [numbers])

        hold()
        first = pool.submit(post, runs[0])
        until(waits, 1)
        said = [{"stdout": f"output {number}", "worker": "gw0"} for number in range(5)]
        rest = [pool.submit(post, run, **each) for each in said for run in runs]
        other.rollback()
        made = [checked(each.result(DEADLINE), 201) for each in (first, *rest)]
        assert len({each["id"] for each in made}) == 11
        for number, each in enumerate(made[1:]):
            assert api.get(f"/api/tests/{each['id']}").items() >= said[number // 2].items()

        cluster.run("ALTER TABLE result ADD CHECK (attempt < 7) NOT VALID", database)
        hold()
        first = pool.submit(post, runs[0])
        until(waits, 1)
        rest = [pool.submit(post, runs[number % 2], attempt=number) for number in range(1, 9)]
        other.rollback()
        assert [each.result(DEADLINE).status_code for each in (first, *rest)] == [201] * 7 + [500] * 2

        hold()
        lost = [pool.submit(post, runs[0])]
        until(waits, 1)
        groups.clear()
        lost += [pool.submit(post, runs[1]) for _ in range(3)]
        (behind,) = wait_for(lambda: groups, "another group is sent")
        cluster.run(f"SELECT pg_terminate_backend(pid, {DEADLINE * 1000:.0f}) {of_group} true")
        other.rollback()
        answers = [each.result(DEADLINE) for each in lost]
        failed = [answer for answer in answers if answer.status_code != 201]
        assert len(failed) == 1 + behind
        for each in failed:
            assert refused(each, 500, "INTERNAL_ERROR") == "The database cannot be reached; try again"
        api.new_test(runs[0])
        until(f"SELECT count(*) {of_group} true", 1)
        api.new_test(runs[0])
        api.end_run(runs[0])
        api.new_test(runs[0], status="failed")
        assert [api.get(f"/api/runs/{run['id']}")["totalTests"] for run in runs] == [15, 10 + 3 - behind]
        stats = cluster.run("SELECT runs, fails FROM case_stat", database)
        assert stats == [(1, 1)]


def _name(url: object) -> str:
    return str(url).partition("?")[0].rpartition("/")[2]


def _tables(address: str) -> list[Any]:
    import psycopg

    with psycopg.connect(address) as connection:
        columns = connection.execute(
            "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, "
            "pg_get_expr(adbin, adrelid), pg_get_partkeydef(c.oid) FROM pg_class c "
            "JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 "
            "LEFT JOIN pg_attrdef d ON adrelid = c.oid AND adnum = attnum "
            "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition "
            "AND relname <> 'alembic_version'"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexdef FROM pg_indexes JOIN pg_class ON relname = tablename WHERE schemaname = 'public' "
            "AND NOT relispartition AND tablename <> 'alembic_version' AND indexname NOT LIKE 'test_case_%_titles'"
        ).fetchall()
    return [sorted(columns, key=repr), sorted(indexes)]


def _parts(connection: Connection, table: str) -> set[str]:
    rows = connection.exec_driver_sql(
        f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass"
    )
    return set(rows.scalars())


def _held(connection: Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _month(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=timezone.utc).timestamp() * 1000)


def _plan(database: Database, ask: Callable[[Connection], object]) -> str:
    """Return PostgreSQL's plan of every query that `ask` makes, as it would be for large tables."""
    steps: list[str] = []
    with database.reading() as connection:
        for setting in ("seqscan", "sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{setting} = off")

        @event.listens_for(connection, "before_cursor_execute")
        def explain(_connection: Connection, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            cursor.execute(f"EXPLAIN {statement}", values)
            steps.extend(row[0] for row in cursor.fetchall())

        ask(connection)
    return "\n".join(steps)
