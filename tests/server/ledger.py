"""A store with one project, written to in one transaction, without a server before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection

from platform_report_server.clock import now_ms
from platform_report_server.db.engine import open_database
from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.ids import IdMaker
from platform_report_server.ingest.projects import ensure_project
from platform_report_server.ingest.results import add_results
from platform_report_server.ingest.runs import add_run, change_run
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewRun, NewTest, RunChange
from platform_report_server.settings import Settings


class Ledger:
    """Runs of the project."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.write = Write(connection, IdMaker(), now_ms())
        self.project = ensure_project(self.write, "p")

    def begin(self, status: Any = "running", branch: str | None = None) -> int:
        return int(add_run(self.write, self.project, NewRun("p", status, branch=branch)).id)

    def store(self, run: int, tests: list[NewTest]) -> None:
        add_results(self.write, self.project, run, tests)

    def tell(self, run: int, status: Any) -> None:
        change_run(self.write, self.row(run), RunChange(status))

    def row(self, run: int) -> RunRow:
        row = find_run(self.connection, run)
        assert row is not None
        return row


@contextmanager
def writing(settings: Settings) -> Iterator[Connection]:
    """Open the store; all that is written is committed in the end."""
    with closing(open_database(settings.database)) as database, database.writing() as connection:
        yield connection
