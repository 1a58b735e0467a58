"""What the journals say, taken over into the delivery record: once, whatever has become of their processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import wait_until, waiting_process
from journals import AT, Author, Reader, a_dead_process

from pytest_platform_report.journal import records
from pytest_platform_report.journal.records import FORMAT
from pytest_platform_report.model import Annotation, Failure
from pytest_platform_report.process import identify

A, B, C = "tests/test_a.py::TestA::test_a", "tests/test_a.py::test_b", "tests/test_c.py::test_c[1-x]"

ATTEMPT = {"outcome": "passed", "start": AT, "duration": 1.0}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


class TestEnded:
    def test_result_reads_back_whole(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.end(stdout="hello", failures=[{"phase": "call", "message": "no"}], annotations=[])
        author.close()
        reader.take_all()
        (row,) = reader.pending()
        result = reader.journals.read(row.spans)
        assert result.place.full_title == "test_a > TestA > test_a"
        assert result.tags == ("@slow",)
        (attempt,) = result.attempts
        assert (attempt.outcome, attempt.duration, attempt.stdout) == ("passed", 1.5, "hello")
        assert attempt.failures == (Failure("call", "no"),)
        assert result.report_id == f"{author.path.stem}:{row.spans[0].began[0]}"

    @pytest.mark.parametrize(
        ("outcomes", "status"),
        [
            (["passed"], "passed"),
            (["failed"], "failed"),
            (["skipped"], "skipped"),
            (["failed", "passed"], "flaky"),
            (["failed", "failed"], "failed"),
            (["failed", "skipped"], "skipped"),
        ],
    )
    def test_status(self, tmp_path: Path, reader: Reader, outcomes: list[str], status: str) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.end(*outcomes)
        reader.take_all()
        assert reader.told() == {A: status}

    def test_is_told_while_the_session_runs(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        reader.take_all()
        assert reader.told() == {}
        author.end()
        author.begin(B)
        reader.take_all()
        assert reader.told() == {A: "passed"}
        assert not reader.intake.is_over

    def test_nothing_new(self, tmp_path: Path, reader: Reader) -> None:
        Author(tmp_path)
        assert not reader.intake.take()

    def test_session_is_over_when_it_says_so(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        reader.take_all()
        assert not reader.intake.is_over
        author.close()
        reader.take_all()
        assert reader.intake.is_over

    def test_nothing_is_over_before_anything_began(self, reader: Reader) -> None:
        reader.take_all()
        assert not reader.intake.is_over

    def test_failures_go_first(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        for node, outcomes in ((A, ["passed"]), (B, ["failed", "passed"]), (C, ["failed"])):
            author.begin(node)
            author.end(*outcomes)
        reader.take_all()
        assert list(reader.told()) == [B, C, A]

    def test_end_that_is_of_another_test(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.write(records.ended(17, [{**ATTEMPT, "outcome": "failed"}], [], []))
        author.end("passed")
        reader.take_all()
        assert reader.told() == {A: "passed"}

    def test_end_that_could_not_be_written_gives_no_verdict(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        for node in (A, B, C):
            author.begin(node)
            if node == B:
                author.end()
        author.close()
        reader.take_all()
        assert reader.told() == {A: "skipped", B: "passed", C: "skipped"}
        result = reader.journals.read(reader.pending()[0].spans)
        assert result.attempts[0].annotations == (
            Annotation("unrecorded", "the end of this test could not be recorded"),
        )

    def test_counts_by_session(self, tmp_path: Path, reader: Reader) -> None:
        Author(tmp_path, "c1", role="controller", shard=(2, 3))
        Author(tmp_path, "c2")
        worker = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1")
        worker.begin(A)
        worker.end()
        reader.take_all()
        assert reader.record.counts() == {("c1", "pending"): 1}
        assert reader.intake.main is not None
        assert reader.intake.main["id"] == "c1"
        assert [reader.journals.shard_of(session) for session in ("c1", "c2", "c3")] == [2, None, None]


class TestDied:
    def test_is_held_until_the_run_is_over(self, tmp_path: Path, reader: Reader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process()).begin(A)
        reader.take_all()
        assert reader.told() == {}
        assert reader.record.counts() == {("c1", "held"): 1}
        controller.close(1)
        reader.take_all()
        assert reader.told() == {A: "failed"}

    def test_says_how_as_far_as_is_known(self, tmp_path: Path, reader: Reader) -> None:
        with waiting_process("os._exit(7)") as child:
            author = Author(tmp_path, process=identify(child.pid))
            author.begin(A)
            reader.take_all()
            assert child.stdin is not None
            child.stdin.close()
            child.wait()
        wait_until(lambda: reader.intake.take() or reader.intake.is_over)
        reader.take_all()
        (row,) = reader.pending()
        (failure,) = reader.journals.read(row.spans).attempts[0].failures
        (segment,) = reader.intake.tail.known()
        how = f" ({segment.how_ended})" if segment.how_ended else ""  # not every kernel tells
        assert segment.how_ended in ("", "exit code 7")
        assert failure == Failure("setup", f"process ended{how} while running this test, in its setup")

    @pytest.mark.parametrize("death", ["signal 1", "signal 2", "signal 15"])
    def test_interrupted_test_gave_no_verdict(self, tmp_path: Path, reader: Reader, death: str) -> None:
        author = Author(tmp_path, process=a_dead_process())
        author.begin(A)
        reader.intake.take()
        reader.intake.tail.known()[0].how_ended = ""
        reader.take_all()
        (row,) = reader.pending()
        (span,) = row.spans
        told = reader.journals.read([type(span)(span.segment, span.began, None, death, AT + 500)])
        assert told.status == "skipped"
        assert told.attempts[0].annotations == (
            Annotation("interrupted", f"process ended ({death}) while running this test"),
        )
        assert told.attempts[0].duration == 500

    def test_later_end_elsewhere_makes_one_flaky_test(self, tmp_path: Path, reader: Reader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process()).begin(A)
        reader.take_all()
        successor = Author(tmp_path, "c1-gw1", role="worker", worker="gw1", of="c1")
        successor.begin(A, AT + 50)
        successor.end(start=AT + 60)
        successor.close()
        controller.lose("gw0", A)
        controller.close()
        reader.take_all()
        assert reader.told() == {A: "flaky"}
        (row,) = reader.pending()
        result = reader.journals.read(row.spans)
        assert [attempt.outcome for attempt in result.attempts] == ["failed", "passed"]
        assert (row.worker, result.start) == ("gw1", AT + 60)
        assert reader.record.totals() == {"passed": 0, "failed": 0, "skipped": 0, "flaky": 1}

    def test_dead_and_ended_found_at_once_in_either_order(self, tmp_path: Path, reader: Reader) -> None:
        # The names sort the successor before the dead: gw10 before gw2.
        controller = Author(tmp_path, "c1", role="controller")
        Author(tmp_path, "c1-gw2", role="worker", worker="gw2", of="c1", process=a_dead_process()).begin(A)
        successor = Author(tmp_path, "c1-gw10", role="worker", worker="gw10", of="c1")
        successor.begin(A, AT + 50)
        successor.end()
        successor.close()
        controller.close()
        reader.take_all()
        assert reader.told() == {A: "flaky"}

    def test_the_same_test_twice_without_a_death_is_two(self, tmp_path: Path, reader: Reader) -> None:
        authors = [
            Author(tmp_path, f"c1-gw{number}", role="worker", worker=f"gw{number}", of="c1") for number in (0, 1)
        ]
        for author in authors:
            author.begin(A)
            author.end()
            author.close()
        reader.take_all()
        assert [row.node for row in reader.pending()] == [A, A]

    def test_torn_end(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path, process=a_dead_process())
        author.begin(A)
        with author.path.open("ab") as file:
            file.write(b'{"v":1,"kind":"ended","test":1,"attempts":[{"outc')
        reader.take_all()
        assert reader.told() == {A: "failed"}
        assert reader.intake.tail.known()[0].reader.torn == 1

    def test_record_that_lacks_a_field_is_passed_over_and_told(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.write({"v": 1, "kind": "began", "test": 1})
        author.write({"v": 1, "kind": "ended", "test": 1})
        author.begin(A)
        author.end()
        author.close()
        reader.take_all()
        assert reader.told() == {A: "passed"}
        (problem,) = reader.intake.tail.problems.values()
        assert "a record was passed over" in problem

    def test_process_that_lives_and_is_silent_has_not_died(self, tmp_path: Path, reader: Reader) -> None:
        Author(tmp_path, process=identify(os.getpid())).begin(A)
        reader.take_all()
        assert not reader.intake.is_over
        assert reader.record.totals()["failed"] == 0


class TestCollected:
    def test_is_a_test_of_its_own(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.write(records.collected("tests/test_a.py", "tests/test_a.py", "failed", "E no", "stack", AT))
        author.write(records.collected("tests/test_b.py", "tests/test_b.py", "skipped", "not here", "", AT))
        reader.take_all()
        assert reader.told() == {"tests/test_a.py": "failed", "tests/test_b.py": "skipped"}
        failed, skipped = (reader.journals.read(row.spans) for row in reader.pending())
        assert failed.place.full_title == "test_a > collection"
        assert failed.attempts[0].failures == (Failure("collection", "E no", "stack"),)
        assert failed.start is None
        assert skipped.attempts[0].annotations == (Annotation("skip", "not here"),)

    def test_by_two_sessions_is_told_once(self, tmp_path: Path, reader: Reader) -> None:
        for name in ("s1", "s2"):
            author = Author(tmp_path, name)
            author.write(records.collected("tests/test_a.py", "tests/test_a.py", "failed", "E no", "stack", AT))
            author.close(2)
        reader.take_all()
        assert reader.told() == {"tests/test_a.py": "failed"}
        assert len(reader.pending()) == 1


class TestLost:
    def lose(self, tmp_path: Path, *, of: str = "c1", worker: str = "gw0") -> None:
        controller = Author(tmp_path, of, role="controller")
        controller.lose(worker, A, "signal 15", "last words")
        controller.close(1)

    def test_without_a_journal_is_a_test_of_the_controllers(self, tmp_path: Path, reader: Reader) -> None:
        self.lose(tmp_path)
        reader.take_all()
        (row,) = reader.pending()
        assert (row.node, row.status, row.kind) == (A, "failed", "lost")
        result = reader.journals.read(row.spans)
        assert (result.place.full_title, result.annotations) == (
            "test_a > TestA > test_a",
            (Annotation("worker", "gw0"),),
        )
        (attempt,) = result.attempts
        assert attempt.failures[0].message == "process ended (signal 15) while running this test"
        assert attempt.stdout == "last words"

    def test_with_a_journal_is_what_that_tells(self, tmp_path: Path, reader: Reader) -> None:
        self.lose(tmp_path)
        worker = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process())
        worker.begin(A)
        reader.take_all()
        (row,) = reader.pending()
        assert (row.status, row.kind) == ("failed", "died")
        (attempt,) = reader.journals.read(row.spans).attempts
        assert attempt.failures[0].message == "process ended (signal 15) while running this test, in its setup"
        assert attempt.stdout == "last words"

    def test_after_its_end_was_told(self, tmp_path: Path, reader: Reader) -> None:
        self.lose(tmp_path)
        worker = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process())
        worker.begin(A)
        worker.end()
        reader.take_all()
        assert reader.told() == {A: "passed"}

    def test_worker_of_the_same_name_in_another_session_has_another_execution(
        self, tmp_path: Path, reader: Reader
    ) -> None:
        self.lose(tmp_path)
        worker = Author(tmp_path, "c2-gw0", role="worker", worker="gw0", of="c2")
        worker.begin(A)
        worker.end()
        worker.close()
        reader.take_all()
        (row,) = reader.pending()
        assert [attempt.outcome for attempt in reader.journals.read(row.spans).attempts] == ["failed", "passed"]

    def test_after_an_attempt_that_had_failed_is_the_second(self, tmp_path: Path, reader: Reader) -> None:
        worker = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process())
        worker.begin(A)
        worker.again(stdout="the first", failures=[{"phase": "call", "message": "no"}])
        self.lose(tmp_path)
        reader.take_all()
        (row,) = reader.pending()
        first, second = reader.journals.read(row.spans).attempts
        assert (first.failures, first.stdout) == ((Failure("call", "no"),), "the first")
        assert second.failures[0].message.startswith("process ended (signal 15) while running this test")

    def test_twice_is_two_attempts(self, tmp_path: Path, reader: Reader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        controller.lose("gw0", A, "signal 9")
        controller.lose("gw1", A, "exit code 3")
        controller.close(1)
        reader.take_all()
        (row,) = reader.pending()
        result = reader.journals.read(row.spans)
        assert [attempt.failures[0].message for attempt in result.attempts] == [
            "process ended (signal 9) while running this test",
            "process ended (exit code 3) while running this test",
        ]

    def test_word_that_a_process_is_gone_ends_its_segment(self, tmp_path: Path, reader: Reader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        relayed = Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1")
        relayed.begin(A)
        reader.take_all()
        assert not reader.intake.is_over
        relayed.write(records.gone())
        controller.lose("gw0", A, "signal 9")
        controller.close(1)
        reader.take_all()
        assert reader.intake.is_over
        assert reader.told() == {A: "failed"}


class TestDropped:
    def test_is_told_nowhere(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.drop(A)
        author.begin(B)
        author.attach("b.png")
        reader.take_all()
        author.attach("b2.png")
        author.drop()
        author.begin(C)
        author.attach("c.png")
        author.end()
        author.close()
        reader.take_all()
        assert reader.told() == {C: "passed"}
        assert reader.record.totals() == {"passed": 1, "failed": 0, "skipped": 0, "flaky": 0}
        assert reader.record.counts() == {("s1", "dropped"): 2, ("s1", "pending"): 1}
        assert reader.record.artifact_counts() == {("s1", "pending"): 1}
        assert reader.record.dropped() == 2

    def test_is_forgotten_once_and_for_all(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.attach("a.png")
        author.drop()
        reader.take_all()
        author.close()
        later = Reader(tmp_path)
        later.take_all()
        assert (later.record.counts(), later.record.artifact_counts()) == ({("s1", "dropped"): 1}, {})
        assert not later.record.has_open()
        later.close()

    def test_has_not_died_when_it_takes_its_worker_along(self, tmp_path: Path, reader: Reader) -> None:
        controller = Author(tmp_path, "c1", role="controller")
        Author(tmp_path, "c1-gw0", role="worker", worker="gw0", of="c1", process=a_dead_process()).drop(A)
        controller.lose("gw0", A, "signal 9")
        controller.close(1)
        reader.take_all()
        assert reader.told() == {}
        assert not reader.record.has_open()

    def test_before_that_is_told_as_ever(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path)
        author.begin(A)
        author.drop(B)
        author.close()
        reader.take_all()
        assert reader.told() == {A: "skipped"}, "its end could not be written"


class TestUnreadable:
    def test_process_that_died_before_its_first_word_blocks_nothing(self, tmp_path: Path, reader: Reader) -> None:
        Author(tmp_path, "s0", silent=True)
        Author(tmp_path, "s1").close()
        reader.take_all()
        assert reader.intake.is_over

    def test_segment_that_begins_with_something_else(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path, "s0", silent=True)
        author.begin(A)
        Author(tmp_path, "s1").close()
        reader.take_all()
        assert reader.intake.is_over
        assert reader.intake.tail.problems == {author.path.stem: f"{author.path}: does not begin with its session"}

    def test_newer_format_is_reported_and_left_as_it_is(self, tmp_path: Path, reader: Reader) -> None:
        author = Author(tmp_path, process=a_dead_process())
        author.begin(A)
        author.end()
        author.begin(B)
        reader.intake.take()
        author.write({**records.ended(2, [ATTEMPT], [], []), "v": FORMAT + 1})
        content = author.path.read_bytes()
        reader.take_all()
        assert reader.told() == {A: "passed"}, "what became of B is in words that we do not know"
        (problem,) = reader.intake.tail.problems.values()
        assert f"format {FORMAT + 1}, but this pytest-platform-report reads formats up to {FORMAT}" in problem
        assert author.path.read_bytes() == content

        # What the version that knows it would do:
        author.path.write_bytes(content.replace(f'"v":{FORMAT + 1}'.encode(), f'"v":{FORMAT}'.encode()))
        later = Reader(tmp_path)
        later.take_all()
        assert later.told() == {A: "passed", B: "passed"}
        later.close()
