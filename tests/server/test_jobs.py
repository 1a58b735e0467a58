"""Work that comes round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from platform_report_server.jobs import Job, Jobs
from server.support import DEADLINE


def test_jobs_come_round_and_failures_are_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    async def note() -> None:
        done.append("note")

    async def split() -> bool:
        done.append("piece")
        return done.count("piece") % 3 != 0

    async def fail() -> None:
        done.append("fail")
        raise OSError("no room")

    async def use() -> None:
        jobs = Jobs([Job("the note", 0.001, note), Job("the failure", 0.001, fail)])
        await jobs.run_all()
        assert sorted(done) == ["fail", "note"]
        await Job("the whole", 1, split).run()
        assert done.count("piece") == 3
        await Job("the first piece", 1, split).run(longest=0)
        assert done.count("piece") == 4
        jobs.start()
        await asyncio.wait_for(_until(lambda: min(done.count("note"), done.count("fail")) > 3), DEADLINE)
        await jobs.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(use())
    assert "the failure failed; it is tried again" in caplog.text
    assert "no room" in caplog.text
    assert "the note failed" not in caplog.text


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0)
