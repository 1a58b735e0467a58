"""Who ran the tests of a run."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import LANES, lane
from platform_report_server.ids import moment_of


class Lane(NamedTuple):
    """A worker of a shard; None where it was not told which, and where there is none."""

    number: int
    worker: str | None
    shard: int | None

    @property
    def is_named(self) -> bool:
        """Whether it is known who it was."""
        return self.worker is not None or self.shard is not None

    @property
    def name(self) -> str:
        """What people call it."""
        if self.number == LANES - 1:
            return "all others"
        shard = "" if self.shard is None else f"shard {self.shard}"
        return ", ".join(filter(None, (shard, self.worker))) or "one process"


def list_lanes(connection: Connection, project_id: int, run_id: int) -> list[Lane]:
    """Return the lanes of a run, in the order of their numbers."""
    of_run = (lane.c.project_id == project_id, lane.c.run_id == run_id)
    query = select(lane.c.number, lane.c.worker, lane.c.shard).where(*of_run).order_by(lane.c.number)
    return [Lane(*row) for row in connection.execute(query)]


def lane_of(connection: Connection, test: TestRow) -> Lane | None:
    """Return who ran a test; None where it was not told."""
    if test.lane is None:
        return None
    place = (lane.c.project_id == test.project_id, lane.c.run_id == test.run_id, lane.c.number == test.lane)
    row = connection.execute(select(lane.c.number, lane.c.worker, lane.c.shard).where(*place)).first()
    return None if row is None else Lane(*row)


def started_at(test: TestRow) -> int | None:
    """Return when a test began; None where it was not told."""
    return None if test.started is None else moment_of(test.run_id) + int(test.started)
