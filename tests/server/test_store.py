"""The store: made, found again, refused."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from platform_report_server.db import _migrate, schema
from platform_report_server.db.engine import open_database
from platform_report_server.errors import StoreError, StoreTooNew


def test_the_migrations_make_the_schema(tmp_path: Path) -> None:
    migrated, declared = tmp_path / "migrated.db", tmp_path / "declared.db"
    open_database(migrated).close()
    engine = create_engine(f"sqlite:///{declared}")
    schema.metadata.create_all(engine)
    engine.dispose()
    assert _tables(migrated) == _tables(declared)


def test_the_head_is_the_newest_revision() -> None:
    assert ScriptDirectory(str(Path(_migrate.__file__).parent / "migrations")).get_heads() == [_migrate.HEAD]


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


def test_a_newer_store_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    open_database(path).close()
    _query(path, "UPDATE alembic_version SET version_num = '0099'")
    before = path.read_bytes()
    with pytest.raises(
        StoreTooNew, match=r"platform\.db: .*revision '0099'.*up to '0001'.*Install the newer version"
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


def _tables(path: Path) -> set[tuple[str, str]]:
    rows = _query(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
    return {(name, " ".join(sql.split())) for name, sql in rows}


def _query(path: Path, statement: str) -> list[tuple[str, ...]]:
    store = sqlite3.connect(path)
    with store:
        rows = store.execute(statement).fetchall()
    store.close()
    return rows
