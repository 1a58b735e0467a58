"""Files as answers."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True)
class Download:
    """How a file is given out."""

    file_name: str
    media_type: str
    size: int
    etag: str
    is_shown: bool
    """Whether a browser may show it itself."""
    rules: Mapping[str, str]
    """Headers that come with it."""

    @property
    def disposition(self) -> str:
        """The header that says under which name it is kept."""
        kind, quoted = "inline" if self.is_shown else "attachment", quote(self.file_name)
        return f'{kind}; filename="{quoted}"' if quoted == self.file_name else f"{kind}; filename*=utf-8''{quoted}"

    @property
    def headers(self) -> dict[str, str]:
        """All the headers that do not depend on where the file is."""
        return {**self.rules, "content-disposition": self.disposition, "etag": self.etag}


@dataclass(frozen=True)
class Part:
    """Some bytes of a file, the one at `stop` not among them."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class File(FileResponse):
    """A file, or the one part of it that a Range header names; every other Range header is passed over.

    The parser of older Starlettes takes time with the square of such a header's length.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        headers = Headers(scope=scope)
        if "range" in headers:
            size = (await anyio.to_thread.run_sync(os.stat, self.path)).st_size
            if wanted_part(headers, size, self.headers.get("etag")) is None:
                kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
                scope = {**scope, "headers": kept}
        await super().__call__(scope, receive, send)


async def zipped(request: Request, path: Path, media_type: str, headers: Mapping[str, str]) -> Response:
    """Return a file that is kept as gzip: as it is for who takes that, which every browser does."""
    headers = {"vary": "accept-encoding", **headers}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return File(path, media_type=media_type, headers={"content-encoding": "gzip", **headers})
    content = await anyio.to_thread.run_sync(lambda: gzip.decompress(path.read_bytes()))
    return Response(content, media_type=media_type, headers=headers)


def wanted_part(headers: Headers, size: int, etag: str | None) -> Part | None:
    """Return the one part of a file that a Range header names, if the file has it and is still the one meant."""
    found = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first:
        return Part(size - int(last), size) if last and 0 < int(last) <= size else None
    part = Part(int(first), min(int(last) + 1, size) if last else size)
    return part if part.start < part.stop else None
