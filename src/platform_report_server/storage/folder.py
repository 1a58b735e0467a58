"""Contents in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.files import Download, File
from platform_report_server.storage.draft import Draft, sweep_drafts
from platform_report_server.storage.store import Stored, content_of, name_of, shelf_name


class ArtifactFolder:
    """What it says is in `platform_report_server.storage.store.ArtifactStore`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._staging = root / "staging"

    def draft(self) -> Draft:
        return Draft(self._staging)

    def sweep_drafts(self) -> None:
        sweep_drafts(self._staging)

    def keep(self, draft: Draft) -> None:
        place = self._path_of(draft.sha256())
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.path.replace(place)

    def remove(self, contents: Sequence[bytes]) -> None:
        for sha256 in contents:
            self._path_of(sha256).unlink(missing_ok=True)

    def list(self, shelf: int) -> Iterator[Stored]:
        for path in (self._root / shelf_name(shelf)).glob("*"):
            sha256 = content_of(f"{path.parent.name}/{path.name}")
            if sha256 is not None:
                try:
                    found = path.stat()
                except FileNotFoundError:
                    continue
                yield Stored(sha256, found.st_size, found.st_mtime)

    def read(self, sha256: bytes, most: int | None = None) -> bytes | None:
        try:
            with self._path_of(sha256).open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            return None

    async def answer(self, sha256: bytes, download: Download, request: Request) -> Response | None:
        path = self._path_of(sha256)
        if not await anyio.to_thread.run_sync(path.is_file):
            return None
        return File(path, headers=download.headers, media_type=download.media_type)

    def _path_of(self, sha256: bytes) -> Path:
        return self._root / name_of(sha256)
