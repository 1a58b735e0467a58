"""Where the contents of artifacts are: each once, named by its own SHA-256; no name of a client's is a path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from platform_report_server.errors import SettingsError
from platform_report_server.files import Download
from platform_report_server.settings import S3Url
from platform_report_server.storage.draft import Draft

_NAME = re.compile("(?:[0-9a-f]{2})/([0-9a-f]{64})")


@dataclass(frozen=True)
class Stored:
    """A content that is there."""

    sha256: bytes
    size: int
    modified: float
    """Seconds since the epoch."""


class ArtifactStore(Protocol):
    """A folder, or a bucket. Its methods may be slow: none is called in a transaction."""

    def draft(self) -> Draft:
        """Begin a file."""
        ...

    def sweep_drafts(self) -> None:
        """Delete what killed processes left."""
        ...

    def keep(self, draft: Draft) -> None:
        """Put the draft where its content belongs; nothing happens when that content is there already."""
        ...

    def remove(self, contents: Sequence[bytes]) -> None:
        """Delete contents, as far as they are there."""
        ...

    def list(self, shelf: int) -> Iterator[Stored]:
        """Give out what is there with digests that begin with this byte."""
        ...

    def read(self, sha256: bytes, most: int | None = None) -> bytes | None:
        """Return a content, or so much of its beginning; None where it is not there. For small ones as a whole."""
        ...

    async def answer(self, sha256: bytes, download: Download, request: Request) -> Response | None:
        """Return the answer that brings a content to a client, or None where it is not there."""
        ...


def open_artifacts(where: Path | S3Url, staging: Path) -> ArtifactStore:
    """Return the store of contents; files that go elsewhere arrive in the folder `staging`."""
    if isinstance(where, Path):
        from platform_report_server.storage.folder import ArtifactFolder

        return ArtifactFolder(where)
    try:
        from platform_report_server.storage.s3 import ArtifactBucket
    except ImportError as error:
        raise SettingsError(
            f"{where} needs a package that is not installed ({error}): "
            "pip install 'pytest-platform-report[s3]' installs it"
        ) from error
    return ArtifactBucket(where, staging)


def check_bucket(where: S3Url, staging: Path) -> None:
    """Find out whether a bucket can be used. Not in this process: one that has used a bucket cannot fork any more."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        pool.submit(_try, where, staging).result()


def _try(where: S3Url, staging: Path) -> None:
    open_artifacts(where, staging)


def name_of(sha256: bytes) -> str:
    """Return a content's name in its store."""
    return f"{shelf_name(sha256[0])}/{sha256.hex()}"


def shelf_name(shelf: int) -> str:
    """Return where contents are whose digests begin with this byte."""
    return f"{shelf:02x}"


def content_of(name: str) -> bytes | None:
    """Return which content has this name; None where it is something else's."""
    found = _NAME.fullmatch(name)
    return bytes.fromhex(found[1]) if found and name.startswith(found[1][:2]) else None
