"""The files that tests attach, copied into the run folder at once."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from children import run_python

from pytest_platform_report.journal.reader import SegmentReader
from pytest_platform_report.plugin.folder import RunFolder
from pytest_platform_report.plugin.journal import Journal
from pytest_platform_report.plugin.keeper import FileKeeper
from pytest_platform_report.redact import MASK, make_redactor

SECRET = "prk_live_0123456789abcdef"


@pytest.fixture
def keep_file(tmp_path: Path) -> FileKeeper:
    journal = Journal(RunFolder(str(tmp_path / "spool"), "run"), "s1", "alone", None, {})
    journal.open()
    keeper = FileKeeper(journal, make_redactor([SECRET]))
    keeper.test = 7
    return keeper


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    (segment,) = (tmp_path / "spool/runs/run/journal").iterdir()
    return [line.record for line in SegmentReader(segment).read() if line.record["kind"] == "artifact"]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(tmp_path: Path, record: dict[str, Any]) -> bytes:
    return Path(tmp_path, "spool/runs/run", record["path"]).read_bytes()


def test_copy_outlives_the_file(tmp_path: Path, keep_file: FileKeeper) -> None:
    file = tmp_path / "cart.png"
    file.write_bytes(b"x" * 3_000_000)
    keep_file(file, None, None)
    file.unlink()
    (record,) = kept(tmp_path)
    assert (record["test"], record["name"], record["type"], record["size"]) == (7, "cart.png", "screenshot", 3_000_000)
    assert content(tmp_path, record) == b"x" * 3_000_000


@pytest.mark.parametrize("source", [b"abc", bytearray(b"abc"), memoryview(b"abc")], ids=type)
def test_bytes(tmp_path: Path, keep_file: FileKeeper, source: bytes) -> None:
    keep_file(source, None, None)
    (record,) = kept(tmp_path)
    assert (record["name"], record["type"], content(tmp_path, record)) == ("attachment.bin", "attachment", b"abc")


@pytest.mark.parametrize(
    ("name", "type_"),
    [("a.PNG", "screenshot"), ("a.webm", "video"), ("a.zip", "trace"), ("a.txt", "attachment"), ("a", "attachment")],
)
def test_type_is_told_by_the_ending(tmp_path: Path, keep_file: FileKeeper, name: str, type_: str) -> None:
    keep_file(b"", name, None)
    assert kept(tmp_path)[0]["type"] == type_


def test_given_name_and_type_win(tmp_path: Path, keep_file: FileKeeper) -> None:
    keep_file(b"", "a.zip", "report")
    assert (kept(tmp_path)[0]["name"], kept(tmp_path)[0]["type"]) == ("a.zip", "report")


@pytest.mark.parametrize("name", ["../../../up.txt", "/etc/up.txt", "a\0b", "ü\ud800", "x" * 5000, ".."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, keep_file: FileKeeper, name: str) -> None:
    keep_file(b"abc", name, None)
    (record,) = kept(tmp_path)
    (file,) = (tmp_path / "spool/runs/run/artifacts").iterdir()
    assert record["path"] == f"artifacts/{file.name}"
    assert content(tmp_path, record) == b"abc"


def test_same_name_twice(tmp_path: Path, keep_file: FileKeeper) -> None:
    for text in (b"first", b"second"):
        keep_file(text, "a.txt", None)
    assert [content(tmp_path, record) for record in kept(tmp_path)] == [b"first", b"second"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("/nowhere/a.png", "FileNotFoundError: .*No such file or directory: '/nowhere/a.png'"),
        ("/", "IsADirectoryError: .*"),
        (17, "TypeError: .*"),
        ("a\0b", ".*embedded null (byte|character).*"),
    ],
)
def test_what_cannot_be_kept_is_told(tmp_path: Path, keep_file: FileKeeper, source: Any, problem: str) -> None:
    keep_file(source, "a.png", None)
    (record,) = kept(tmp_path)
    assert (record["name"], record["path"], record["size"]) == ("a.png", "", 0)
    assert re.fullmatch(problem, record["problem"])


def test_file_larger_than_any_platform_takes(tmp_path: Path, keep_file: FileKeeper) -> None:
    with (tmp_path / "huge.mp4").open("wb") as file:
        file.truncate(200 * 1024 * 1024 + 1)
    keep_file(tmp_path / "huge.mp4", None, None)
    assert kept(tmp_path)[0]["problem"] == "209,715,201 bytes are more than any artifact may have (209,715,200)"
    assert list((tmp_path / "spool/runs/run/artifacts").iterdir()) == []


def test_secret_in_a_name(tmp_path: Path, keep_file: FileKeeper) -> None:
    keep_file(b"", f"{SECRET}.txt", None)
    (record,) = kept(tmp_path)
    assert record["name"] == f"{MASK}.txt"
    assert SECRET not in record["path"]


def test_umask_takes_nothing_from_what_is_made(tmp_path: Path) -> None:
    theirs = tmp_path / "spool" / "theirs"
    theirs.mkdir(parents=True, mode=0o750)
    run_python(
        """
        import os, sys
        os.umask(0o777)
        from pytest_platform_report.plugin.folder import RunFolder
        from pytest_platform_report.plugin.journal import Journal
        from pytest_platform_report.plugin.keeper import FileKeeper
        journal = Journal(RunFolder(sys.argv[1], "run"), "s1", "alone", None, {})
        journal.open()
        FileKeeper(journal, str)(b"abc", "a.txt", None)
        """,
        theirs / "own",
    )
    made = [theirs / "own", *(theirs / "own").rglob("*")]
    assert {path.name for path in made if path.is_dir()} == {"own", "runs", "run", "journal", "artifacts"}
    assert len([path for path in made if path.is_file()]) == 3
    assert {mode_of(path) for path in made if path.is_dir()} == {0o700}
    assert {mode_of(path) for path in made if path.is_file()} == {0o600}
    assert mode_of(theirs) == 0o750


def test_forked_child_keeps_nothing_and_takes_no_name(tmp_path: Path) -> None:
    run_python(
        """
        import os, sys
        from pytest_platform_report.plugin.folder import RunFolder
        from pytest_platform_report.plugin.journal import Journal
        from pytest_platform_report.plugin.keeper import FileKeeper
        journal = Journal(RunFolder(sys.argv[1], "run"), "s1", "alone", None, {})
        journal.open()
        keep_file = FileKeeper(journal, str)
        child = os.fork()
        if not child:
            keep_file(b"child", "a.txt", None)
            os._exit(0)
        os.waitpid(child, 0)
        keep_file(b"parent", "a.txt", None)
        """,
        tmp_path / "spool",
    )
    (record,) = kept(tmp_path)
    assert content(tmp_path, record) == b"parent"
    assert len(list((tmp_path / "spool/runs/run/artifacts").iterdir())) == 1
