"""What the uploader tells the session: ``status.json`` in the run folder, replaced as a whole."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..process import identify

_LEAST_SECONDS = 0.2


class Status:
    """Writes the status when it has changed, and not too often."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "status.json"
        self._written: dict[str, Any] = {}
        self._last = 0.0

    def is_due(self) -> bool:
        """Tell whether it is time to write again."""
        return time.monotonic() - self._last >= _LEAST_SECONDS

    def write(self, values: dict[str, Any]) -> None:
        """Write *values* (JSON), with which process this is."""
        self._last = time.monotonic()
        if values == self._written:
            return
        self._written = values
        fresh = self._path.with_name("status.json.new")
        with suppress(OSError):  # a full disk; what is delivered is delivered all the same
            fresh.write_text(json.dumps({"process": identify(os.getpid()), **values}), encoding="utf-8")
            fresh.replace(self._path)
