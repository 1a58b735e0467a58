"""Runs: begun, changed, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import and_, delete, func, insert, or_, select, update

from platform_report_server.db.queries.runs import RunRow, find_run
from platform_report_server.db.schema import artifact, detail, history, lane, result, run, suite
from platform_report_server.errors import NotFound
from platform_report_server.ingest.contents import forget_contents
from platform_report_server.ingest.deliveries import announce_end
from platform_report_server.ingest.ending import settle
from platform_report_server.ingest.failures import forget_failures
from platform_report_server.ingest.writer import Write
from platform_report_server.model import NewRun, RunChange
from platform_report_server.text import clean

_TEXTS = (
    "branch",
    "commit_sha",
    "commit_message",
    "commit_author",
    "ci_provider",
    "ci_build_id",
    "ci_build_url",
    "playwright_version",
    "browser",
    "os",
    "viewport",
    "hostname",
)
_NUMBERS = ("workers", "shard_current", "shard_total")


def add_run(write: Write, project_id: int, new: NewRun) -> RunRow:
    """Store a new run."""
    run_id = write.ids()
    values: dict[str, Any] = {name: clean(getattr(new, name)) for name in _TEXTS}
    values |= {name: getattr(new, name) for name in _NUMBERS}
    values |= {
        "project_id": project_id,
        "id": run_id,
        "status": new.status,
        "title": clean(new.run_title),
        "tags": msgspec.json.encode(new.tags or []).decode(),
        "grep_patterns": msgspec.json.encode(new.grep_patterns or []).decode(),
        "metadata": msgspec.json.encode(new.metadata or {}).decode(),
        "created_at": write.now,
        "updated_at": write.now,
        "finished_at": None if new.status == "running" else write.now,
    }
    write.connection.execute(insert(run).values(values))
    row = _existing(write, run_id)
    if new.status != "running":
        announce_end(write, row)
    return row


def change_run(write: Write, row: RunRow, change: RunChange) -> RunRow:
    """Apply what a PATCH says; a run that ends is settled."""
    values: dict[str, Any] = {"updated_at": write.now}
    for name in ("total", "passed", "failed", "skipped", "flaky"):
        told = getattr(change, f"{name}_tests")
        if told is not None:
            values[f"told_{name}"] = told
    if change.duration is not None:
        values["told_duration"] = change.duration
    if change.metadata is not None:
        values["metadata"] = msgspec.json.encode(change.metadata).decode()
    status = change.status
    if status == "running" and row.abandoned_at is not None:
        status = None  # who comes late to a run that was closed meanwhile does not begin it again
    if status is not None:
        values |= {"status": status, "finished_at": None if status == "running" else write.now, "abandoned_at": None}
    ends = status not in (None, "running")
    is_first = ends and _end(write, row)
    write.connection.execute(update(run).where(run.c.project_id == row.project_id, run.c.id == row.id).values(values))
    if ends:
        settle(write, row.project_id, row.id)
    after = _existing(write, row.id)
    if is_first:
        announce_end(write, after)
    return after


def delete_run(write: Write, row: RunRow) -> None:
    """Delete a run with all that hangs on it; files nobody refers to any more become debts."""
    # first of all: who adds to the run holds its row, and finds it gone after
    write.connection.execute(delete(run).where(run.c.project_id == row.project_id, run.c.id == row.id))
    of_run = {
        table: and_(table.c.project_id == row.project_id, table.c.run_id == row.id)
        for table in (result, detail, suite, artifact, lane)
    }
    _forget_history(write, row, row.folded_seq)
    forget_failures(write, row)
    contents = write.connection.execute(select(artifact.c.sha256).where(of_run[artifact]).distinct()).scalars().all()
    for table, where in of_run.items():
        write.connection.execute(delete(table).where(where))
    forget_contents(write, contents)


def shorten_run(write: Write, row: RunRow, most: int) -> bool:
    """Delete the first results of a run that has more than `most`, at most so many; tell whether there were any."""
    of_run = and_(result.c.project_id == row.project_id, result.c.run_id == row.id)
    first = write.connection.execute(select(func.min(result.c.seq)).where(of_run)).scalar()
    if first is None or row.next_seq - first <= most:
        return False
    below = first + most
    _forget_history(write, row, min(below, row.folded_seq))
    whole = and_(detail.c.project_id == row.project_id, detail.c.run_id == row.id, detail.c.hi < below)
    write.connection.execute(delete(detail).where(whole))
    write.connection.execute(delete(result).where(of_run, result.c.seq < below))
    return True


def hold_run(write: Write, project_id: int, run_id: int) -> None:
    """Keep a run from being deleted by another process until the transaction ends."""
    this_run = select(run.c.id).where(run.c.project_id == project_id, run.c.id == run_id)
    if write.connection.execute(this_run.with_for_update(read=True, key_share=True)).first() is None:
        raise NotFound("There is no such run")


def _forget_history(write: Write, row: RunRow, below: int) -> None:
    """Delete what the first results of a run added to the history of their tests."""
    if row.bucket is None:
        return
    of_run = and_(result.c.project_id == row.project_id, result.c.run_id == row.id, result.c.seq < below)
    in_bucket = and_(history.c.project_id == row.project_id, history.c.bucket == row.bucket)
    its_own = and_(
        history.c.case_id.in_(select(result.c.case_id).where(of_run)),
        history.c.run_id == row.id,
        history.c.seq < below,
    )
    write.connection.execute(delete(history).where(in_bucket, its_own))


def _end(write: Write, row: RunRow) -> bool:
    """End a run; tell whether nobody has before, but for its silence. Two processes may be told at the same time."""
    is_open = or_(run.c.finished_at.is_(None), run.c.abandoned_at.is_not(None))
    ending = update(run).where(run.c.project_id == row.project_id, run.c.id == row.id, is_open)
    return write.connection.execute(ending.values(finished_at=write.now, abandoned_at=None)).rowcount == 1


def _existing(write: Write, run_id: int) -> RunRow:
    row = find_run(write.connection, run_id)
    if row is None:
        raise LookupError(f"run {run_id} was just written and is not there")
    return row
