"""The files of the viewer, as the package playwright brings them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from platform_report_server.errors import SettingsError

INDEX, WORKER = "index.html", "sw.bundle.js"
_IN_PACKAGE = "driver/package/lib/vite/traceViewer"
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)


@dataclass(frozen=True)
class ViewerFile:
    """One of the files that are given out."""

    path: Path
    media_type: str


@dataclass(frozen=True)
class Viewer:
    """What is given out, by the path of its address."""

    files: Mapping[str, ViewerFile]
    scripts: Sequence[str]
    """The scripts that stand in the viewer's page itself, as a policy names them."""

    @classmethod
    def load(cls, folder: Path) -> Viewer:
        """Look at what is in the folder; nothing else is given out later."""
        paths = (path for path in folder.rglob("*") if path.suffix in _TYPES and path.is_file())
        files = {f"/{path.relative_to(folder).as_posix()}": ViewerFile(path, _TYPES[path.suffix]) for path in paths}
        scripts = _SCRIPT.findall((folder / INDEX).read_text(encoding="utf-8"))
        return cls(files, [f"'sha256-{_digest(each)}'" for each in scripts])


def find_viewer() -> Path | None:
    """Return the folder of the viewer that is installed here, without importing anything of it."""
    spec = find_spec("playwright")
    places = spec.submodule_search_locations if spec is not None else None
    folders = (Path(place, _IN_PACKAGE) for place in places or ())
    return next((folder for folder in folders if is_viewer(folder)), None)


def check_viewer(folder: Path) -> Path:
    """Refuse a folder that is no viewer's."""
    if not is_viewer(folder):
        raise SettingsError(
            f"{folder}: found no {INDEX} and {WORKER} there, expected the folder traceViewer of playwright: "
            f"{_IN_PACKAGE} in the Python package, lib/vite/traceViewer in playwright-core"
        )
    return folder


def is_viewer(folder: Path) -> bool:
    """Tell whether these are the files of a viewer."""
    return (folder / INDEX).is_file() and (folder / WORKER).is_file()


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
