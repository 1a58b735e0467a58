"""What looks like Playwright's viewer of traces."""

from __future__ import annotations

from pathlib import Path


def make_viewer(folder: Path) -> Path:
    """Write its files into a new folder; return that."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><script>let a;</script><script src=a.js></script>")
    (folder / "sw.bundle.js").write_text("self.addEventListener('fetch', () => {});")
    (folder / "assets" / "a.js").write_text("let b;")
    (folder / "secret.txt").write_text("secret")
    return folder
