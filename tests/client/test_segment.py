"""Writing records, whatever the tests do to the process that writes them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from children import run_python

from pytest_platform_report.journal.reader import SegmentReader
from pytest_platform_report.journal.records import FORMAT
from pytest_platform_report.journal.segment import Segment

# Lets a child process make a segment and see which records got into it.
PRELUDE = """
import os, resource, sys
from pytest_platform_report.journal.segment import Segment

folder = sys.argv[1]
segment = Segment(folder, "s1")
path = f"{folder}/{os.listdir(folder)[0]}"

def note(number, filling=0):
    segment.append({"v": 1, "kind": "began", "test": number, "filling": "x" * filling})

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
"""


def note(number: int, **more: object) -> dict[str, Any]:
    return {"v": FORMAT, "kind": "began", "test": number, **more}


def line(number: int) -> bytes:
    return b'{"v":1,"kind":"began","test":%d}\n' % number


_LINE = len(line(1))


def path_in(folder: Path) -> Path:
    (path,) = folder.glob("*.jsonl")
    return path


def written(folder: Path) -> list[int]:
    return [line.record["test"] for line in SegmentReader(path_in(folder)).read()]


def descriptor_of(path: Path) -> int:
    return next(int(fd.name) for fd in Path("/proc/self/fd").iterdir() if os.path.realpath(fd) == str(path))


def in_child(folder: Path, code: str) -> str:
    return run_python(PRELUDE + code, folder)


class TestFile:
    def test_each_record_is_a_line(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.append(note(1, title="two\nlines\u2028or \x85 three, ü"))
        segment.append(note(2))
        content = path_in(tmp_path).read_bytes()
        assert content.isascii()
        assert content.count(b"\n") == 2
        assert content.endswith(b"\n")
        assert json.loads(content.splitlines()[0])["title"] == "two\nlines\u2028or \x85 three, ü"
        assert segment.undone == 0

    def test_belongs_to_its_user_alone_and_to_one_process(self, tmp_path: Path) -> None:
        Segment(str(tmp_path), "s1")
        Segment(str(tmp_path), "s1")
        paths = list(tmp_path.iterdir())
        assert len(paths) == 2
        assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
        assert all(path.name.startswith("s1-") for path in paths)

    def test_descriptor_is_high_and_does_not_reach_programs(self, tmp_path: Path) -> None:
        Segment(str(tmp_path), "s1")
        fd = descriptor_of(path_in(tmp_path))
        assert fd >= 60
        assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC

    def test_missing_folder_is_the_callers_to_know(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="nowhere"):
            Segment(str(tmp_path / "nowhere"), "s1")

    def test_close_gives_the_descriptor_back(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        fd = descriptor_of(path_in(tmp_path))
        segment.close()
        segment.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


class TestWhatJsonCannotSay:
    @pytest.mark.parametrize(
        "value",
        [float("nan"), float("inf"), b"bytes", {1}, object(), {(1, 2): 3}],
        ids=["nan", "inf", "bytes", "set", "object", "tuple as key"],
    )
    def test_is_counted_and_stops_nothing(self, tmp_path: Path, value: object) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.append(note(1, value=value))
        segment.append(note(2))
        assert written(tmp_path) == [2]
        assert segment.undone == 1

    def test_bottomless_record(self, tmp_path: Path) -> None:
        bottomless: list[object] = []
        bottomless.append(bottomless)
        segment = Segment(str(tmp_path), "s1")
        segment.append(note(1, value=bottomless))
        assert (written(tmp_path), segment.undone) == ([], 1)


class TestDescriptor:
    def test_closed_behind_our_back(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
note(1)
os.closerange(3, 65536)
note(2)
note(3)
print(segment.undone)
""",
        )
        assert (written(tmp_path), out) == ([1, 2, 3], "0\n")

    def test_number_taken_over_by_a_users_file(self, tmp_path: Path) -> None:
        (tmp_path / "journal").mkdir()
        segment = Segment(str(tmp_path / "journal"), "s1")
        theirs = tmp_path / "theirs.txt"
        fd = descriptor_of(path_in(tmp_path / "journal"))
        with theirs.open("wb", buffering=0) as file:
            os.dup2(file.fileno(), fd)
            segment.append(note(1))
            file.write(b"precious")
            segment.append(note(2))
            segment.close()
            assert os.fstat(fd).st_ino == theirs.stat().st_ino, "a user's descriptor was closed"
        os.close(fd)
        assert theirs.read_bytes() == b"precious"
        assert written(tmp_path / "journal") == [1, 2]

    def test_close_leaves_a_users_file_open(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        fd = descriptor_of(path_in(tmp_path))
        with Path(os.devnull).open("wb") as file:
            os.dup2(file.fileno(), fd)
        segment.close()
        os.close(fd)

    def test_none_left(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
note(1)
print(segment.undone)
""",
        )
        assert (written(tmp_path), out) == ([1], "0\n")

    def test_limit_below_the_high_numbers(self, tmp_path: Path) -> None:
        out = run_python(
            """
import os, resource, sys
from pytest_platform_report.journal.segment import Segment
resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
Segment(sys.argv[1], "s1").append({"v": 1, "kind": "began", "test": 1})
print([fd for fd in os.listdir("/proc/self/fd") if int(fd) >= 60])
""",
            tmp_path,
        )
        assert (written(tmp_path), out) == ([1], "['60']\n")


class TestDeletion:
    @pytest.mark.parametrize("takes", ["deletes", "moves"])
    def test_written_anew_from_what_is_left(self, tmp_path: Path, takes: str) -> None:
        folder = tmp_path / "journal"
        folder.mkdir()

        def remake() -> str:
            folder.mkdir()
            return str(folder)

        segment = Segment(str(folder), "s1", remake)
        segment.append(note(1))
        name = path_in(folder).name
        if takes == "deletes":
            shutil.rmtree(folder)
        else:
            folder.rename(tmp_path / "elsewhere")
        segment.append(note(2))  # kept, while somebody may still be deleting
        assert not folder.exists()
        assert segment.look_after()
        segment.append(note(3))
        assert not segment.look_after()
        assert (path_in(folder).name, written(folder), segment.undone) == (name, [1, 2, 3], 0)

    def test_that_cannot_be_undone_is_told(self, tmp_path: Path) -> None:
        folder = tmp_path / "journal"
        folder.mkdir()
        segment = Segment(str(folder), "s1")
        for number in range(3):
            segment.append(note(number))
        shutil.rmtree(folder)
        assert not segment.look_after()
        assert (segment.undone, segment.trouble) == (3, "No such file or directory")

    def test_of_what_a_test_has_closed(self, tmp_path: Path) -> None:
        """Then only the first record is still known, and the others are counted."""
        out = in_child(
            tmp_path,
            """
for number in range(3):
    note(number)
os.closerange(3, 65536)
os.unlink(path)
note(3)
print(segment.undone)
""",
        )
        assert (written(tmp_path), out) == ([0, 3], "2\n")


class TestFork:
    def test_child_writes_nothing_and_closes_nothing(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
note(1)
child = os.fork()
note(2)
segment.close()
if not child:
    os._exit(0)
print(os.waitpid(child, 0)[1], segment.undone)
""",
        )
        assert (written(tmp_path), out) == ([1, 2], "0 0\n")


class TestNoRoom:
    def test_short_write_is_repeated_in_order_once_there_is_room(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
note(1)
limit(os.stat(path).st_size + 100)
for number in (2, 3, 4):
    note(number, filling=500)
print(segment.undone)
limit(resource.RLIM_INFINITY)
note(5)
print(segment.undone)
""",
        )
        assert out == "3\n0\n"
        reader = SegmentReader(path_in(tmp_path))
        assert [line.record["test"] for line in reader.read()] == [1, 2, 3, 4, 5]
        assert reader.torn == 1

    @pytest.mark.parametrize("missing", [1, 2, 3])
    def test_all_but_the_end_was_written(self, tmp_path: Path, missing: int) -> None:
        in_child(
            tmp_path,
            f"""
note(1)
limit(2 * os.stat(path).st_size - {missing})
note(2)
limit(resource.RLIM_INFINITY)
note(3)
""",
        )
        assert written(tmp_path) == [1, 2, 3]

    def test_several_short_writes_in_a_row(self, tmp_path: Path) -> None:
        in_child(
            tmp_path,
            """
note(1)
for more in range(1, 130):
    limit(os.stat(path).st_size + 1)
    note(more + 1, filling=10)
limit(resource.RLIM_INFINITY)
segment.close()
print(segment.undone)
""",
        )
        assert written(tmp_path) == list(range(1, 131))

    def test_close_writes_what_was_kept(self, tmp_path: Path) -> None:
        in_child(
            tmp_path,
            """
limit(0)
note(1)
limit(resource.RLIM_INFINITY)
segment.close()
""",
        )
        assert written(tmp_path) == [1]

    def test_keeps_only_so_much_and_counts_the_rest(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
limit(0)
for number in range(20):
    note(number, filling=1024 * 1024)
print(segment.undone, segment.dropped)
limit(resource.RLIM_INFINITY)
note(20)
print(segment.undone, segment.dropped)
""",
        )
        assert out == "20 5\n5 5\n"
        assert written(tmp_path) == [*range(15), 20]

    def test_folder_gone_and_descriptors_closed(self, tmp_path: Path) -> None:
        out = in_child(
            tmp_path,
            """
os.rename(folder, folder + ".gone")
os.closerange(3, 65536)
note(1)
print(segment.undone)
os.rename(folder + ".gone", folder)
note(2)
print(segment.undone)
""",
        )
        assert (written(tmp_path), out) == ([1, 2], "1\n0\n")


class TestPutOff:
    def test_goes_with_the_next_record(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.append(note(1))
        segment.put_off(line(2))
        assert written(tmp_path) == [1]
        segment.append_line(line(3))
        assert written(tmp_path) == [1, 2, 3]

    def test_two_in_a_row(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.put_off(line(1))
        segment.put_off(line(2))
        assert written(tmp_path) == [1]

    @pytest.mark.parametrize("end", [Segment.flush, Segment.look_after, Segment.close])
    def test_does_not_wait_for_one_that_never_comes(self, tmp_path: Path, end: Callable[[Segment], object]) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.put_off(line(1))
        end(segment)
        end(segment)
        assert written(tmp_path) == [1]

    def test_descriptor_closed_meanwhile(self, tmp_path: Path) -> None:
        segment = Segment(str(tmp_path), "s1")
        segment.append(note(1))
        segment.put_off(line(2))
        os.close(descriptor_of(path_in(tmp_path)))
        segment.append_line(line(3))
        assert (written(tmp_path), segment.undone) == ([1, 2, 3], 0)

    def test_is_its_parents_in_a_child(self, tmp_path: Path) -> None:
        printed = in_child(
            tmp_path,
            """
note(1)
segment.put_off(b'{"v":1,"kind":"began","test":2}\\n')
if os.fork() == 0:
    note(8)
    segment.flush()
    os._exit(0)
os.wait()
note(3)
print(open(path).read().count("\\n"))
""",
        )
        assert (printed.strip(), written(tmp_path)) == ("3", [1, 2, 3])

    @pytest.mark.parametrize("room", [0, 1, _LINE - 1, _LINE, _LINE + 1, 2 * _LINE - 1])
    def test_short_write(self, tmp_path: Path, room: int) -> None:
        printed = in_child(
            tmp_path,
            f"""
note(1)
limit(os.path.getsize(path) + {room})
segment.put_off(b'{{"v":1,"kind":"began","test":2}}\\n')
segment.append_line(b'{{"v":1,"kind":"began","test":3}}\\n')
print(segment.undone)
limit(resource.RLIM_INFINITY)
note(4)
print(segment.undone)
""",
        )
        assert printed.split() == ["1" if room >= _LINE else "2", "0"]
        assert written(tmp_path) == [1, 2, 3, 4]


class TestPatchedWorld:
    def test_functions_and_modules_replaced(self, tmp_path: Path) -> None:
        in_child(
            tmp_path,
            """
import builtins, json, time
from unittest import mock

def broken(*arguments, **options):
    raise AssertionError("a test's patch was called")

names = {
    os: "open write close fstat getpid urandom stat",
    builtins: "open __import__",
    json: "dumps loads JSONEncoder",
    json.encoder: "JSONEncoder c_make_encoder encode_basestring_ascii py_encode_basestring _make_iterencode",
    time: "time monotonic sleep",
}
patches = [mock.patch.object(owner, name, broken) for owner, those in names.items() for name in those.split()]
for patch in patches:
    patch.start()
note(1)
for patch in patches:
    patch.stop()
os.closerange(3, 65536)
for patch in patches:
    patch.start()
note(2)
for patch in patches:
    patch.stop()
""",
        )
        assert written(tmp_path) == [1, 2]

    @pytest.mark.parametrize("trouble", ["os.umask(0o777)", "os.chdir('/'); os.environ.clear()", "sys.modules.clear()"])
    def test_process_in_a_strange_state(self, tmp_path: Path, trouble: str) -> None:
        in_child(tmp_path, f"{trouble}\nnote(1)\nos._exit(0)")
        assert written(tmp_path) == [1]

    def test_umask_that_allows_nothing_at_the_beginning(self, tmp_path: Path) -> None:
        run_python(f"import os; os.umask(0o777)\n{PRELUDE}\nnote(1)", tmp_path)
        assert stat.S_IMODE(path_in(tmp_path).stat().st_mode) == 0o600
        assert written(tmp_path) == [1]
