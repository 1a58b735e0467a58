"""Files of tests, of the run, of pytest-html: what is sent, what is sent once, and what is left out and told."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from end_to_end.platforms import Kind, Target
from end_to_end.readback import Run, read_run
from end_to_end.sessions import Project

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100_000)
PASSWORD = "o'reilly & <sons>"

SUITE = """
import os

import pytest
from pytest_html import extras as html

from pytest_platform_report import attach

PNG = b"\\x89PNG\\r\\n\\x1a\\n" + bytes(100_000)

def test_paths(tmp_path):
    shot, log = tmp_path / "cart.png", tmp_path / "app.log"
    shot.write_bytes(PNG)
    log.write_text("first")
    attach(shot)
    attach(log)
    shot.unlink()
    log.write_text("second")

def test_bytes():
    attach(PNG, "one.png")
    attach(PNG, "two.png")
    attach(b"unwanted", "unwanted.txt")

def test_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "wrong.png").write_text("no picture")
    with (tmp_path / "big.webm").open("wb") as file:
        file.write(b"\\x1a\\x45\\xdf\\xa3")
        file.truncate(1001 * 2**20)
    for name in ("pipe.png", "wrong.png", "big.webm", "missing.png"):
        attach(tmp_path / name)

@pytest.mark.flaky(reruns=1)
def test_again(output_path, request):
    assert request.node.execution_count == 2

def test_left_out(output_path):
    attach(PNG, "left out.png")

def test_shown(extras):
    print("password:", os.environ["DATABASE_PASSWORD"])
    print("Cookie: session=5ec7e7; next=1")
    extras.append(html.text("noted: " + os.environ["DATABASE_PASSWORD"]))
    extras.append(html.png("iVBORw0KGgo="))
    assert 0
"""


# A stand-in without a browser, which tests/browser has: each attempt of a test finds the folder of the one before.
PLAYWRIGHT = """
import pytest

@pytest.fixture
def output_path(tmp_path_factory, request):
    folder = tmp_path_factory.getbasetemp() / f"results of {request.node.name}"
    yield str(folder)
    folder.mkdir(exist_ok=True)
    attempt = request.node.execution_count
    name = f"test-{'failed' if attempt == 1 else 'finished'}-1.png"
    (folder / name).write_bytes(b"\\x89PNG\\r\\n\\x1a\\n %d" % attempt)
    (folder / "trace.zip").write_bytes(b"PK\\x05\\x06 %d" % attempt)
"""


CONFTEST = """
def pytest_platform_begin(test):
    if test.title == "test_left_out":
        test.drop()

def pytest_platform_artifact(artifact):
    return False if artifact.name == "unwanted.txt" else None
