"""Make the pictures of the dashboard from real sessions: the example project, reported four times on two commits."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.chromium import find_chromium
from platform_report_server.auth.tokens import new_token
from server.support import served_settings, serving, with_store

_SIZES = {"runs": (1200, 620), "run": (1200, 960), "test": (1200, 960)}
_LARGEST = 150_000
_KNOWN = "test_cart.py"
"""A file of tests that fails from the first session on; the others fail in the last one only."""


def main() -> None:
    """Write a picture of each page in each theme."""
    with tempfile.TemporaryDirectory() as folder:
        spool = _report(Path(folder))
        settings = replace(served_settings(spool / "platform"), link_token=new_token())
        with_store(settings, "UPDATE run SET hostname = 'build-7'")  # nobody's business
        with serving(settings) as url, _browser() as page:
            page.goto(f"{url}/?token={settings.link_token}")
            _take(page, "runs")
            page.locator("tbody a[href^='/runs/']").first.click()
            _take(page, "run")
            page.locator("#failures").get_by_role("link", name="the_server_is_told").click()
            _take(page, "test")
            page.goto("about:blank")


def _report(folder: Path) -> Path:
    """Report sessions of the example project, a git repository of its own; return the spool."""
    shop, spool = folder / "shop", folder / "spool"
    shutil.copytree(ROOT / "examples/shop", shop, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    _git(shop, "init", "--quiet", "--initial-branch=main")
    for message, sessions, arguments in (
        ("Sell tea by the pot", 3, [f"tests/{_KNOWN}", "tests/test_prices.py"]),
        ("Let customers pay by card", 1, []),
    ):
        _git(shop, "add", ".")
        _git(shop, "commit", "--quiet", "--allow-empty", f"--message={message}")
        for _ in range(sessions):
            command = [sys.executable, "-m", "pytest", "-q", "-n2", "-p", "no:cacheprovider", *arguments]
            told = ["--platform-report", f"--platform-spool={spool}", f"--platform-run-title={message}"]
            subprocess.run([*command, *told], cwd=shop, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    return spool


def _git(folder: Path, *arguments: str) -> None:
    person = {"NAME": "Grace", "EMAIL": "grace@example.com"}
    told = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in person.items()}
    subprocess.run(["git", *arguments], cwd=folder, env={**os.environ, **told}, check=True)  # noqa: S603, S607


@contextmanager
def _browser() -> Iterator[Any]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def _take(page: Any, name: str) -> None:
    width, height = _SIZES[name]
    page.set_viewport_size({"width": width, "height": height})
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        target = Path(__file__).with_name(f"dashboard-{name}-{theme}.webp")
        Image.open(io.BytesIO(page.screenshot())).save(target, lossless=True, method=6)
        size = target.stat().st_size
        print(f"{target.name}: {size:,} bytes")
        if size > _LARGEST:
            raise SystemExit(f"{target.name} has {size:,} bytes, expected {_LARGEST:,} at most")


if __name__ == "__main__":
    main()
