"""Contents in a bucket of an S3 store."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from platform_report_server.errors import SettingsError, StoreError, Unavailable
from platform_report_server.files import Download, Part, wanted_part
from platform_report_server.settings import S3Url
from platform_report_server.storage.draft import Draft, sweep_drafts
from platform_report_server.storage.presigned import Credentials, presigned
from platform_report_server.storage.store import Stored, content_of, name_of, shelf_name

_LINK_SECONDS = 3600
_TOLD = 400
_PIECE = 4 * 2**20
_PART, _PARTS = 8 * 2**20, 2  # of an upload: more are not in memory at a time
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_OPTIONS = {"connect_timeout": "5s", "timeout": "60s"}
_RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=15)}
# whoever opens an object past the platform gets a download, whatever is in it
_ATTRIBUTES = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}

_log = logging.getLogger("platform_report_server")


class ArtifactBucket:
    """What it says is in `platform_report_server.storage.store.ArtifactStore`."""

    def __init__(self, url: S3Url, staging: Path) -> None:
        self._url = url
        self._staging = staging
        self._credentials = _credentials(url) if url.public else None
        is_plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
        try:
            self._bucket = S3Store(
                url.bucket,
                prefix=url.prefix or None,
                client_options={**_OPTIONS, "allow_http": is_plain},  # type: ignore[arg-type]
                retry_config=_RETRIES,  # type: ignore[arg-type]
            )
            next(iter(obstore.list(self._bucket, prefix="00", chunk_size=1)), None)
        except (BaseError, OSError, ValueError) as error:
            raise StoreError(f"{url}: the bucket cannot be used: {_cause(error)}") from error

    def draft(self) -> Draft:
        return Draft(self._staging)

    def sweep_drafts(self) -> None:
        sweep_drafts(self._staging)

    def keep(self, draft: Draft) -> None:
        name = name_of(draft.sha256())
        with self._telling():
            try:
                if obstore.head(self._bucket, name)["size"] == draft.size:
                    return
            except FileNotFoundError:
                pass
            obstore.put(
                self._bucket, name, draft.path, attributes=_ATTRIBUTES, chunk_size=_PART, max_concurrency=_PARTS
            )

    def remove(self, contents: Sequence[bytes]) -> None:
        with self._telling():
            obstore.delete(self._bucket, list(map(name_of, contents)))

    def list(self, shelf: int) -> Iterator[Stored]:
        with self._telling():
            for chunk in obstore.list(self._bucket, prefix=shelf_name(shelf)):
                for each in chunk:
                    sha256 = content_of(each["path"])
                    if sha256 is not None:
                        yield Stored(sha256, each["size"], each["last_modified"].timestamp())

    def read(self, sha256: bytes, most: int | None = None) -> bytes | None:
        name = name_of(sha256)
        with self._telling():
            try:
                if most is not None:
                    return bytes(obstore.get_range(self._bucket, name, start=0, end=most))
                return bytes(obstore.get(self._bucket, name).bytes())
            except FileNotFoundError:
                return None

    async def answer(self, sha256: bytes, download: Download, request: Request) -> Response | None:
        # images stay: the dashboard's own policy shows none of another place
        if self._credentials is not None and not download.is_shown:
            return self._redirect(self._credentials, sha256, download, request.method)
        name, size = name_of(sha256), download.size
        wanted = wanted_part(request.headers, size, download.etag)
        part = wanted or Part(0, size)
        with self._telling():
            try:
                if request.method == "HEAD" or not size:
                    await obstore.head_async(self._bucket, name)
                    first = b""
                else:
                    first = await self._piece(name, part)
            except FileNotFoundError:
                return None
        headers = {**download.headers, "accept-ranges": "bytes", "content-length": str(len(part))}
        if wanted is not None:
            headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
        status = 200 if wanted is None else 206
        if not first:
            return Response(status_code=status, headers=headers, media_type=download.media_type)
        return StreamingResponse(self._pieces(name, part, first), status, headers, download.media_type)

    async def _pieces(self, name: str, part: Part, first: bytes) -> AsyncIterator[bytes]:
        # a request for each: one for all would have to end in time, however slow the client reads
        piece, start = first, part.start
        while piece:
            yield piece
            start += len(piece)
            piece = await self._piece(name, Part(start, part.stop)) if start < part.stop else b""

    async def _piece(self, name: str, part: Part) -> bytes:
        stop = min(part.start + _PIECE, part.stop)
        return bytes(await obstore.get_range_async(self._bucket, name, start=part.start, end=stop))

    def _redirect(self, credentials: Credentials, sha256: bytes, download: Download, method: str) -> Response:
        address = "/".join(filter(None, (self._url.public, self._url.prefix, name_of(sha256))))
        said = {
            "response-content-disposition": download.disposition,
            "response-content-type": download.media_type,
            "response-cache-control": "private",
        }
        now = datetime.now(timezone.utc)
        link = presigned(credentials, method, address, said, now=now, seconds=_LINK_SECONDS)
        return RedirectResponse(link, 307, {"cache-control": "no-store", "referrer-policy": "no-referrer"})

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, FileNotFoundError) as error:  # the latter: there is no such bucket any more
            _log.error("%s: the bucket cannot be used: %s", self._url, _cause(error))
            raise Unavailable("The store of files cannot be reached; try again") from error


def _credentials(url: S3Url) -> Credentials:
    said = os.environ.get
    access_key, secret = said("AWS_ACCESS_KEY_ID"), said("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret:
        raise SettingsError(
            f"{url}: links to {url.public} are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which are not "
            "in the environment; without 'public' the platform gives out the files itself"
        )
    region = said("AWS_REGION") or said("AWS_DEFAULT_REGION") or "us-east-1"
    return Credentials(access_key, secret, said("AWS_SESSION_TOKEN") or None, region)


def _cause(error: Exception) -> str:
    return " ".join(str(error).partition("\n\nDebug source")[0].split())[:_TOLD]
