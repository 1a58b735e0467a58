"""The uploader's life: hold the lock, follow the journals, deliver, close the run, leave."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, DeliveryError, LockedError
from ..locking import hold
from ..platforms.client import open_platform
from ..settings import Settings
from .delivery import DeliveryRecord
from .facts import gather
from .findings import Journals
from .intake import Intake
from .pace import Pace
from .sender import Sender
from .status import Status
from .verdict import Verdict, closing_fields, judge, to_text

_IDLE_SECONDS = 0.05
_DETACHED_SECONDS = 3600.0
_UNREACHABLE_SECONDS = 10.0
_NOTES = 100
_CLOSING_TRIES = 3

_log = logging.getLogger(__name__)


def main(folder: str, session_pidfd: int | None = None) -> None:
    """Deliver the run in *folder* while its session runs; the process's only task."""
    logging.basicConfig(
        filename=Path(folder) / "uploader.log", level=logging.WARNING, format="%(asctime)s %(name)s %(message)s"
    )
    try:
        deliver(Path(folder), os.environ.get("PLATFORM_API_KEY", ""), session_pidfd=session_pidfd)
    except LockedError:
        pass  # another session of the run has started one
    except Exception:
        _log.exception("the uploader failed")


def deliver(
    folder: Path,
    api_key: str,
    *,
    session_pidfd: int | None = None,
    patience: float | None = None,
    follow: bool = True,
    watch: Callable[[dict[str, Any]], None] = lambda status: None,
) -> dict[str, Any]:
    """Deliver the run in *folder* until it is over and settled, or the time for it has come; return the last status.

    :param patience: seconds to go on after the run's end; by default what its session was told to wait, or an hour
        where that does not wait.
    :param follow: wait for sessions that still run; without it, what there is is delivered.
    :param watch: told of each new status.
    :raises LockedError: another uploader has the folder.
    """
    while True:
        with hold(folder / "lock"):
            uploader = Uploader(folder, api_key, session_pidfd, patience, follow, watch)
            try:
                uploader.run()
                status = uploader.status()
            finally:
                uploader.close()
        # A session of the same run may have begun, and its uploader left, while this one still held the lock.
        if not uploader.has_newcomers():
            return status
        session_pidfd = None


