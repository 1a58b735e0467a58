"""Run folders whose journals a test writes by hand, through the real segment writer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from children import waiting_process

from pytest_platform_report.journal import records
from pytest_platform_report.journal.segment import Segment
from pytest_platform_report.process import identify
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.delivery import DeliveryRecord
from pytest_platform_report.uploader.findings import Journals
from pytest_platform_report.uploader.intake import Intake
from pytest_platform_report.uploader.rows import TestRow

AT = 1_700_000_000_000.0


def a_dead_process() -> dict[str, Any]:
    """Return the identity of a process that has ended."""
    with waiting_process() as child:
        return identify(child.pid)


class Author:
    """Writes the segment of one process.

    :param process: the identity that it writes under; by default this process's.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "s1",
        *,
        role: str = "alone",
        worker: str | None = None,
        of: str | None = None,
        process: dict[str, Any] | None = None,
        silent: bool = False,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self._journal = folder / "journal"
        self._journal.mkdir(parents=True, exist_ok=True)
        (folder / "artifacts").mkdir(exist_ok=True)
        earlier = set(self._journal.iterdir())
        self._segment = Segment(str(self._journal), name)
        (self.path,) = set(self._journal.iterdir()) - earlier
        self._tests = 0
        if not silent:
            about = {"of": of} if of else {"settings": Settings(shard=shard).to_journal()}
            self.write(
                {
                    "v": records.FORMAT,
                    "kind": "session",
                    "id": name,
                    "role": role,
                    "worker": worker,
                    "process": process or identify(os.getpid()),
                    "at": AT,
                    **about,
                }
            )

    def write(self, record: records.Record) -> None:
        """Append any record."""
        self._segment.append(record)
        assert self._segment.undone == 0

    def begin(self, node: str, at: float = AT) -> None:
        """Begin a test."""
        self._tests += 1
        file, *suites, title = node.split("::")
        self.write(records.began(self._tests, node, file, 1, [Path(file).stem, *suites], title, at, ["@slow"], []))

    def end(self, *outcomes: str, **more: object) -> None:
        """End the test that runs, with an attempt for each outcome."""
        attempts = [{"outcome": outcome, "start": AT, "duration": 1.5, **more} for outcome in outcomes or ("passed",)]
        self.write(records.ended(self._tests, attempts, [], []))

    def drop(self, node: str = "") -> None:
        """Leave out the test that runs; or the one with this node id, before it begins."""
        if node:
            self._tests += 1
        self.write(records.dropped(self._tests, node) if node else records.ended_dropped(self._tests))

    def again(self, **described: object) -> None:
        """Say that an attempt has failed, and that another one begins."""
        self.write(records.attempt(self._tests, {"outcome": "failed", "start": AT, "duration": 1.5, **described}))

    def lose(self, worker: str, node: str, death: str = "", stdout: str = "") -> None:
        """Say, as a controller, that a worker went away."""
        self.write(records.lost(worker, node, "worker crashed", death, stdout, "", AT))

    def attach(self, name: str, *, to_run: bool = False, sha256: str = "", size: int = 3) -> None:
        """Note a file of the test that runs, or of the run."""
        test = None if to_run else self._tests
        self.write(records.artifact(test, f"artifacts/{name}", name, "screenshot", size, sha256 or name))

    def close(self, exit_status: int = 0, *, interrupted: bool = False, undone: int = 0, at: float = AT + 1000) -> None:
        """Say that the session is over."""
        self.write(records.closed(exit_status, interrupted, undone, at))


class Reader:
    """One uploader's eyes on a run folder: what it has taken over, without anything that sends."""

    def __init__(self, folder: Path) -> None:
        self.record = DeliveryRecord(folder)
        self.journals = Journals(folder)
        self.intake = Intake(folder, self.record, self.journals, None)

    def close(self) -> None:
        """Let go of the folder."""
        self.intake.tail.close()
        self.journals.close()
        self.record.close()

    def take_all(self) -> None:
        """Take over all there is, and let the held tests go where the run is over."""
        while self.intake.take():
            pass
        if self.intake.is_over:
            self.intake.settle_held()

    def pending(self) -> list[TestRow]:
        """Return the tests that are to be sent."""
        return [row for rows in self.record.batches_to_send(1000, 2**30, 1) for row in rows]

    def acknowledge(self) -> None:
        """Note that the platform has the tests that are to be sent."""
        for row in self.pending():
            self.record.set_tests([row.id], "sent")
            self.record.set_tests([row.id], "acknowledged", remote=f"remote {row.id}")

    def told(self) -> dict[str, str]:
        """Return node id and status of the tests that are to be sent."""
        rows = self.pending()
        told = {row.node: row.status for row in rows}
        assert len(told) == len(rows), rows
        return told
