"""The files that tests attach, kept in the run folder at once."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from children import run_python

from pytest_platform_report.artifacts import MB
from pytest_platform_report.journal.reader import SegmentReader
from pytest_platform_report.plugin.folder import RunFolder
from pytest_platform_report.plugin.journal import Journal
from pytest_platform_report.plugin.keeper import MOST_FILES, FileKeeper
from pytest_platform_report.redact import MASK, make_redactor

SECRET = "prk_live_0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
ZIP = b"PK\x03\x04" + b"x" * 100


def new_keeper(tmp_path: Path, session: str = "s1") -> FileKeeper:
    journal = Journal(RunFolder(str(tmp_path / "spool"), "run"), session, "alone", None, {})
    journal.open()
    return FileKeeper(journal, make_redactor([SECRET]))


@pytest.fixture
def keep_file(tmp_path: Path) -> FileKeeper:
    keeper = new_keeper(tmp_path)
    keeper.begin(7)
    return keeper


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    segments = (tmp_path / "spool/runs/run/journal").iterdir()
    lines = [line for segment in sorted(segments) for line in SegmentReader(segment).read()]
    return [line.record for line in lines if line.record["kind"] == "artifact"]


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool/runs/run/artifacts").iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(tmp_path: Path, record: dict[str, Any]) -> bytes:
    return Path(tmp_path, "spool/runs/run", record["path"]).read_bytes()


def make(path: Path, content: bytes, size: int = 0) -> Path:
    with path.open("wb") as file:
        file.write(content)
        if size:
            file.truncate(size)
    return path


def test_copy_outlives_the_file(tmp_path: Path, keep_file: FileKeeper) -> None:
    data = PNG + b"x" * 3_000_000
    file = make(tmp_path / "cart.png", data)
    keep_file(file, None, None)
    file.unlink()
    (record,) = kept(tmp_path)
    digest = hashlib.sha256(data).hexdigest()
    assert (record["test"], record["name"], record["type"], record["size"]) == (7, "cart.png", "screenshot", len(data))
    assert (record["sha256"], record["path"]) == (digest, f"artifacts/{digest}.png")
    assert content(tmp_path, record) == data


@pytest.mark.parametrize("source", [b"abc", bytearray(b"abc"), memoryview(b"abc")], ids=type)
def test_bytes(tmp_path: Path, keep_file: FileKeeper, source: bytes) -> None:
    keep_file(source, None, None)
    (record,) = kept(tmp_path)
    assert (record["name"], record["type"], content(tmp_path, record)) == ("attachment.bin", "attachment", b"abc")


@pytest.mark.parametrize(
    ("name", "begins", "type_"),
    [
        ("a.PNG", PNG, "screenshot"),
        ("a.webm", b"\x1a\x45\xdf\xa3", "video"),
        ("a.zip", ZIP, "trace"),
        ("report.zip", ZIP, "report"),
        ("a.txt", b"", "attachment"),
        ("a", b"", "attachment"),
    ],
)
def test_type_is_told_by_the_ending(
    tmp_path: Path, keep_file: FileKeeper, name: str, begins: bytes, type_: str
) -> None:
    keep_file(begins, name, None)
    assert kept(tmp_path)[0]["type"] == type_


def test_given_name_and_type_win(tmp_path: Path, keep_file: FileKeeper) -> None:
    keep_file(ZIP, "a.zip", "report")
    assert (kept(tmp_path)[0]["name"], kept(tmp_path)[0]["type"]) == ("a.zip", "report")


@pytest.mark.parametrize("name", ["../../../up.txt", "/etc/up.txt", "a\0b", "ü\ud800", "x" * 5000, "..", "a./../b"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, keep_file: FileKeeper, name: str) -> None:
    keep_file(b"abc", name, None)
    (record,) = kept(tmp_path)
    (file,) = files(tmp_path)
    assert record["path"] == f"artifacts/{file.name}"
    assert content(tmp_path, record) == b"abc"


def test_long_name_keeps_its_ending(tmp_path: Path, keep_file: FileKeeper) -> None:
    keep_file(PNG, "x" * 5000 + ".png", None)
    assert (kept(tmp_path)[0]["name"], kept(tmp_path)[0]["type"]) == ("x" * 251 + ".png", "screenshot")


class TestEqualContent:
    def test_is_there_once(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        keep_file(PNG, "a.png", None)
        keep_file(make(tmp_path / "b.png", PNG), None, None)
        keep_file.begin(8)
        keep_file(make(tmp_path / "c.png", PNG), None, None, is_final=True)
        new_keeper(tmp_path, "another-process")(PNG, "d.png", None)
        assert [record["name"] for record in kept(tmp_path)] == ["d.png", "a.png", "b.png", "c.png"]
        assert {content(tmp_path, record) for record in kept(tmp_path)} == {PNG}
        assert len(files(tmp_path)) == 1

    def test_of_different_names_is_told_apart_by_the_ending_only(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        for name in ("a.txt", "b.txt", "b.log", f"a.{SECRET}", "a.no ending at all"):
            keep_file(b"abc", name, None)
        digest = hashlib.sha256(b"abc").hexdigest()
        assert [file.name for file in files(tmp_path)] == [digest, f"{digest}.log", f"{digest}.txt"]

    def test_kept_by_many_processes_at_once(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        source = make(tmp_path / "a.zip", ZIP + bytes(2 * MB))
        run_python(
            """
            import os, sys
            from pytest_platform_report.plugin.folder import RunFolder
            from pytest_platform_report.plugin.journal import Journal
            from pytest_platform_report.plugin.keeper import FileKeeper
            for process in range(6):
                if not os.fork():
                    journal = Journal(RunFolder(sys.argv[1], "run"), f"w{process}", "worker", "gw", {})
                    journal.open()
                    keep_file = FileKeeper(journal, str)
                    for number in range(20):
                        keep_file(sys.argv[2], f"{number}.zip", None, is_final=bool(number % 2))
                        keep_file(b"%d" % number, f"{number}.txt", None)
                    os._exit(0)
            assert {os.wait()[1] for process in range(6)} == {0}
            """,
            tmp_path / "spool",
            source,
        )
        records = kept(tmp_path)
        assert len(records) == 6 * 40
        assert {record.get("problem") for record in records} == {None}
        assert len(files(tmp_path)) == 21
        assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in files(tmp_path)} == {
            file.stem for file in files(tmp_path)
        }


class TestLink:
    def link(self, tmp_path: Path, keep_file: FileKeeper, source: Path) -> os.stat_result:
        keep_file(source, None, None, is_final=True)
        assert content(tmp_path, kept(tmp_path)[0]) == source.read_bytes()
        (file,) = files(tmp_path)
        return file.stat()

    def test_of_a_file_that_is_finished(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        source = make(tmp_path / "a.png", PNG)
        assert self.link(tmp_path, keep_file, source).st_ino == source.stat().st_ino

    def test_not_of_one_that_may_grow(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        source = make(tmp_path / "a.log", b"log")
        assert self.link(tmp_path, keep_file, source).st_ino != source.stat().st_ino

    def test_not_of_a_symbolic_link(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        source = tmp_path / "link.png"
        source.symlink_to(make(tmp_path / "a.png", PNG))
        assert stat.S_ISREG(self.link(tmp_path, keep_file, source).st_mode)

    @pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs another file system")
    def test_not_across_file_systems(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        source = Path("/dev/shm", f"keeper-{os.getpid()}.png")
        try:
            assert self.link(tmp_path, keep_file, make(source, PNG)).st_nlink == 1
        finally:
            source.unlink()


class TestRefusal:
    @pytest.fixture(autouse=True)
    def _make_what_is_no_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.png")
        make(tmp_path / "big.webm", b"\x1a\x45\xdf\xa3", 1000 * MB)
        make(tmp_path / "text.png", b"text")
        make(tmp_path / "empty.png", b"")

    @pytest.mark.parametrize(
        ("source", "type_", "size", "problem"),
        [
            ("missing.png", None, 0, r"there is no such file: /.*/missing\.png"),
            ("", None, 0, r"it is a folder: attach its files, or a ZIP file of them: /.*"),
            ("pipe.png", None, 0, r"it is no file but a pipe, a socket or a device: .*/pipe\.png"),
            ("/dev/zero", None, 0, r"it is no file but a pipe, a socket or a device: .*/dev/zero"),
            ("text.png/a.png", None, 0, r"it cannot be read \(NotADirectoryError: Not a directory\): .*"),
            ("big.webm", None, 1000 * MB, r"larger than the 100 MB that a platform takes of a video: .*"),
            ("text.png", None, 4, r"its content is not PNG: type='attachment' sends it as it is"),
            ("empty.png", None, 0, r"it is empty"),
            ("text.png", "video", 4, r"a video is one of WEBM, MP4, AVI, MOV, by the ending of its name: .*"),
            ("text.png", "movie", 4, r"'movie' is no artifact type: use one of screenshot, video, .*"),
            (b"text", "trace", 4, r"a trace is one of ZIP, by the ending of its name: .*"),
            pytest.param(
                bytes(10 * MB + 1),
                None,
                10 * MB + 1,
                r"larger than the 10 MB that a platform takes of an attachment: .*",
                id="too many bytes",
            ),
            (17, None, 0, r"it could not be kept \(TypeError: .*"),
            ("a\0b", None, 0, r"it could not be kept \(ValueError: .*embedded null (byte|character).*"),
        ],
    )
    def test_is_told_with_the_size(
        self, tmp_path: Path, keep_file: FileKeeper, source: Any, type_: str | None, size: int, problem: str
    ) -> None:
        keep_file(str(tmp_path / source) if isinstance(source, str) else source, "a.png" if size == 0 else None, type_)
        (record,) = kept(tmp_path)
        assert (record["path"], record["size"]) == ("", size)
        assert re.fullmatch(problem, record["problem"])
        assert files(tmp_path) == []

    def test_of_a_socket(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "s.png"))
            keep_file(tmp_path / "s.png", None, None)
        assert "it is no file but a pipe, a socket or a device" in kept(tmp_path)[0]["problem"]

    def test_of_one_without_a_size_that_does_not_end(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        keep_file("/proc/self/pagemap", "map.txt", None)
        assert re.fullmatch(
            r"it has grown beyond [\d,]+ bytes: .*|it could not be kept .*", kept(tmp_path)[0]["problem"]
        )
        assert files(tmp_path) == []

    def test_of_more_than_a_test_may_have(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        for number in range(MOST_FILES + 3):
            keep_file(b"", f"{number}.txt", None)
        keep_file.begin(8)
        keep_file(b"", "next.txt", None)
        records = kept(tmp_path)
        assert [record["name"] for record in records if "problem" in record] == ["1000.txt"]
        assert records[-2]["problem"] == "no more than 1,000 files are kept of a test, and of the run itself"
        assert (len(records), records[-1]["name"], records[-1]["path"] != "") == (MOST_FILES + 2, "next.txt", True)


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
