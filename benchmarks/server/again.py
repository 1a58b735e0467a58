"""Runs written from one that is there, in the database: the same results, each of another test of its kind.

Rows and chunks are those that the server wrote for the first one; what the end of a run adds, the server adds itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    and_,
    delete,
    insert,
    literal,
    select,
    update,
)

from platform_report_server.db.bulk import bulk_insert
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.schema import detail, result, run

_swap = Table(
    "swap",
    MetaData(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("case_id", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)
_MORE = ("passed", "failed", "skipped", "flaky", "next_seq")


class Tests:
    """The tests of a run by their place in it, and which of them are of one kind."""

    def __init__(self, connection: Connection, model: RunRow, is_unsteady: Callable[[int], bool]) -> None:
        where = (result.c.project_id == model.project_id, result.c.run_id == model.id)
        places = connection.execute(select(result.c.seq, result.c.case_id).where(*where).order_by(result.c.seq)).all()
        self._kinds = [[place for place in places if is_unsteady(place.case_id) is kind] for kind in (False, True)]

    def dealt(self, chance: random.Random | None) -> list[tuple[int, int]]:
        """Return a test for each place: by chance, or as it was."""
        dealt: list[tuple[int, int]] = []
        for places in self._kinds:
            cases = [place.case_id for place in places]
            if chance is not None:
                chance.shuffle(cases)
            dealt += zip((place.seq for place in places), cases, strict=True)
        return sorted(dealt)


def write_again(connection: Connection, model: RunRow, new: RunRow, dealt: list[tuple[int, int]]) -> None:
    """Write what a run has into one that is empty, with other tests at its places."""
    _swap.create(connection, checkfirst=True)
    connection.execute(delete(_swap))
    bulk_insert(connection, _swap, ("seq", "case_id"), dealt)
    changed = {
        "run_id": literal(new.id, BigInteger),
        "case_id": _swap.c.case_id,
        "created_at": result.c.created_at + literal(new.created_at - model.created_at, BigInteger),
    }
    of_model = and_(result.c.project_id == model.project_id, result.c.run_id == model.id)
    rows = select(*(changed.get(column.name, column) for column in result.c))
    rows = rows.select_from(result.join(_swap, _swap.c.seq == result.c.seq)).where(of_model).order_by(result.c.seq)
    connection.execute(insert(result).from_select(list(result.c.keys()), rows))
    chunks = select(*(changed["run_id"] if column.name == "run_id" else column for column in detail.c))
    chunks = chunks.where(detail.c.project_id == model.project_id, detail.c.run_id == model.id)
    connection.execute(insert(detail).from_select(list(detail.c.keys()), chunks))
    this = and_(run.c.project_id == new.project_id, run.c.id == new.id)
    counts = {name: getattr(model, name) for name in _MORE}
    connection.execute(update(run).where(this).values(**counts, updated_at=new.created_at))
