"""A copy of a store beside its server, and the way back."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec

from platform_report_server.archive import DATABASE, FORMAT, KEY, MANIFEST, Draft, Manifest, reading, writing
from platform_report_server.clock import iso, now_ms
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.artifacts import contents_after
from platform_report_server.errors import StoreError
from platform_report_server.settings import PostgresUrl, Settings
from platform_report_server.storage.store import ArtifactStore, name_of, open_artifacts

_FILE = re.compile(r"artifacts/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_CHUNK = 2**20


@dataclass(frozen=True)
class Copied:
    """What was copied."""

    has_database: bool
    """False where that is on PostgreSQL, which has its own means."""
    has_files: bool
    """False where these are in a bucket."""
    files: int
    lacking: int
    """Files that artifacts refer to and that were not there."""


def back_up(settings: Settings, place: Path) -> Copied:
    """Copy a store that a server may be writing to: the database as it is at one moment, then the files it names."""
    with writing(place) as draft:
        contents: list[bytes] = []
        if isinstance(settings.database, Path):
            _copy_database(settings.database, draft.folder / DATABASE)
        if isinstance(settings.artifacts, Path):
            contents = _contents(settings.database, draft.folder / DATABASE)
        has_database = isinstance(settings.database, Path)
        has_key = settings.makes_signing_key and settings.signing_key.exists()
        made_by = f"pytest-platform-report {version('pytest-platform-report')}"
        manifest = Manifest(FORMAT, made_by, iso(now_ms()), has_database, has_key, len(contents))
        (draft.folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        draft.take(MANIFEST)
        if has_database:
            draft.take(DATABASE)
        if has_key:
            draft.add(settings.signing_key, KEY)
        files = sum(_copy_file(settings, draft, sha256) for sha256 in contents)
    return Copied(has_database, isinstance(settings.artifacts, Path), files, len(contents) - files)


def restore(settings: Settings, place: Path, *, force: bool = False) -> Copied:
    """Make a store of a backup. One that is there already is replaced by force only, and not while it is used."""
    there = [path for path in (settings.database, settings.signing_key) if isinstance(path, Path) and path.exists()]
    if there and not force:
        raise StoreError(f"{there[0]}: there is a store already; --force replaces it")
    if isinstance(settings.database, Path) and settings.database.exists():
        _check_unused(settings.database)
    home = settings.signing_key.parent
    home.mkdir(parents=True, exist_ok=True)
    store = open_artifacts(settings.artifacts, settings.staging)
    with reading(place) as members, TemporaryDirectory(dir=home, prefix=".restore.") as name:
        folder, files = Path(name), 0
        manifest = _read_manifest(place, members, settings)
        for member, source in members:
            named = _FILE.fullmatch(member)
            if named:
                _restore_file(place, source, named[2], store)
                files += 1
            elif member in (DATABASE, KEY):
                with (folder / member).open("wb") as copy:
                    shutil.copyfileobj(source, copy, _CHUNK)
        if (manifest.has_database, manifest.has_key) != ((folder / DATABASE).exists(), (folder / KEY).exists()):
            raise StoreError(f"{place}: the backup is not whole")
        if isinstance(settings.database, Path):
            open_database(folder / DATABASE, is_sparing=True).close()  # refuses what is newer, migrates what is older
            (folder / DATABASE).replace(settings.database)
        if manifest.has_key and settings.makes_signing_key:
            (folder / KEY).chmod(0o600)
            (folder / KEY).replace(settings.signing_key)
    return Copied(manifest.has_database, manifest.contents > 0, files, manifest.contents - files)


def _copy_database(path: Path, copy: Path) -> None:
    if not path.exists():
        raise StoreError(f"{path}: there is no store")
    copy.touch(0o600)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)  # in one step: writers go on, and what they write meanwhile is not in it
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: the store cannot be copied: {error}") from error


def _contents(database: Path | PostgresUrl, copy: Path) -> list[bytes]:
    if isinstance(database, PostgresUrl):
        return _contents_on(database)
    with closing(sqlite3.connect(copy)) as connection:
        return [sha256 for (sha256,) in connection.execute("SELECT DISTINCT sha256 FROM artifact ORDER BY sha256")]


def _contents_on(url: PostgresUrl) -> list[bytes]:
    contents = [b""]
    with closing(open_database(url)) as database, database.reading() as connection:
        while more := contents_after(connection, contents[-1]):
            contents += more
    return contents[1:]


def _copy_file(settings: Settings, draft: Draft, sha256: bytes) -> bool:
    name = name_of(sha256)
    try:
        draft.add(Path(str(settings.artifacts), name), f"artifacts/{name}")
    except FileNotFoundError:  # its run was deleted meanwhile
        return False
    return True


def _check_unused(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=0)) as database:
            database.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path}: a server or another command has the store open ({error}): end it first") from error
    except sqlite3.Error:  # what is damaged is what is to be replaced
        return


def _read_manifest(place: Path, members: Iterator[tuple[str, BinaryIO]], settings: Settings) -> Manifest:
    name, source = next(members, (None, None))
    if name != MANIFEST or source is None:
        raise StoreError(f"{place}: is no backup: found {name or 'nothing'}, expected {MANIFEST} first")
    try:
        manifest = msgspec.json.decode(source.read(_CHUNK), type=Manifest)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{place}: {MANIFEST} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise StoreError(
            f"{place}: found a backup of format {manifest.format}, this version knows {FORMAT}; "
            f"{manifest.made_by} made it"
        )
    if manifest.has_database != isinstance(settings.database, Path):
        found, other = ("SQLite", "PostgreSQL") if manifest.has_database else ("PostgreSQL", "SQLite")
        raise StoreError(f"{place}: found the backup of a store on {found}, expected one on {other}")
    return manifest


def _restore_file(place: Path, source: BinaryIO, name: str, store: ArtifactStore) -> None:
    with store.draft() as draft:
        while chunk := source.read(_CHUNK):
            draft.write(chunk)
        if draft.sha256().hex() != name:
            raise StoreError(f"{place}: the file {name} is damaged")
        store.keep(draft)
