"""Which states follow each other, and what a failed request makes of what it carried."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journals import Author, Reader

from pytest_platform_report.errors import Busy, DeliveryError, NotSent, OutcomeUnknown, Refused, StateError
from pytest_platform_report.uploader.delivery import DeliveryRecord
from pytest_platform_report.uploader.states import STATES, Kind, State, after, before, is_suspect

KINDS: tuple[Kind, ...] = ("run", "test", "artifact")
BAD_ADDRESS = NotSent("no address", permanent=True)


@pytest.mark.parametrize(
    ("error", "state", "suspect"),
    [
        (NotSent("no connection"), "pending", False),
        (BAD_ADDRESS, "refused", False),
        (OutcomeUnknown("reset"), "unknown", True),
        (OutcomeUnknown("HTML", misconfigured=True), "unknown", True),
        (Busy("slow", 408), "pending", False),
        (Busy("early", 425), "pending", False),
        (Busy("later", 429), "pending", False),
        (Busy("broken", 500), "unknown", True),
        (Busy("gateway", 502), "unknown", False),
        (Busy("busy", 503), "unknown", False),
        (Busy("gateway", 504), "unknown", False),
        (Refused("bad", 400), "refused", False),
        (Refused("too large", 413), "refused", False),
        (Refused("key", 401), "pending", False),
        (Refused("key", 403), "pending", False),
        (Refused("project", 404), "pending", False),
    ],
)
def test_failed_request(error: DeliveryError, state: State, suspect: bool) -> None:
    assert (after("test", error), after("artifact", error)) == (state, state)
    assert after("run", error) == ("pending" if state == "refused" else state)
    assert is_suspect(error) == suspect


def test_what_is_over_stays_so() -> None:
    assert not any(
        "acknowledged" in before(kind, state) or "dropped" in before(kind, state) for kind in KINDS for state in STATES
    )
    assert [state for state in STATES if "refused" in before("test", state)] == ["unknown"], "asked to try it again"


def test_record_refuses_what_the_states_do_not_allow(tmp_path: Path) -> None:
    author, reader = Author(tmp_path), Reader(tmp_path)
    author.begin("t.py::test_a")
    author.attach("a.png")
    author.end()
    reader.take_all()
    record = reader.record
    record.plan_run({})
    with closing(record), closing(sqlite3.connect(tmp_path / "delivery.sqlite", isolation_level=None)) as database:
        for old in STATES:
            for new in STATES:
                for kind in KINDS:
                    database.execute(f"UPDATE {kind} SET state=?", (old,))
                    if old in before(kind, new):
                        move(record, kind, new)
                    else:
                        with pytest.raises(StateError, match=rf"of {kind} \[1\], not all .* that '{new}' may follow"):
                            move(record, kind, new)
                    expected = new if old in before(kind, new) else old
                    assert database.execute(f"SELECT state FROM {kind}").fetchone() == (expected,)


def move(record: DeliveryRecord, kind: str, state: State) -> None:
    if kind == "run":
        record.set_run(state)
    elif kind == "test":
        record.set_tests([1], state)
    else:
        record.set_artifact(1, state)


class TestOrder:
    def tell(self, tmp_path: Path, *statuses: str) -> DeliveryRecord:
        author, reader = Author(tmp_path), Reader(tmp_path)
        for number, status in enumerate(statuses):
            author.begin(f"t.py::test_{number}")
            author.end(status)
        reader.take_all()
        return reader.record

    def test_failures_go_first_and_what_the_platform_fails_over_last(self, tmp_path: Path) -> None:
        with closing(self.tell(tmp_path, "passed", "failed", "passed", "failed")) as record:
            assert ids(record) == [2, 4, 1, 3]
            self.fail_over(record, 2, times=1)
            assert ids(record) == [4, 2, 1, 3]
            self.fail_over(record, 2, times=2)
            assert ids(record) == [4, 1, 3], "not in one request with others"
            self.fail_over(record, 4, 1, 3, times=3)
            assert ids(record) == [2]

    def test_several_requests(self, tmp_path: Path) -> None:
        with closing(self.tell(tmp_path, *8 * ["passed"])) as record:
            assert ids(record, 3, batches=4) == [[1, 2, 3], [4, 5, 6], [7, 8]]
            assert ids(record, 3, batches=2) == [[1, 2, 3], [4, 5, 6]]
            size = record.batches_to_send(1, 1, 1)[0][0].bytes
            assert ids(record, 9, 2 * size, batches=9) == [[1, 2], [3, 4]], "they are held together"
            self.fail_over(record, *range(2, 9), times=3)
            assert ids(record, 9, batches=9) == [[1]]
            self.fail_over(record, 1, times=3)
            assert ids(record, 9, batches=9) == [[1]], "what the platform fails over goes alone"

    def test_limit_does_not_put_a_failure_back(self, tmp_path: Path) -> None:
        with closing(self.tell(tmp_path, "passed", "failed")) as record:
            for _ in range(5):
                record.set_tests([2], "sent")
                record.set_tests([2], "pending")
            assert ids(record) == [2, 1]

    def test_order_needs_no_sorting(self, tmp_path: Path) -> None:
        with closing(self.tell(tmp_path)), closing(sqlite3.connect(tmp_path / "delivery.sqlite")) as database:
            plan = database.execute(
                "EXPLAIN QUERY PLAN SELECT id FROM test WHERE state='pending'"
                " ORDER BY max(tries, 2), urgent DESC, tries, id LIMIT 9"
            ).fetchall()
            assert "USE TEMP B-TREE" not in str(plan)
            assert "test_to_send" in str(plan)

    def fail_over(self, record: DeliveryRecord, *ids: int, times: int) -> None:
        for _ in range(times):
            record.set_tests(ids, "sent")
            record.set_tests(ids, "unknown", tried=True)
            record.set_tests(ids, "pending")


def ids(record: DeliveryRecord, most: int = 9, most_bytes: int = 10**6, *, batches: int = 0) -> list[object]:
    """Return the ids of the tests to send; those of each request where several are asked for."""
    found = [[row.id for row in rows] for rows in record.batches_to_send(most, most_bytes, batches or 1)]
    return [*found] if batches else [id_ for each in found for id_ in each]
