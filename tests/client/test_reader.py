"""Reading a segment while it is written, and after its process has been cut short."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_platform_report.errors import JournalError, NewerFormatError
from pytest_platform_report.journal.reader import SegmentReader
from pytest_platform_report.journal.records import FORMAT, Record
from pytest_platform_report.native import to_json


def line(number: int, **more: object) -> bytes:
    return to_json({"v": FORMAT, "kind": "began", "test": number, **more}).encode() + b"\n"


def numbers(reader: SegmentReader) -> list[int]:
    return [found.record["test"] for found in reader.read()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s1.jsonl"


class TestCommitted:
    def test_yields_each_record_and_where_it_stands(self, path: Path) -> None:
        first, second = line(1), line(2)
        path.write_bytes(first + second)
        found = list(SegmentReader(path).read())
        assert [(each.start, each.end) for each in found] == [(0, len(first)), (len(first), len(first + second))]

    def test_goes_on_where_it_was(self, path: Path) -> None:
        path.write_bytes(line(1))
        reader = SegmentReader(path)
        assert numbers(reader) == [1]
        assert numbers(reader) == []
        with path.open("ab") as file:
            file.write(line(2))
        assert numbers(reader) == [2]

    def test_begins_at_a_given_byte(self, path: Path) -> None:
        path.write_bytes(line(1) + line(2) + line(3))
        (found,) = list(SegmentReader(path, offset=len(line(1) + line(2))).read())
        assert found.record["test"] == 3
        assert found.start == len(line(1) + line(2))

    def test_stopped_in_between(self, path: Path) -> None:
        path.write_bytes(line(1) + line(2) + line(3))
        reader = SegmentReader(path)
        assert next(reader.read()).record["test"] == 1
        assert numbers(reader) == [2, 3]

    def test_records_larger_than_a_block(self, path: Path) -> None:
        filling = "x" * (1024 * 1024 - 30)
        path.write_bytes(b"".join(line(number, filling=filling * number) for number in (1, 2, 3)) + line(4))
        reader = SegmentReader(path)
        assert numbers(reader) == [1, 2, 3, 4]
        assert reader.offset == path.stat().st_size

    @pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85"])
    def test_only_a_line_feed_ends_a_record(self, path: Path, odd: str) -> None:
        record = {"v": FORMAT, "kind": "began", "test": 1, "title": f"a{odd}b"}
        path.write_bytes(json.dumps(record, ensure_ascii=False).encode() + b"\n" + line(2))
        assert numbers(SegmentReader(path)) == [1, 2]


class TestTorn:
    def test_tail_is_left_until_it_is_whole(self, path: Path) -> None:
        whole = line(1)
        path.write_bytes(whole + line(2)[:-1])
        reader = SegmentReader(path)
        assert numbers(reader) == [1]
        assert (reader.offset, reader.torn) == (len(whole), 0)
        with path.open("ab") as file:
            file.write(b"\n")
        assert numbers(reader) == [2]

    def test_tail_of_a_dead_process_is_counted(self, path: Path) -> None:
        path.write_bytes(line(1) + line(2)[:-1])
        reader = SegmentReader(path)
        reader.drop_tail()
        assert reader.torn == 1, "nothing has been read yet"
        assert numbers(reader) == [1]

    def test_whole_file_has_no_tail(self, path: Path) -> None:
        path.write_bytes(line(1))
        reader = SegmentReader(path)
        assert numbers(reader) == [1]
        reader.drop_tail()
        assert reader.torn == 0

    @pytest.mark.parametrize(
        "piece",
        [
            line(9)[:-10],
            b"~",
            b"\0\0\0\0\0\0\0\0",
            b"\xff\xfe\xfd",
            b'"a text"',
            b"[1]",
            b"17",
            b"null",
            b"{}",
            b'{"v":1}',
            b'{"v":1,"kind":7}',
            b"[" * 100_000,
        ],
        ids=lambda piece: repr(piece[:12]),
    )
    def test_middle_is_passed_over_and_counted(self, path: Path, piece: bytes) -> None:
        path.write_bytes(line(1) + piece + b"\n" + line(2))
        reader = SegmentReader(path)
        assert numbers(reader) == [1, 2]
        assert reader.torn == 1

    def test_empty_lines_are_nothing(self, path: Path) -> None:
        path.write_bytes(line(1) + b"\n\n" + line(2))
        reader = SegmentReader(path)
        assert (numbers(reader), reader.torn) == ([1, 2], 0)


class TestNewerFormat:
    @pytest.mark.parametrize("found", [FORMAT + 1, "2", None])
    def test_is_refused_in_words(self, path: Path, found: object) -> None:
        path.write_bytes(line(1) + to_json({"v": found, "kind": "began"}).encode() + b"\n")
        reader = SegmentReader(path)
        lines = reader.read()
        assert next(lines).record["test"] == 1
        with pytest.raises(
            NewerFormatError,
            match=rf"s1\.jsonl: format {found!r}, but .* reads formats up to {FORMAT}; nothing was changed: "
            rf"update pytest-platform-report, then run 'platform-report sync'",
        ) as caught:
            next(lines)
        assert (caught.value.path, caught.value.found, caught.value.known) == (str(path), found, FORMAT)

    def test_stands_before_what_it_could_not_read(self, path: Path) -> None:
        path.write_bytes(line(1) + to_json({"v": 99, "kind": "began"}).encode() + b"\n" + line(2))
        reader = SegmentReader(path)
        with pytest.raises(NewerFormatError, match="format 99"):
            list(reader.read())
        assert reader.offset == len(line(1))


class TestRecordAt:
    def test_reads_one_record_again(self, path: Path) -> None:
        path.write_bytes(line(1) + line(2) + line(3))
        found = list(SegmentReader(path).read())[1]
        assert SegmentReader(path).record_at(found.start, found.end) == found.record

    @pytest.mark.parametrize(("start", "end"), [(3, 20), (0, 10), (10_000, 10_050)])
    def test_says_where_there_is_none(self, path: Path, start: int, end: int) -> None:
        path.write_bytes(line(1) + line(2))
        message = rf"s1\.jsonl: no record at bytes {start} to {end}: was the file changed\?"
        with pytest.raises(JournalError, match=message):
            SegmentReader(path).record_at(start, end)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.printable), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(values=st.lists(VALUES, max_size=8), data=st.data())
def test_any_cut_leaves_the_committed_prefix_and_more_bytes_the_rest(values: list[Any], data: st.DataObject) -> None:
    records: list[Record] = [{"v": FORMAT, "kind": "x", "value": value} for value in values]
    lines = [to_json(record).encode("ascii") + b"\n" for record in records]
    content = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=3)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s1.jsonl"
        path.touch()
        reader = SegmentReader(path)
        read: list[Record] = []
        for cut in (*cuts, len(content)):
            path.write_bytes(content[:cut])
            read += [each.record for each in reader.read()]
            assert read == records[: content.count(b"\n", 0, cut)]
            assert reader.offset == content.rfind(b"\n", 0, cut) + 1
        assert reader.torn == 0
