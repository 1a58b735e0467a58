"""Who ran what when: the tests of a run by lane and time, those that began at about the same time as one piece."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, Double, case, cast, func, select

from platform_report_server.db.schema import RESULT_STATUSES, result
from platform_report_server.ids import moment_of

_WORST = ("skipped", "passed", "flaky", "failed")
"""What of several statuses people want to see, the last most of all."""
_NUMBERS = {RESULT_STATUSES.index(status): place for place, status in enumerate(_WORST)}
_LONGEST = _SEQS = 2**31

_TOOK: ColumnElement[float] = func.coalesce(result.c.lasted, result.c.duration, type_=Double())
_END = result.c.started + _TOOK


@dataclass(frozen=True)
class Piece:
    """Tests of a lane; times are milliseconds after the run was made, or before."""

    lane: int
    tests: int
    first: int
    last: float
    busy: float
    arrived: int
    """When the last of them was here, by the server's clock."""
    status: str
    """The worst of theirs."""
    longest: int
    seq: int
    """The test that took longest."""


def extent_of(connection: Connection, project_id: int, run_id: int) -> tuple[int, float] | None:
    """Return when the first test of a run began and when the last one ended; None where it was not told of any."""
    query = select(func.min(result.c.started), func.max(_END)).where(*_timed(project_id, run_id))
    first, last = connection.execute(query).one()
    return None if first is None else (first, last)


def pieces_of(
    connection: Connection, project_id: int, run_id: int, extent: tuple[int, float], most: int
) -> list[Piece]:
    """Return what the lanes of a run did, each of them in at most so many pieces, in order of time."""
    first, last = extent
    width = int(last - first) // most + 1
    # one number for both: the rows are sorted by it
    group = cast(result.c.lane, BigInteger) * most + (cast(result.c.started, BigInteger) - first) // width
    took = cast(case((_TOOK >= _LONGEST, _LONGEST - 1), else_=_TOOK), BigInteger)
    query = (
        select(
            group.label("place"),
            func.count(),
            func.min(result.c.started),
            func.max(_END),
            func.sum(_TOOK),
            func.max(result.c.created_at),
            func.max(case(_NUMBERS, value=result.c.status)),
            func.max(took * _SEQS + result.c.seq),
        )
        .where(*_timed(project_id, run_id))
        .group_by("place")
        .order_by("place")
    )
    since = moment_of(run_id)
    return [
        Piece(place // most, tests, first, last, busy, arrived - since, _WORST[worst], *divmod(longest, _SEQS))
        for place, tests, first, last, busy, arrived, worst, longest in connection.execute(query)
    ]


def _timed(project_id: int, run_id: int) -> tuple[ColumnElement[bool], ...]:
    return result.c.project_id == project_id, result.c.run_id == run_id, result.c.started.is_not(None)
