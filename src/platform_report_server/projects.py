"""Projects that go, with all that belongs to them."""

from __future__ import annotations

from functools import partial

from platform_report_server.auth.keys import Keys
from platform_report_server.ingest.projects import delete_project, delete_some_runs
from platform_report_server.ingest.writer import Writer
from platform_report_server.jobs import Job


class Projects:
    """Deletes projects; their files go with the sweeping."""

    def __init__(self, writer: Writer, keys: Keys, sweeping: Job) -> None:
        self._writer = writer
        self._keys = keys
        self._sweeping = sweeping

    async def delete(self, project_id: int) -> None:
        """Delete a project with all that belongs to it, some runs at a time: others write in between."""
        while await self._writer.do(partial(delete_some_runs, project_id=project_id)):
            pass
        await self._writer.do(partial(delete_project, project_id=project_id))
        self._keys.forget()
        await self._sweeping.run()
