"""Work that comes round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from platform_report_server.db.engine import open_database
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.jobs import Job, Jobs
from server.support import DEADLINE


def test_jobs_come_round_and_failures_are_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def note(write: Write) -> None:
        done.append("note")

    def split(write: Write) -> bool:
        done.append("piece")
        return done.count("piece") % 3 != 0

    def fail(write: Write) -> None:
        done.append("fail")
        raise OSError("no room")

    async def use(writer: Writer) -> None:
        jobs = Jobs(writer, [Job("the note", 0.001, note), Job("the failure", 0.001, fail)])
        await jobs.run_all()
        assert sorted(done) == ["fail", "note"]
        await jobs.run(Job("the whole", 1, split))
        assert done.count("piece") == 3
        await jobs.run(Job("the first piece", 1, split), longest=0)
        assert done.count("piece") == 4
        jobs.start()
        await asyncio.wait_for(_until(lambda: min(done.count("note"), done.count("fail")) > 3), DEADLINE)
        await jobs.stop()
        count = len(done)
        await writer.do(lambda write: None)  # what had begun is over
        assert len(done) <= count + 2

    database = open_database(tmp_path / "platform.db")
    writer = Writer(database)
    writer.start()
    asyncio.run(use(writer))
    writer.stop()
    database.close()
    assert "the failure failed; it is tried again" in caplog.text
    assert "no room" in caplog.text
    assert "the note failed" not in caplog.text


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0)
