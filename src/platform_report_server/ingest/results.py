"""Results of tests, many at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update

from platform_report_server.db import schema
from platform_report_server.db.bulk import bulk_insert, insert_missing
from platform_report_server.db.details import Detail, pack_details, write_details
from platform_report_server.db.queries.cases import find_cases
from platform_report_server.errors import NotFound
from platform_report_server.ingest.ending import settle
from platform_report_server.ingest.fold import FOLD_AT, fold
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewTest
from platform_report_server.text import clean

_STATUS = {name: number for number, name in enumerate(schema.RESULT_STATUSES)}
_CASE_COLUMNS = ("project_id", "id", "key", "title", "full_title", "file_path", "first_run")
_RESULT_COLUMNS = (
    "project_id",
    "run_id",
    "seq",
    "case_id",
    "status",
    "flaky",
    "attempt",
    "retries",
    "duration",
    "created_at",
    "title",
    "message",
)
# built once: putting such a statement together costs more than running it
_THIS_RUN = (schema.run.c.project_id == bindparam("in_project"), schema.run.c.id == bindparam("in_run"))
_COUNT = (
    update(schema.run)
    .where(*_THIS_RUN)
    .values({status: schema.run.c[status] + bindparam(f"more_{status}") for status in schema.RESULT_STATUSES})
    .values(next_seq=schema.run.c.next_seq + bindparam("more"), updated_at=bindparam("now"))
)
_COUNTED = select(schema.run.c.next_seq, schema.run.c.folded_seq, schema.run.c.finished_at).where(*_THIS_RUN)


@dataclass(frozen=True)
class Batch:
    """Results of one run, and what of their rows can be made before there is a transaction."""

    tests: Sequence[NewTest]
    keys: list[bytes]
    details: list[bytes]

    @classmethod
    def of(cls, tests: Sequence[NewTest]) -> Batch:
        """Return the batch of these results."""
        return cls(tests, [_key(test) for test in tests], pack_details([_detail(test) for test in tests]))


def add_results(write: Write, project_id: int, run_id: int, tests: Sequence[NewTest]) -> int:
    """Store the results of one run, in their order; return the sequence number of the first."""
    return add_batch(write, project_id, run_id, Batch.of(tests))


def add_batch(write: Write, project_id: int, run_id: int, batch: Batch) -> int:
    """Store a batch; return the sequence number of its first result."""
    tests, keys = batch.tests, batch.keys
    after = _count(write, project_id, run_id, tests)
    first = int(after.next_seq) - len(tests)
    cases = _cases(write, project_id, run_id, dict(zip(keys, tests, strict=True)))
    rows = []
    for seq, (key, test) in enumerate(zip(keys, tests, strict=True), first):
        case_id, case_title = cases[key]
        title = clean(test.title)
        rows.append(
            (
                project_id,
                run_id,
                seq,
                case_id,
                _STATUS[test.status],
                int(is_flaky(test)),
                test.attempt,
                test.retries,
                test.duration,
                write.now,
                None if title == case_title else title,
                None if test.error is None else clean(test.error.message[: schema.MESSAGE_KEPT]),
            )
        )
    bulk_insert(write.connection, schema.result, _RESULT_COLUMNS, rows)
    write_details(write.connection, project_id, run_id, first, batch.details, len(tests))
    if after.finished_at is not None:
        settle(write, project_id, run_id)
    elif after.next_seq - after.folded_seq >= FOLD_AT:
        fold(write.connection, project_id, run_id)
    return first


def is_flaky(test: NewTest) -> bool:
    """Tell whether a result counts as flaky; unless it says so, its status does."""
    return test.status == "flaky" if test.is_flaky is None else test.is_flaky


def _count(write: Write, project_id: int, run_id: int, tests: Sequence[NewTest]) -> Any:
    """Count the tests on their run; return its state after that."""
    place = {"in_project": project_id, "in_run": run_id}
    counts: Counter[str] = Counter(test.status for test in tests)
    more = {f"more_{status}": counts[status] for status in schema.RESULT_STATUSES}
    counted = write.connection.execute(_COUNT, {**place, **more, "more": len(tests), "now": write.now})
    if counted.rowcount == 0:
        raise NotFound("There is no such run")
    return write.connection.execute(_COUNTED, place).one()


def _cases(write: Write, project_id: int, run_id: int, by_key: dict[bytes, NewTest]) -> dict[bytes, tuple[int, str]]:
    # no cache of ids between transactions: another process may have deleted or made rows meanwhile
    cases = find_cases(write.connection, project_id, by_key)
    # in one order, or two processes that make the same tests would wait for each other
    missing = sorted(by_key.keys() - cases.keys())
    rows = []
    for key in missing:
        test = by_key[key]
        cases[key] = case = (write.ids(), clean(test.title))
        rows.append((project_id, case[0], key, case[1], clean(test.full_title), clean(test.file_path), run_id))
    made = insert_missing(write.connection, schema.test_case, _CASE_COLUMNS, rows, "project_id, key")
    return cases if made == len(rows) else cases | find_cases(write.connection, project_id, missing)


def _key(test: NewTest) -> bytes:
    identity = f"{test.file_path or ''}\0{test.full_title}"
    return hashlib.blake2b(identity.encode(), digest_size=16).digest()


def _detail(test: NewTest) -> Detail:
    return Detail(
        error=test.error,
        steps=test.steps or [],
        stdout=test.stdout,
        stderr=test.stderr,
        tags=test.tags or [],
        annotations=test.annotations or [],
        line=test.line_number,
        attempts=test.attempts,
    )
