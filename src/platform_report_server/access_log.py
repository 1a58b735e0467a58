"""The access log: a line of JSON for each request. No address, query or body is in it, only the route."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Literal

import msgspec

from platform_report_server.errors import SettingsError

_STDOUT = 1


class Entry(msgspec.Struct):
    """One request."""

    time: str
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    bytes: int
    """Of the answer's body."""
    project: str | None
    key: str | None
    user: str | None


class AccessLog:
    """Appends whole lines, so that several processes can share a file, and that it may be moved away under them."""

    def __init__(self, place: Path | Literal["-"]) -> None:
        self._descriptor = _STDOUT
        if place != "-":
            try:
                self._descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
            except OSError as error:
                raise SettingsError(f"{place}: the access log cannot be written: {error.strerror}") from error

    def write(self, entry: Entry) -> None:
        """Append a line; where that fails, the request does not."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, msgspec.json.encode(entry) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._descriptor != _STDOUT:
            os.close(self._descriptor)