"""


def write_project(project: Project) -> None:
    project.write("test_it.py", SUITE)
    project.write("pytest_playwright/pytest_playwright.py", PLAYWRIGHT)
    project.write("conftest.py", CONFTEST)
    project.write(
        "pytest.ini",
        """
        [pytest]
        platform_artifact =
            screenshot:out/**/*.png
            video:**/*.webm
            attachment:../beside/*.txt
            attachment:linked.txt
        """,
    )
    for name in ("out/a.png", "out/deep/er/b.png"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_bytes(PNG)
    (project.root / "out/c.webm").write_bytes(b"\x1a\x45\xdf\xa3")
    project.write("../beside/secret.txt", "outside")
    (project.root / "linked.txt").symlink_to(project.root / "../beside/secret.txt")
    project.write("reports/assets/earlier.png", "of an earlier session")
    project.environment["DATABASE_PASSWORD"] = PASSWORD
    project.environment["PYTEST_PLUGINS"] += (
        ",pytest_html.plugin,pytest_html.fixtures,pytest_metadata.plugin,pytest_playwright.pytest_playwright"
    )


@pytest.mark.parametrize(("kind", "workers"), [("served", 2), ("plain", 0)])
def test_files(make_target: Callable[[Kind], Target], tmp_path: Path, kind: Kind, workers: int) -> None:
    target, project = make_target(kind), Project(tmp_path / "project", {})
    project.environment.update(target.environment)
    write_project(project)
    try:
        ended = project.run("--html=reports/the report.html", workers=workers)
    finally:
        project.close()
    run, is_plain = read_run(target), kind == "plain"
    assert "5 tests run, 5 acknowledged" in ended.out, ended.out

    again = {} if is_plain else {"two.png": PNG}
    assert files_of(run, "test_paths") == {"cart.png": PNG, **({} if is_plain else {"app.log": b"first"})}
    assert files_of(run, "test_bytes") == {"one.png": PNG, **again}
    assert files_of(run, "test_again") == {
        "attempt-1-test-failed-1.png": PNG[:8] + b" 1",
        "attempt-1-trace.zip": b"PK\x05\x06 1",
        "attempt-2-test-finished-1.png": PNG[:8] + b" 2",
        "attempt-2-trace.zip": b"PK\x05\x06 2",
    }
    of_run = files_of(run, None)
    assert of_run.pop("out_c.webm") == b"\x1a\x45\xdf\xa3"
    check_report(of_run.pop("the report.zip"))
    assert of_run == {"out_a.png": PNG, **({} if is_plain else {"out_deep_er_b.png": PNG})}
    large = [request for request in target.gate.requests if request.path == "/api/upload" and request.size > len(PNG)]
    assert len(large) == (3 if is_plain else 1), "equal content goes out once a test, or once a run"
    assert sum(path.stat().st_size == len(PNG) for path in (project.run_folder / "artifacts").iterdir()) == 1

    refused = "[test_it.py::test_refused]"
    for told in (
        rf"pipe\.png: it is no file but a pipe, a socket or a device: .* {refused}",
        rf"wrong\.png \(10 bytes\): its content is not PNG: type='attachment' sends it as it is {refused}",
        rf"big\.webm \(1001\.0 MB\): larger than the 100 MB that a platform takes of a video: .* {refused}",
        rf"missing\.png: there is no such file: /.*/missing\.png {refused}",
        r"\.\./beside/secret\.txt \(7 bytes\): it is outside of /.*/project: attach\(\) in a test sends it",
        r"linked\.txt \(7 bytes\): it is outside of /.*/project: attach\(\) in a test sends it",
    ):
        pattern = f"not sent: {told.replace('[', chr(92) + '[').replace(']', chr(92) + ']')}"
        assert re.search(f"^{pattern}$", ended.out, re.MULTILINE), ended.out
    assert ("this platform takes screenshots, videos, traces and reports, but no other" in ended.out) is is_plain


def files_of(run: Run, title: str | None) -> dict[str, bytes]:
    test_id = run.test(title)["id"] if title else None
    found = [file for file in run.artifacts if file["testId"] == test_id]
    files = {file["fileName"]: base64.b64decode(file["content"]) for file in found}
    assert len(files) == len(found)
    return files


def check_report(content: bytes) -> None:
    """Check that a report is whole, can be shown, and holds no secret."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
        texts = {name: zipped.read(name).decode("utf-8", "replace") for name in zipped.namelist()}
    page = texts.pop("the report.html")
    assert {name.rpartition(".")[2] for name in texts} == {"css", "txt", "png"}
    assert "assets/earlier.png" not in texts
    blob = re.search('data-jsonblob="([^"]*)"', page)
    assert blob is not None
    tests = json.loads(unescape(blob.group(1)))["tests"]
    assert len(tests) == 6
    ((shown,),) = [results for name, results in tests.items() if "test_shown" in name]
    assert "password: [redacted]" in shown["log"]
    assert "Cookie: [redacted]" in shown["log"]
    assert "assert 0" in shown["log"]
    assert [text for name, text in texts.items() if name.endswith(".txt")] == ["noted: [redacted]"]
    assert not [name for name, text in {**texts, "page": page}.items() if "sons" in text or "5ec7e7" in text]
