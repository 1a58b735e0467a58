"""Which server of this machine serves a store: told beside it, for commands that look for one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..process import identify, is_alive

_NAME = "serving.json"


@contextmanager
def announcing(folder: Path) -> Iterator[Callable[[str], None]]:
    """Give out what tells of this process's server, called with its address; at the end it is told no longer."""
    path, process = folder / _NAME, identify(os.getpid())

    def tell(address: str) -> None:
        origin = urlsplit(address)._replace(path="", query="").geturl()
        fresh = path.with_name(f"{_NAME}.new")
        with suppress(OSError):  # it is served all the same
            fresh.write_text(json.dumps({"origin": origin, "process": process}), encoding="utf-8")
            fresh.replace(path)

    try:
        yield tell
    finally:
        if _read(path).get("process") == process:
            with suppress(OSError):
                path.unlink()


def find_server(folder: Path) -> str | None:
    """Return where the store in *folder* is served, None where it is not."""
    told = _read(folder / _NAME)
    with suppress(KeyError, TypeError, ValueError):
        if is_alive(told["process"]):
            return str(told["origin"])
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
