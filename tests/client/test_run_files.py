"""The files of the run itself: what a pattern finds, and what of a report is zipped."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from test_keeper import PNG, content, kept, make, new_keeper

from pytest_platform_report.plugin.html_report import HtmlReport
from pytest_platform_report.plugin.keeper import FileKeeper
from pytest_platform_report.plugin.run_files import RunFiles
from pytest_platform_report.redact import MASK, make_redactor
from pytest_platform_report.settings import Settings

SECRET = "prk_live_0123456789abcdef"


@pytest.fixture
def keep_file(tmp_path: Path) -> FileKeeper:
    return new_keeper(tmp_path)


def names(tmp_path: Path) -> list[str]:
    return [record["name"] for record in kept(tmp_path) if "problem" not in record]


def problems(tmp_path: Path) -> dict[str, str]:
    return {record["name"]: record["problem"] for record in kept(tmp_path) if "problem" in record}


class TestPattern:
    def keep(self, tmp_path: Path, keep_file: FileKeeper, *globs: str) -> list[str]:
        settings = Settings(artifacts=tuple(("attachment", glob) for glob in globs), spool=tmp_path / "spool")
        RunFiles(str(tmp_path), settings, keep_file, None).keep()
        return names(tmp_path)

    @pytest.mark.parametrize(
        ("glob", "found"),
        [
            ("a.txt", ["a.txt"]),
            ("./a.*", ["a.txt"]),
            ("b.txt", []),
            ("*", ["a.txt"]),
            ("out/?.[tl]*", ["out/b.txt", "out/c.log"]),
            ("out/*/*.txt", ["out/deep/d.txt"]),
            ("**/*.txt", ["a.txt", "out/b.txt", "out/deep/d.txt", "out/deep/er/.e.txt"]),
            ("out/**", ["out/b.txt", "out/c.log", "out/deep/d.txt", "out/deep/er/.e.txt"]),
            ("**/**/deep/*.txt", ["out/deep/d.txt"]),
            ("linked/*.txt", ["linked/b.txt"]),
            ("a.txt/b", []),
            ("nowhere/**/*", []),
            (".", []),
        ],
    )
    def test_finds(self, tmp_path: Path, keep_file: FileKeeper, glob: str, found: list[str]) -> None:
        (tmp_path / "out/deep/er").mkdir(parents=True)
        for name in ("a.txt", "out/b.txt", "out/c.log", "out/deep/d.txt", "out/deep/er/.e.txt"):
            make(tmp_path / name, name.encode())
        (tmp_path / "linked").symlink_to(tmp_path / "out")
        (tmp_path / "circle").symlink_to("circle")
        assert self.keep(tmp_path, keep_file, glob) == found
        assert problems(tmp_path).keys() <= {"circle"}

    def test_passes_over_what_is_in_the_spool(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        keep_file(b"earlier", "earlier.txt", None)
        make(tmp_path / "spool/mine.txt", b"mine")
        assert self.keep(tmp_path, keep_file, "**/*.txt", "spool/runs/**") == ["earlier.txt", "spool/mine.txt"]

    def test_leaves_out_what_is_outside_and_what_is_no_file(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        project = tmp_path / "project"
        (project / "folder").mkdir(parents=True)
        make(tmp_path / "beside.txt", b"beside")
        (project / "link.txt").symlink_to(tmp_path / "beside.txt")
        (project / "broken.txt").symlink_to(project / "nothing")
        os.mkfifo(project / "pipe.txt")
        settings = Settings(artifacts=(("attachment", "*"), ("attachment", "../*.txt")), spool=tmp_path / "spool")
        RunFiles(str(project), settings, keep_file, None).keep()
        outside = f"it is outside of {project}: attach() in a test sends it"
        assert names(tmp_path) == []
        assert problems(tmp_path) == {
            "link.txt": outside,
            "../beside.txt": outside,
            "broken.txt": f"there is no such file: {project}/broken.txt",
            "pipe.txt": "it is no file but a pipe, a socket or a device: attach what is read from it, as bytes: "
            f"{project}/pipe.txt",
        }


class TestReport:
    def zip(self, tmp_path: Path, keep_file: FileKeeper, text: str) -> dict[str, bytes]:
        report = HtmlReport(str(tmp_path / "r.html"), make_redactor([SECRET]))
        (tmp_path / "r.html").write_text(text)
        report.keep(keep_file)
        (record,) = kept(tmp_path)
        assert (record["name"], record["type"]) == ("r.zip", "report")
        with zipfile.ZipFile(io.BytesIO(content(tmp_path, record))) as zipped:
            return {name: zipped.read(name) for name in zipped.namelist()}

    def test_without_results_is_masked_as_a_text(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        found = self.zip(tmp_path, keep_file, f"<pre>{SECRET} it is</pre>")
        assert found == {"r.html": f"<pre>{MASK} it is</pre>".encode()}

    def test_takes_the_assets_that_it_names(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        (tmp_path / "assets").mkdir()
        for name in ("a.png", "b.png", "caf\xe9.png"):
            make(tmp_path / "assets" / name, PNG)
        results = '{"a":"assets/caf\\u00e9.png"}'.replace('"', "&#34;")
        page = f'<a href="assets/a.png"> assets/none.png <p data-jsonblob="{results}">'
        found = self.zip(tmp_path, keep_file, page)
        assert found.pop("r.html") == page.replace("&#34;", "&quot;").encode()
        assert found == {"assets/a.png": PNG, "assets/caf\xe9.png": PNG}

    def test_that_was_not_written_is_not_sent(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        make(tmp_path / "r.html", b"of an earlier session")
        for name in ("r.html", "none.html"):
            HtmlReport(str(tmp_path / name), str).keep(keep_file)
        assert kept(tmp_path) == []

    def test_that_is_too_long(self, tmp_path: Path, keep_file: FileKeeper) -> None:
        report = HtmlReport(str(tmp_path / "r.html"), str)
        make(tmp_path / "r.html", b"", 33 * 2**20)
        report.keep(keep_file)
        assert problems(tmp_path) == {"r.zip": "more than 32 MB of text: too much to be looked through for secrets"}
        assert list((tmp_path / "spool/runs/run/artifacts").iterdir()) == []
