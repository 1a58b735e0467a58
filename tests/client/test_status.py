"""What the uploader tells of its progress, composed from journals and the delivery record."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journals import Author, Reader, a_dead_process

from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.receipt import Receipt
from pytest_platform_report.uploader.status import Status

A, B = "tests/test_a.py::test_a", "tests/test_a.py::test_b"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


@pytest.fixture
def status(tmp_path: Path, reader: Reader) -> Status:
    return Status(tmp_path, reader.record, reader.intake.tail)


def compose(status: Status, reader: Reader, settings: Settings | None = None) -> dict[str, Any]:
    reader.take_all()
    return status.compose(settings, None)


def one_test(author: Author, node: str = A) -> None:
    author.begin(node)
    author.end()


def test_counts_what_was_found_and_what_was_acknowledged(tmp_path: Path, reader: Reader, status: Status) -> None:
    author = Author(tmp_path)
    one_test(author)
    reader.take_all()
    reader.acknowledge()
    one_test(author, B)
    author.drop(B)
    author.attach("a.png", to_run=True)
    told = compose(status, reader)
    assert told["state"] == "delivering"
    assert told["totals"] == {"passed": 2, "failed": 0, "skipped": 0, "flaky": 0}
    assert told["sessions"]["s1"] == {
        "found": 2,
        "dropped": 1,
        "acknowledged": 1,
        "refused": 0,
        "files_left": 1,
        "settled": False,
        "complete": False,
    }


def test_run_is_complete_when_all_is_there_and_it_is_closed(tmp_path: Path, reader: Reader, status: Status) -> None:
    author = Author(tmp_path)
    one_test(author)
    author.close()
    reader.take_all()
    reader.acknowledge()
    assert not compose(status, reader)["sessions"]["s1"]["complete"], "the run is still open"
    status.is_closed = status.is_done = True
    session = compose(status, reader)["sessions"]["s1"]
    assert session["complete"]
    assert session["settled"]


def test_session_need_not_wait_for_the_other_shards(tmp_path: Path, reader: Reader, status: Status) -> None:
    first = Author(tmp_path, "s1")
    Author(tmp_path, "s2")
    one_test(first)
    first.close()
    reader.take_all()
    reader.acknowledge()
    sessions = compose(status, reader)["sessions"]
    assert (sessions["s1"]["settled"], sessions["s1"]["complete"]) == (True, True)
    assert not sessions["s2"]["settled"]


def test_session_is_over_with_the_last_of_its_workers(tmp_path: Path, reader: Reader, status: Status) -> None:
    Author(tmp_path, "c1", role="controller").close()
    Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1")
    sessions = compose(status, reader)["sessions"]
    assert list(sessions) == ["c1"]
    assert not sessions["c1"]["settled"]


def test_refused_test_makes_it_incomplete(tmp_path: Path, reader: Reader, status: Status) -> None:
    author = Author(tmp_path)
    one_test(author)
    author.close()
    reader.take_all()
    reader.record.set_tests([1], "refused", why="400: too long")
    status.is_closed = status.is_done = True
    told = compose(status, reader)
    assert (told["sessions"]["s1"]["refused"], told["sessions"]["s1"]["complete"]) == (1, False)
    assert told["notes"] == [f"refused: {A}: 400: too long"]


def test_records_that_a_worker_could_not_write_make_it_incomplete(
    tmp_path: Path, reader: Reader, status: Status
) -> None:
    Author(tmp_path, "c1", role="controller").close()
    Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1").close(undone=3)
    status.is_closed = status.is_done = True
    told = compose(status, reader)
    assert not told["sessions"]["c1"]["complete"]
    assert told["notes"] == ["gw0: 3 records could not be written"]


def test_receipt_that_is_not_right(tmp_path: Path, reader: Reader, status: Status) -> None:
    author = Author(tmp_path)
    one_test(author)
    author.close()
    reader.take_all()
    reader.acknowledge()
    status.is_closed = status.is_done = True
    status.receipt = Receipt(0, is_right=False, notes=("the platform shows none",))
    told = compose(status, reader)
    assert not told["sessions"]["s1"]["complete"]
    assert told["notes"] == ["the platform shows none"]


def test_what_cannot_be_read_or_kept_is_told(tmp_path: Path, reader: Reader, status: Status) -> None:
    stranger = Author(tmp_path, "s0", silent=True)
    stranger.begin(A)
    author = Author(tmp_path, process=a_dead_process())
    author.write(
        {"v": 1, "kind": "artifact", "test": None, "name": "a.png", "size": 0, "sha256": "", "problem": "gone"}
    )
    notes = compose(status, reader)["notes"]
    assert notes == [f"{stranger.path}: does not begin with its session", "not sent: a.png: gone"]


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (Settings(url="https://platform.example/api"), "https://platform.example/runs/run_1"),
        (Settings(), "run_1, shown by 'platform-report show run_1' and 'platform-report open'"),
        (None, ""),
    ],
)
def test_address(reader: Reader, status: Status, settings: Settings | None, address: str) -> None:
    reader.record.plan_run({})
    assert compose(status, reader, settings)["run"] == "", "there is none yet"
    reader.record.set_run("acknowledged", "run_1")
    told = compose(status, reader, settings)
    assert (told["run"], told["run_id"]) == (address, "run_1")


def test_file_names_its_writer_and_is_replaced_as_a_whole(tmp_path: Path, status: Status) -> None:
    path = tmp_path / "status.json"
    status.write({"state": "delivering"})
    first = path.stat().st_ino
    assert json.loads(path.read_text())["process"]["pid"] == os.getpid()
    status.write({"state": "delivering"})
    assert path.stat().st_ino == first, "nothing had changed"
    with path.open() as held:
        status.write({"state": "done"})
        assert json.load(held)["state"] == "delivering"
    assert json.loads(path.read_text())["state"] == "done"


def test_disk_that_takes_no_status(tmp_path: Path, status: Status) -> None:
    (tmp_path / "status.json.new").mkdir()
    status.write({"state": "done"})
    assert not (tmp_path / "status.json").exists()
