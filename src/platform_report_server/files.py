"""Files as answers."""

from __future__ import annotations

import os
import re

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class File(FileResponse):
    """A file, or the one part of it that a Range header names; every other Range header is passed over.

    The parser of older Starlettes takes time with the square of such a header's length.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        wanted = Headers(scope=scope).get("range")
        if wanted is not None:
            size = (await anyio.to_thread.run_sync(os.stat, self.path)).st_size
            if not _is_there(wanted, size):
                kept = [(name, value) for name, value in scope["headers"] if name != b"range"]
                scope = {**scope, "headers": kept}
        await super().__call__(scope, receive, send)


def _is_there(wanted: str, size: int) -> bool:
    found = _ONE_RANGE.fullmatch(wanted)
    if found is None:
        return False
    first, last = found.groups()
    if not first:
        return last != "" and 0 < int(last) <= size
    return int(first) < size and (not last or int(first) <= int(last))
