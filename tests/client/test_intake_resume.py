"""Artifacts, and uploaders that take over from one that died between any two steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from journals import AT, Author, Reader, a_dead_process

from pytest_platform_report.errors import NewerFormatError
from pytest_platform_report.journal import records
from pytest_platform_report.uploader.delivery import FORMAT

A, B, C = "tests/test_a.py::TestA::test_a", "tests/test_a.py::test_b", "tests/test_c.py::test_c[1-x]"

NewReader = Callable[[], Reader]


@pytest.fixture
def new_reader(tmp_path: Path) -> Iterator[NewReader]:
    """Makes another uploader's eyes, on what the one before has left."""
    opened: list[Reader] = []

    def make() -> Reader:
        if opened:
            opened.pop().close()
        opened.append(Reader(tmp_path))
        return opened[0]

    yield make
    opened.pop().close()


def files(reader: Reader) -> list[tuple[str, str | None]]:
    """Return name and remote test of the artifacts that could be sent now."""
    rows = reader.record.artifacts_to_send(100)
    return [(reader.journals.read_artifact(row.segment, row.start, row.stop).name, row.test) for row in rows]


class TestArtifacts:
    def test_belong_to_the_test_that_ran(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        for node in (A, B):
            author.begin(node)
            author.attach(f"{node[-1]}.png")
            author.end()
        author.attach("run.png", to_run=True)
        reader.take_all()
        assert files(reader) == [("run.png", None)], "those of tests wait for their tests"
        reader.acknowledge()
        assert files(reader) == [("a.png", "remote 1"), ("b.png", "remote 2"), ("run.png", None)]

    def test_of_a_test_that_died_and_ended_elsewhere_go_with_it(self, tmp_path: Path, new_reader: NewReader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        dead = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process())
        dead.begin(A)
        dead.attach("first.png")
        successor = Author(tmp_path, "c1-gw1", role="worker", worker="gw1", of="c1")
        successor.begin(A, AT + 50)
        successor.attach("second.png")
        successor.end()
        successor.close()
        controller.close()
        reader = new_reader()
        reader.take_all()
        (row,) = reader.pending()
        reader.acknowledge()
        assert files(reader) == [("first.png", f"remote {row.id}"), ("second.png", f"remote {row.id}")]

    def test_of_a_refused_test_are_refused(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        author.begin(A)
        author.attach("a.png")
        author.end()
        reader.take_all()
        reader.record.set_tests([reader.pending()[0].id], "refused", why="no")
        assert reader.record.has_open()
        reader.record.refuse_orphans()
        assert not reader.record.has_open()
        assert reader.record.skipped_artifacts(9) == [f"its test was refused [{A}]"]

    def test_that_could_not_be_kept_are_told(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        author.begin(A)
        author.write(records.not_kept(1, "a.png", 1234, "gone"))
        author.end()
        reader.take_all()
        reader.acknowledge()
        assert files(reader) == []
        assert reader.record.skipped_artifacts(9) == [f"a.png (1,234 bytes): gone [{A}]"]
        assert not reader.record.has_open()


class TestTakingOver:
    def test_at_any_line(self, tmp_path: Path, new_reader: NewReader) -> None:
        author = Author(tmp_path, process=a_dead_process())
        author.begin(A)
        author.attach("a.png")
        author.end("failed", "passed")
        author.write(records.collected("tests/test_x.py", "tests/test_x.py", "failed", "E no", "stack", AT))
        author.begin(B)
        author.attach("b.png")
        author.end("failed")
        author.attach("run.png", to_run=True)
        author.begin(C)
        author.attach("c.png")
        lines = author.path.read_bytes().splitlines(keepends=True)
        for count in range(1, len(lines) + 1):
            author.path.write_bytes(b"".join(lines[:count]))
            reader = new_reader()
            reader.intake.take()
        for _ in range(3):
            reader = new_reader()
            reader.take_all()
        assert reader.told() == {A: "flaky", "tests/test_x.py": "failed", B: "failed", C: "failed"}
        remotes = {row.node: f"remote {row.id}" for row in reader.pending()}
        reader.acknowledge()
        assert files(reader) == [
            ("a.png", remotes[A]),
            ("b.png", remotes[B]),
            ("run.png", None),
            ("c.png", remotes[C]),
        ]

    def test_after_all_was_delivered_there_is_nothing_to_do(self, tmp_path: Path, new_reader: NewReader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.end()
        author.close()
        reader = new_reader()
        reader.take_all()
        reader.acknowledge()
        reader = new_reader()
        reader.take_all()
        assert reader.intake.is_over
        assert not reader.record.has_open()
        assert reader.intake.tail.known()[0].closed is not None

    def test_after_attempts_were_merged_they_stay_so(self, tmp_path: Path, new_reader: NewReader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process()).begin(A)
        successor = Author(tmp_path, "c1-gw1", role="worker", worker="gw1", of="c1")
        successor.begin(A, AT + 50)
        successor.end()
        successor.close()
        controller.lose("gw0", A)
        controller.close()
        reader = new_reader()
        reader.take_all()
        assert reader.told() == {A: "flaky"}
        reader.acknowledge()
        for _ in range(2):
            reader = new_reader()
            reader.take_all()
            assert not reader.record.has_open()
            assert reader.record.totals() == {"passed": 0, "failed": 0, "skipped": 0, "flaky": 1}

    def test_test_that_was_running_goes_on(self, tmp_path: Path, new_reader: NewReader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        new_reader().take_all()
        reader = new_reader()
        reader.take_all()
        author.end("failed")
        reader.take_all()
        assert reader.told() == {A: "failed"}

    def test_what_had_been_sent_may_have_arrived(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        for node in (A, B, C):
            author.begin(node)
            author.attach("a.png", to_run=True)
            author.end()
        reader.take_all()
        first, second, _ = reader.pending()
        reader.record.plan_run({"runTitle": "first"})
        reader.record.set_run("sent")
        reader.record.set_tests([first.id, second.id], "sent", batch="b1")
        (artifact, *_) = reader.record.artifacts_to_send(1)
        reader.record.set_artifact(artifact.id, "sent")
        reader = new_reader()
        assert [(row.node, row.batch) for row in reader.record.unknown_tests()] == [(A, "b1"), (B, "b1")]
        assert reader.told() == {C: "passed"}
        run = reader.record.run()
        assert run is not None
        assert run[1] == "unknown"
        assert len(reader.record.artifacts_to_send(9)) == 3, "sent again: artifacts cannot be looked up"

    def test_in_the_middle_of_a_change(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        author.begin(A)
        author.end()
        reader.take_all()

        def change() -> None:
            with reader.record.together():
                reader.acknowledge()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            change()
        assert new_reader().told() == {A: "passed"}

    def test_run_keeps_the_fields_that_it_was_planned_with(self, new_reader: NewReader) -> None:
        new_reader().record.plan_run({"runTitle": "first", "tags": ["a"]})
        reader = new_reader()
        reader.record.plan_run({"runTitle": "second"})
        assert reader.record.run() == (None, "pending", "", {"runTitle": "first", "tags": ["a"]})
        reader.record.set_run("acknowledged", "run_1", "bulk=10")
        reader.record.set_finished("statistics")
        reader = new_reader()
        assert (reader.record.run_id, reader.record.finished()) == ("run_1", "statistics")

    def test_record_of_a_newer_version(self, tmp_path: Path, new_reader: NewReader) -> None:
        new_reader()
        with closing(sqlite3.connect(tmp_path / "delivery.sqlite")) as database:
            database.execute(f"PRAGMA user_version={FORMAT + 1}")
        with pytest.raises(NewerFormatError, match=rf"delivery\.sqlite: format {FORMAT + 1}, but .* up to {FORMAT}; "):
            Reader(tmp_path)


class TestSending:
    def test_batches_are_bounded(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        for number in range(5):
            author.begin(f"t.py::test_{number}")
            author.end(stdout="x" * 1000)
        reader.take_all()
        assert len(reader.record.batches_to_send(3, 10**6, 1)[0]) == 3
        assert len(reader.record.batches_to_send(5, 3000, 1)[0]) == 2
        assert len(reader.record.batches_to_send(5, 10, 1)[0]) == 1, "one has to go, however large"

    def test_suites_are_remembered(self, new_reader: NewReader) -> None:
        new_reader().record.add_suite("path", "suite_1")
        assert (new_reader().record.suite("path"), new_reader().record.suite("other")) == ("suite_1", None)

    def test_refusals_are_told_with_the_platforms_words(self, tmp_path: Path, new_reader: NewReader) -> None:
        author, reader = Author(tmp_path), new_reader()
        author.begin(A)
        author.end()
        reader.take_all()
        reader.record.set_tests([1], "refused", why="400: too long")
        assert reader.record.refusals(9) == [(A, "400: too long")]
        assert not reader.record.has_open()
