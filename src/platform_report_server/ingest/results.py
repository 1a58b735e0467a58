"""Results of tests, many at a time."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from platform_report_server.db import schema
from platform_report_server.db.bulk import bulk_insert, insert_missing
from platform_report_server.db.counters import count_results
from platform_report_server.db.details import Detail, pack_details, write_details
from platform_report_server.db.groups import COLUMNS, LARGEST, Group, store_group
from platform_report_server.db.queries.cases import find_cases
from platform_report_server.db.spot import cases_on_spot, store_on_spot
from platform_report_server.errors import NotFound
from platform_report_server.ids import moment_of
from platform_report_server.ingest.ending import settle
from platform_report_server.ingest.fold import FOLD_AT, fold
from platform_report_server.ingest.lanes import Told, known_lanes, number_lanes, time_after, told_of
from platform_report_server.ingest.memory import Lane, Memory
from platform_report_server.ingest.suites import add_suites
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewTest
from platform_report_server.text import clean

_STATUS = {name: number for number, name in enumerate(schema.RESULT_STATUSES)}
_CASE_COLUMNS = ("project_id", "id", "key", "title", "full_title", "file_path", "first_run")

Place = tuple[int, int]
"""The numbers of a project and of a run."""
Case = tuple[int, str]
"""A test's number and title."""


class SpotWrite(NamedTuple):
    """A transaction on the spot, the time, and what is remembered."""

    connection: sqlite3.Connection
    now: int
    memory: Memory


@dataclass(frozen=True)
class Batch:
    """Results of one run, and what of their rows can be made before there is a transaction."""

    tests: Sequence[NewTest]
    keys: list[bytes]
    details: list[bytes]
    told: list[Told]

    @classmethod
    def of(cls, tests: Sequence[NewTest], keys: list[bytes] | None = None, told: list[Told] | None = None) -> Batch:
        """Return the batch of these results, whose keys and lanes may be at hand."""
        details = pack_details([_detail(test) for test in tests])
        return cls(tests, keys or [key_of(test) for test in tests], details, told or [told_of(test) for test in tests])


def add_results(write: Write, project_id: int, run_id: int, tests: Sequence[NewTest]) -> int:
    """Store the results of one run, in their order; return the sequence number of the first."""
    return add_batch(write, project_id, run_id, Batch.of(tests))


def add_batch(write: Write, project_id: int, run_id: int, batch: Batch) -> int:
    """Store a batch; return the sequence number of its first result."""
    connection, now, tests, keys = write.connection, write.now, batch.tests, batch.keys
    cases = {key: case for key in keys if (case := write.memory.cases.get((project_id, key))) is not None}
    asked = dict.fromkeys(lane for lane, _, _ in batch.told)
    lanes = known_lanes(write.memory, run_id, asked)
    are_known = cases.keys() >= set(keys) and lanes.keys() >= asked.keys()
    is_group = connection.dialect.name == "postgresql" and 0 < len(tests) < LARGEST and are_known
    if is_group:
        after = store_group(connection, group_of((project_id, run_id), batch, cases, lanes, now))
    else:
        after = count_results(connection, project_id, run_id, Counter(test.status for test in tests), now)
    if after is None:
        raise NotFound("There is no such run")
    add_suites(write, project_id, run_id, tests)
    first = after.next_seq - len(tests)
    if not is_group:
        others = {key: test for key, test in zip(keys, tests, strict=True) if key not in cases}
        cases |= _cases(write, project_id, run_id, others)
        if not lanes.keys() >= asked.keys():
            lanes.update(number_lanes(write, project_id, run_id, asked).items())
        made = _rows(batch, cases, lanes, moment_of(run_id), now)
        rows = [(project_id, run_id, seq, *row) for seq, row in enumerate(made, first)]
        bulk_insert(connection, schema.result, ("project_id", "run_id", "seq", *COLUMNS), rows)
        write_details(connection, project_id, run_id, first, batch.details, len(tests))
    if after.finished_at is not None:
        settle(write, project_id, run_id)
    elif after.next_seq - after.folded_seq >= FOLD_AT:
        fold(connection, project_id, run_id)
    return first


