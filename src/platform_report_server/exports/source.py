"""A run as an export reads it: in one snapshot, with no more in memory at a time than some results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from platform_report_server.db.details import Detail, details_between, read_details
from platform_report_server.db.queries.artifacts import ArtifactRow
from platform_report_server.db.queries.exports import artifacts_of_results, artifacts_of_run, each_result
from platform_report_server.db.queries.runs import RunRow
from platform_report_server.db.queries.tests import TestRow
from platform_report_server.db.schema import RESULT_STATUSES
from platform_report_server.model import TestStatus

_AT_ONCE = 64

Link = Callable[[ArtifactRow], str | None]
"""Returns the address of an artifact, or None where it has none."""


@dataclass(frozen=True)
class Picture:
    """An image, or the thumbnail of one."""

    mime: str
    content: bytes


@dataclass(frozen=True)
class Entry:
    """A result with all that belongs to it."""

    row: TestRow
    detail: Detail
    artifacts: list[ArtifactRow]

    @property
    def status(self) -> TestStatus:
        """How it ended."""
        number: int = self.row.status
        return RESULT_STATUSES[number]


@dataclass(frozen=True)
class Source:
    """A run in an open snapshot."""

    connection: Connection
    run: RunRow
    project: str
    """The project's name."""
    link: Link
    drafts: Path
    """A folder for what does not fit into memory."""
    pictures: Mapping[bytes, Picture] = field(default_factory=dict)
    """Pictures that are shown, by the digests of their artifacts."""

    def rows(self, status: TestStatus | None = None) -> Iterator[TestRow]:
        """Give out the results, all or those of one status, without their details."""
        number = None if status is None else RESULT_STATUSES.index(status)
        yield from each_result(self.connection, self.run.project_id, self.run.id, number)

    def entries(self, status: TestStatus | None = None) -> Iterator[Entry]:
        """Give out the results, all or those of one status, with all that belongs to them."""
        rows = self.rows(status)
        while some := list(islice(rows, _AT_ONCE)):
            details = self._details(some, is_sparse=status is not None)
            artifacts = self._artifacts(some)
            for row in some:
                yield Entry(row, details.get((row.run_id, row.seq), Detail()), artifacts[row.seq])

    def artifacts(self) -> Iterator[ArtifactRow]:
        """Give out the artifacts that belong to no result."""
        yield from artifacts_of_run(self.connection, self.run.project_id, self.run.id)

    def _details(self, rows: list[TestRow], *, is_sparse: bool) -> dict[tuple[int, int], Detail]:
        project_id, run_id = self.run.project_id, self.run.id
        if is_sparse:
            return read_details(self.connection, project_id, [(run_id, row.seq) for row in rows])
        return details_between(self.connection, project_id, run_id, rows[0].seq, rows[-1].seq)

    def _artifacts(self, rows: list[TestRow]) -> dict[int, list[ArtifactRow]]:
        found: dict[int, list[ArtifactRow]] = defaultdict(list)
        numbers = [row.seq for row in rows]
        for each in artifacts_of_results(self.connection, self.run.project_id, self.run.id, numbers):
            found[each.seq].append(each)
        return found
