"""What pytest-playwright writes arrives with its test."""

from __future__ import annotations

import base64
import io
import zipfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from browser.chromium import find_chromium, give_ffmpeg
from browser.looking import look
from end_to_end.platforms import Kind, Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Project

CHROMIUM = find_chromium()

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no Chromium: 'apt-get install chromium' installs one"
)

SUITE = """
import os
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": os.environ["CHROMIUM"], "args": ["--no-sandbox"]}

seen = []

def test_passes(page):
    page.set_content("<h1>welcome</h1>")

@pytest.mark.flaky(reruns=1)
def test_again(page):
    seen.append(1)
    page.set_content(f"<h1>{len(seen)}</h1>")
    assert len(seen) == 2

def test_two_pages(context, output_path):
    for number in range(2):
        context.new_page().set_content(f"<h1>{number}</h1>")
    os.makedirs(os.path.join(output_path, "own"))
    with open(os.path.join(output_path, "own", "notes.txt"), "w") as file:
        file.write("noted")
    os.symlink("/etc/passwd", os.path.join(output_path, "passwd.txt"))

def test_without_a_browser():
    pass
"""


@pytest.mark.parametrize("workers", [0, 2], ids=["alone", "xdist"])
def test_files_arrive_with_their_tests(
    make_target: Callable[[Kind], Target], tmp_path: Path, workers: int, request: pytest.FixtureRequest
) -> None:
    target = make_target("served")
    project = Project(tmp_path / "project", target.environment)
    project.write("test_shop.py", SUITE)
    has_video = give_ffmpeg(tmp_path / "browsers")
    project.environment["CHROMIUM"] = str(CHROMIUM)
    project.environment["PLAYWRIGHT_BROWSERS_PATH"] = str(tmp_path / "browsers")
    project.load_all_plugins()
    options = ["--screenshot=on", "--tracing=on", *(["--video=on"] if has_video else [])]
    try:
        ended = project.run(*options, workers=workers)
    finally:
        project.close()
    assert ended.exit == 0, ended.out
    assert "4 tests run, 4 acknowledged" in ended.out
    assert "not sent" not in ended.out

    def names(*stems: str) -> set[str]:
        return {name for name in stems if has_video or not name.endswith(".webm")}

    run = read_run(target)
    files = files_by_test(run)
    assert files.keys() == {"test_passes[chromium]", "test_again[chromium]", "test_two_pages[chromium]"}
    assert files["test_passes[chromium]"].keys() == names("test-finished-1.png", "trace.zip", "video.webm")
    assert files["test_again[chromium]"].keys() == names(
        *("attempt-1-test-failed-1.png", "attempt-1-trace.zip", "attempt-1-video.webm"),
        *("attempt-2-test-finished-1.png", "attempt-2-trace.zip", "attempt-2-video.webm"),
    )
    assert files["test_two_pages[chromium]"].keys() == names(
        *("test-finished-1.png", "test-finished-2.png", "trace.zip", "video-1.webm", "video-2.webm", "own_notes.txt"),
    )
    for title, found in files.items():
        for name, content in found.items():
            check(title, name, content)
    if not workers:  # xdist's second worker deletes what the first has written
        kept = [path for path in (project.run_folder / "artifacts").iterdir() if path.suffix != ".txt"]
        linked = [path for path in kept if path.stat().st_nlink == 2]
        assert len(kept) - len(linked) == len(names("shot of attempt 1", "trace of attempt 1", "attempt-1.webm"))
        look(request.getfixturevalue("people"), target, run)


def files_by_test(run: Run) -> dict[str, dict[str, bytes]]:
    titles = {test["id"]: test["title"] for test in run.tests}
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for file in run.artifacts:
        found[titles[file["testId"]]][file["fileName"]] = base64.b64decode(file["content"])
    assert sum(map(len, found.values())) == len(run.artifacts)
    return found


def check(title: str, name: str, content: bytes) -> None:
    """Check that a file is what its name says, and of the test that it came with."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            trace = b"".join(zipped.read(each) for each in zipped.namelist() if each.endswith(".trace"))
        assert title.partition("[")[0].replace("_", "-").encode() in trace
    else:
        begin = {"png": b"\x89PNG", "webm": b"\x1a\x45\xdf\xa3", "txt": b"noted"}
        assert content.startswith(begin[name.rpartition(".")[2]])
