"""Fetch the sdists of projects and unpack them, once for all sessions."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from projects.suites import Suite


def unpacked(suite: Suite, cache: Path) -> Path:
    """Return the directory that the suite's sdist holds."""
    kept = cache / f"{suite.name}-{suite.version}-{suite.sha256[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _download(suite, Path(folder))
                (sdist,) = Path(folder).glob("*.tar.gz")
                shutil.unpack_archive(sdist, Path(folder, "content"), filter="data")
                (top,) = Path(folder, "content").iterdir()
                top.rename(kept)
    return kept


def _download(suite: Suite, folder: Path) -> None:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{suite.name}=={suite.version} --hash=sha256:{suite.sha256}\n")
    options = ["--no-deps", "--no-binary=:all:", "--require-hashes", "--quiet", "--requirement", str(wanted)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder)],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
