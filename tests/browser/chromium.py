"""Find a Chromium that playwright can drive, and an ffmpeg for its videos; as a script, install them on Debian.

Playwright's own browsers come from a server of its own, which not every machine reaches. The system's do as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE = 300.0


def find_chromium() -> str | None:
    """Return the path of the system's Chromium."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def give_ffmpeg(browsers: Path) -> bool:
    """Put the system's ffmpeg where playwright looks for its own, below *browsers*; return whether there is one."""
    ffmpeg, spec = shutil.which("ffmpeg"), find_spec("playwright")
    if ffmpeg is None or spec is None or not spec.submodule_search_locations:
        return False
    listed = Path(spec.submodule_search_locations[0], "driver/package/browsers.json")
    revisions = {each["name"]: each["revision"] for each in json.loads(listed.read_text())["browsers"]}
    folder = browsers / f"ffmpeg-{revisions['ffmpeg']}"
    folder.mkdir(parents=True)
    (folder / "ffmpeg-linux").symlink_to(ffmpeg)
    return True


def install() -> None:
    """Install what is missing, where that can be done; the tests are skipped where it could not."""
    if (find_chromium() and shutil.which("ffmpeg")) or os.getuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", "chromium", "ffmpeg"]):
        try:
            subprocess.run(["apt-get", *command, "-y"], env=environment, timeout=_PATIENCE, check=True)
        except (subprocess.SubprocessError, OSError):
            return


if __name__ == "__main__":
    install()
