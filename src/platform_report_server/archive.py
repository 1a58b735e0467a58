"""How a backup lies on disk: a folder, or the same as one tar file. What is not whole has another name."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from platform_report_server.errors import StoreError

FORMAT = 1
MANIFEST, DATABASE, KEY = "manifest.json", "platform.db", "signing.key"


class Manifest(msgspec.Struct):
    """What a backup says of itself. It comes first."""

    format: int
    made_by: str
    made_at: str
    has_database: bool
    has_key: bool
    """A store that was never served has none."""
    contents: int
    """Different files that artifacts refer to."""


class Draft(Protocol):
    """A backup that is being made."""

    folder: Path
    """Where something can be written before it is taken in."""

    def take(self, name: str) -> None:
        """Take in what was written into the folder."""
        ...

    def add(self, source: Path, name: str) -> None:
        """Copy a file; FileNotFoundError says that it is not there."""
        ...


@contextmanager
def writing(place: Path) -> Iterator[Draft]:
    """Give out what becomes the backup when the block ends well. Only its owner may read it: keys are in it."""
    if place.exists():
        raise StoreError(f"{place}: is there already; a backup is made in a new place")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as name:
            folder = Path(name, "backup")
            folder.mkdir(0o700)
            if place.suffix != ".tar":
                yield _Folder(folder)
                folder.rename(place)
                return
            whole = Path(name, place.name)
            whole.touch(0o600)
            with tarfile.open(whole, mode="w") as tar:
                yield _Tar(folder, tar)
            whole.rename(place)
    except OSError as error:
        raise StoreError(f"{place}: the backup cannot be written: {error}") from error


@contextmanager
def reading(place: Path) -> Iterator[Iterator[tuple[str, BinaryIO]]]:
    """Give out the files of a backup with their names, each to be read at once; the manifest is the first."""
    try:
        yield _read_folder(place) if place.is_dir() else _read_tar(place)
    except (OSError, tarfile.TarError) as error:
        raise StoreError(f"{place}: the backup cannot be restored: {error}") from error


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, name: str) -> None:
        """It is there."""

    def add(self, source: Path, name: str) -> None:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, place)


class _Tar:
    def __init__(self, folder: Path, tar: tarfile.TarFile) -> None:
        self.folder = folder
        self._tar = tar

    def take(self, name: str) -> None:
        self._tar.add(self.folder / name, name)
        (self.folder / name).unlink()

    def add(self, source: Path, name: str) -> None:
        self._tar.add(source, name)


def _read_folder(place: Path) -> Iterator[tuple[str, BinaryIO]]:
    first = [place / MANIFEST, place / DATABASE, place / KEY]
    for path in (*filter(Path.exists, first), *sorted(place.glob("artifacts/*/*"))):
        with path.open("rb") as source:
            yield path.relative_to(place).as_posix(), source


def _read_tar(place: Path) -> Iterator[tuple[str, BinaryIO]]:
    with tarfile.open(place, mode="r:") as tar:
        for member in tar:
            source = tar.extractfile(member) if member.isreg() else None
            if source is not None:
                with source:
                    yield member.name, source  # type: ignore[misc]