def add_on_spot(write: SpotWrite, place: Place, tests: Sequence[NewTest]) -> int | None:
    """Store a few results of known tests and lanes, in a run that goes on; return the sequence number of the first.

    None: they are not, or it does not, or it has enough results to be folded. Then nothing was written.
    """
    (project_id, run_id), keys = place, [key_of(test) for test in tests]
    cases = {key: case for key in keys if (case := write.memory.cases.get((project_id, key))) is not None}
    others = set(keys) - cases.keys()
    if others:
        cases |= cases_on_spot(write.connection, project_id, others)
        if others - cases.keys():
            return None
    batch = Batch.of(tests, keys)
    asked = dict.fromkeys(lane for lane, _, _ in batch.told)
    lanes = known_lanes(write.memory, run_id, asked)
    if not lanes.keys() >= asked.keys():
        return None
    rows, counts = _rows(batch, cases, lanes, moment_of(run_id), write.now), Counter([test.status for test in tests])
    (details,) = batch.details
    return store_on_spot(write.connection, project_id, run_id, counts, write.now, COLUMNS, rows, details, most=FOLD_AT)


def group_of(
    place: Place, batch: Batch, cases: Mapping[bytes, Case], lanes: Mapping[Lane | None, int | None], now: int
) -> Group:
    """Return what is stored of a batch that is small enough to be a group, of tests and lanes that are there."""
    counts = Counter(test.status for test in batch.tests)
    rows = _rows(batch, cases, lanes, moment_of(place[1]), now)
    return Group(*place, counts, now, rows, *batch.details)


def key_of(test: NewTest) -> bytes:
    """Return what names a test in its project."""
    identity = f"{test.file_path or ''}\0{test.full_title}"
    return hashlib.blake2b(identity.encode(), digest_size=16).digest()


def is_flaky(test: NewTest) -> bool:
    """Tell whether a result counts as flaky; unless it says so, its status does."""
    return test.status == "flaky" if test.is_flaky is None else test.is_flaky


def _rows(
    batch: Batch, cases: Mapping[bytes, Case], lanes: Mapping[Lane | None, int | None], since: int, now: int
) -> list[tuple[object, ...]]:
    """Return what `COLUMNS` hold of each test; `since` is when the run was made."""
    rows: list[tuple[object, ...]] = []
    for key, test, (lane, start, lasted) in zip(batch.keys, batch.tests, batch.told, strict=True):
        case_id, case_title = cases[key]
        title = clean(test.title)
        rows.append(
            (
                case_id,
                _STATUS[test.status],
                int(is_flaky(test)),
                test.attempt,
                test.retries,
                test.duration,
                now,
                None if title == case_title else title,
                None if test.error is None else clean(test.error.message[: schema.MESSAGE_KEPT]),
                lanes[lane],
                time_after(start, since),
                lasted,
            )
        )
    return rows


def _cases(write: Write, project_id: int, run_id: int, by_key: Mapping[bytes, NewTest]) -> dict[bytes, Case]:
    cases = find_cases(write.connection, project_id, by_key)
    # in one order, or two processes that make the same tests would wait for each other
    missing = sorted(by_key.keys() - cases.keys())
    rows = []
    for key in missing:
        test = by_key[key]
        cases[key] = case = (write.ids(), clean(test.title))
        rows.append((project_id, case[0], key, case[1], clean(test.full_title), clean(test.file_path), run_id))
    made = insert_missing(write.connection, schema.test_case, _CASE_COLUMNS, rows, "project_id, key")
    if made < len(rows):
        cases |= find_cases(write.connection, project_id, missing)
    for key, case in cases.items():
        write.memory.cases.note((project_id, key), case)
    return cases


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
