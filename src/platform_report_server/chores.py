"""The work of a server that comes round: what is deleted, ended and checked, and how often."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from platform_report_server.auth.limits import Limits
from platform_report_server.contents import Contents
from platform_report_server.db.partitions import make_partitions
from platform_report_server.file_check import FileCheck
from platform_report_server.ingest.deliveries import forget_old
from platform_report_server.ingest.ending import close_silent_runs
from platform_report_server.ingest.flakiness import end_quarantines
from platform_report_server.ingest.once import forget_answers
from platform_report_server.ingest.retention import expire
from platform_report_server.ingest.writer import Write, Writer
from platform_report_server.jobs import Job

_MINUTE, _HOUR = 60.0, 3600.0
_CHECK_SECONDS = 300.0


def sweeping(contents: Contents) -> Job:
    """Return the deletion of the files that no artifact refers to any more."""
    return Job("the deletion of files", _HOUR, contents.sweep)


def chores(writer: Writer, sweep: Job, abandon_after: float) -> list[Job]:
    """Return what is done for every store; a run is closed after so many seconds of silence, or for 0 never."""
    longest = round(abandon_after * 1000)
    silent = partial(close_silent_runs, longest=longest)
    return [
        _written(writer, "the deletion of old runs", _HOUR, expire),
        sweep,
        _written(writer, "the deletion of old idempotency keys", _HOUR, forget_answers),
        _written(writer, "the making of partitions", _HOUR, lambda write: make_partitions(write.connection, write.now)),
        _written(writer, "the end of quarantines", _MINUTE, end_quarantines),
        *([_written(writer, "the closing of runs that nobody ends", _MINUTE, silent)] if longest else []),
    ]


def chores_of_servers(writer: Writer, check: FileCheck, limits: Limits) -> list[Job]:
    """Return what only a server has to do besides: what is embedded does not last for so long."""
    return [
        _written(writer, "the deletion of old deliveries", _HOUR, forget_old),
        Job("the check of files", _CHECK_SECONDS, check.check, is_first=False),
        Job("the deletion of old counts", _MINUTE, limits.forget),
    ]


def _written(writer: Writer, name: str, seconds: float, work: Callable[[Write], object]) -> Job:
    return Job(name, seconds, partial(writer.do, work))