class Uploader:
    """Delivers one run folder. The folder's lock is its maker's business."""

    def __init__(
        self,
        folder: Path,
        api_key: str,
        session_pidfd: int | None,
        patience: float | None,
        follow: bool,
        watch: Callable[[dict[str, Any]], None],
    ) -> None:
        self._folder = folder
        self._api_key = api_key
        self._patience = patience
        self._follow = follow
        self._watch = watch
        self._record = DeliveryRecord(folder)
        self._journals = Journals(folder)
        self._intake = Intake(folder, self._record, self._journals, session_pidfd)
        self._pace = Pace()
        self._status = Status(folder)
        self._settings: Settings | None = None
        self._sender: Sender | None = None
        self._given_up = ""
        self._trouble = ""
        self._total: int | None = None
        self._is_finished = False
        self._is_done = False

    def close(self) -> None:
        """Close the platform and the delivery record."""
        if self._sender is not None:
            self._sender.close()
        self._record.close()

    def run(self) -> None:
        """Follow and deliver."""
        deadline = _Deadline()
        while True:
            found = self._intake.take()
            if self._settings is None and self._intake.main is not None:
                self._plan(self._intake.main)
            sent = self._send()
            if self._intake.is_over:
                self._intake.settle_held()
            if self._intake.is_over or not self._follow:
                if not sent and self._is_settled():
                    break
                if deadline.is_past(self._longest(), self._sender is None or bool(self._sender.unreachable)):
                    break
            if self._status.is_due():
                self._tell()
            if not found and not sent:
                time.sleep(_IDLE_SECONDS)
        if self._intake.is_over:
            self._close_run()
            self._is_done = True
        self._tell()

    def has_newcomers(self) -> bool:
        """Tell whether a process has joined the run since the last look."""
        known = len(self._intake.tail.segments)
        self._intake.tail.discover()
        return len(self._intake.tail.segments) > known

    def status(self) -> dict[str, Any]:
        """Return what there is to tell, as JSON values."""
        sessions = self._sessions()
        return {
            "state": "done" if self._is_done else "delivering",
            "run": self._address(),
            "run_id": self._record.run_id,
            "totals": self._record.totals(),
            "sessions": sessions,
            "notes": self._notes(),
        }

    # -- beginning

    def _plan(self, session: dict[str, Any]) -> None:
        self._settings = Settings.from_journal(session["settings"], self._api_key)
        if self._record.run() is None:
            self._record.plan_run(_run_fields(session, self._settings))

    def _open(self, settings: Settings) -> None:
        if self._given_up or not self._pace.is_free("open"):
            return
        try:
            platform = open_platform(settings)
        except (ConfigurationError, DeliveryError) as error:
            self._trouble = str(error)
            if isinstance(error, ConfigurationError) or error.permanent:
                self._given_up = str(error)
            else:
                self._pace.failed("open", error)
            return
        self._trouble = ""
        self._sender = Sender(platform, self._folder, settings, self._record, self._journals, self._pace)

    def _send(self) -> bool:
        if self._settings is None or not (self._record.run_id is None or self._record.has_open()):
            return False
        if self._sender is None:
            self._open(self._settings)
        return self._sender is not None and self._sender.send_some()

    # -- ending

    def _is_settled(self) -> bool:
        """Whether nothing is left to do, or nothing can be done."""
        if self._hopeless():
            return True
        return self._settings is None or (self._record.run_id is not None and not self._record.has_open())

    def _hopeless(self) -> str:
        return self._given_up or (self._sender.given_up if self._sender else "")

    def _longest(self) -> float:
        if self._patience is not None:
            return self._patience
        if self._settings is None:
            return 0.0
        return _DETACHED_SECONDS if self._settings.detach else self._settings.drain_timeout

    def _close_run(self) -> None:
        verdict = self._judge()
        if verdict is None or self._settings is None or self._hopeless():
            return
        if not self._settings.run_id and self._record.finished() == to_text(
            closing_fields(verdict, self._record.totals())
        ):
            self._is_finished = True
            return
        for _ in range(_CLOSING_TRIES):
            if self._sender is None:
                self._open(self._settings)
            if self._sender is not None:
                self._is_finished = self._sender.finish(verdict)
            if self._is_finished or self._hopeless():
                break
            time.sleep(min(1.0, self._pace.next_try()))
        if self._sender is not None:
            self._total = self._sender.platform_total()

    def _judge(self) -> Verdict | None:
        segments = [segment for segment in self._intake.tail.segments.values() if segment.session is not None]
        return judge(segments, self._record.totals())

    # -- telling

    def _tell(self) -> None:
        status = self.status()
        self._status.write(status)
        self._watch(status)

    def _sessions(self) -> dict[str, dict[str, Any]]:
        tests, files = self._record.counts(), self._record.artifact_counts()
        sessions: dict[str, dict[str, Any]] = {}
        for segment in self._intake.tail.segments.values():
            if segment.session is None:
                continue
            told = sessions.setdefault(segment.owner, {"is_over": True})
            told["is_over"] = told["is_over"] and segment.is_over
        for name, told in sessions.items():
            mine = {state: count for (session, state), count in tests.items() if session == name}
            left = sum(
                count for (s, state), count in files.items() if s == name and state not in ("acknowledged", "refused")
            )
            told["found"] = sum(mine.values())
            told["acknowledged"] = mine.get("acknowledged", 0)
            told["refused"] = mine.get("refused", 0)
            told["files_left"] = left
            all_sent = told["acknowledged"] + told["refused"] == told["found"] and not left
            others_run = not self._intake.is_over
            told["settled"] = self._is_done or (told["is_over"] and others_run and all_sent)
            told["complete"] = (
                all_sent and not told["refused"] and (others_run or (self._is_finished and self._adds_up()))
            )
        return sessions

    def _adds_up(self) -> bool:
        return self._total is None or self._total >= sum(self._record.totals().values())

    def _address(self) -> str:
        run_id = self._record.run_id
        if run_id is None or self._settings is None:
            return ""
        if self._settings.url:
            return f"{self._settings.url.removesuffix('/api')}/runs/{run_id}"
        return f"{run_id}, shown by 'platform-report show {run_id}' and 'platform-report serve'"

    def _notes(self) -> list[str]:
        notes = list(self._intake.tail.problems.values())
        if trouble := self._hopeless() or self._trouble or (self._sender.trouble if self._sender else ""):
            notes.append(trouble)
        notes += [f"refused: {node}: {why}" for node, why in self._record.refusals(_NOTES)]
        notes += [f"not sent: {why}" for why in self._record.skipped_artifacts(_NOTES)]
        if not self._adds_up():
            notes.append(f"the platform counts {self._total} tests in this run, fewer than it acknowledged")
        return notes


@dataclass
class _Deadline:
    """Runs from the first look after the run's end; shorter while the platform cannot be reached at all."""

    begun: float | None = None

    def is_past(self, longest: float, unreachable: bool) -> bool:
        if self.begun is None:
            self.begun = time.monotonic()
        most = min(longest, _UNREACHABLE_SECONDS) if unreachable else longest
        return time.monotonic() - self.begun >= most


def _run_fields(session: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return the fields of POST /runs: what the session told, and what this process can find out."""
    facts = session["facts"]
    rootdir = Path(facts["rootdir"])
    fields = {
        **gather(os.environ, rootdir),
        "runTitle": settings.run_title or rootdir.name,
        "tags": list(settings.tags),
        "workers": facts["workers"],
    }
    if facts["grep_patterns"]:
        fields["grepPatterns"] = facts["grep_patterns"]
    if settings.shard:
        fields["shardCurrent"], fields["shardTotal"] = settings.shard
    return fields
