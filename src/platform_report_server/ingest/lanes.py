"""Who ran the tests of a run, a lane with a number each, and when."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import select

from platform_report_server.db.bulk import bulk_insert
from platform_report_server.db.schema import LANES, lane
from platform_report_server.ingest.memory import Lane, Memory
from platform_report_server.ingest.writer import Write
from platform_report_server.model import Attempt, NewTest
from platform_report_server.text import clean

_COLUMNS = ("project_id", "run_id", "number", "worker", "shard")
_OTHERS = LANES - 1
_LARGEST = 2**31 - 1
Told = tuple[Lane | None, int | None, int | None]
"""Who ran a test, when it began, and how long its attempts took together where there are several."""
_NOTHING: Told = (None, None, None)
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def told_of(test: NewTest) -> Told:
    """Return what a test tells of its lane and its times."""
    began, attempts = test.started_at, test.attempts
    if began is None and test.worker is None and test.shard is None:
        return _NOTHING
    lane = clean(test.worker), test.shard
    if began is None:
        return lane, None, None
    start = began.timestamp() * 1000
    return lane, round(start), _lasted(attempts, start) if attempts is not None and len(attempts) > 1 else None


def known_lanes(memory: Memory, run_id: int, lanes: Collection[Lane | None]) -> dict[Lane | None, int | None]:
    """Return the numbers of those lanes that are remembered; None, which is no lane, has none."""
    numbers: dict[Lane | None, int | None] = {None: None}
    for each in lanes:
        if each is not None and (number := memory.lanes.get((run_id, each))) is not None:
            numbers[each] = number
    return numbers


def number_lanes(write: Write, project_id: int, run_id: int, lanes: Collection[Lane | None]) -> dict[Lane, int]:
    """Return the numbers of lanes, those that are not there yet among them; whoever calls this holds the run."""
    query = select(lane).where(lane.c.project_id == project_id, lane.c.run_id == run_id)
    taken: dict[int, Lane] = {row.number: (row.worker, row.shard) for row in write.connection.execute(query)}
    numbers = {each: number for number, each in taken.items() if number < _OTHERS}
    new = []
    for each in filter(None, lanes):
        number = numbers.setdefault(each, min(len(numbers), _OTHERS))
        if number not in taken:
            taken[number] = each if number < _OTHERS else (None, None)
            new.append((project_id, run_id, number, *taken[number]))
        write.memory.lanes.note((run_id, each), number)
    bulk_insert(write.connection, lane, _COLUMNS, new)
    return numbers


def time_after(start: int | None, since: int) -> int | None:
    """Return how long after a moment a test began; None where that is not told, or too far from it."""
    return None if start is None or not -_LARGEST < start - since < _LARGEST else start - since


def _lasted(attempts: Sequence[Attempt], start: float) -> int | None:
    try:
        starts = msgspec.convert([each.started_at for each in attempts], list[_Moment])
    except msgspec.ValidationError:
        return None
    ends = (each.timestamp() * 1000 + (of.duration or 0) for each, of in zip(starts, attempts, strict=True))
    return round(min(max(*ends, start) - start, _LARGEST))
