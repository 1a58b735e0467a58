"""The uploader's life: follow the journals, deliver, close the run, leave."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import FolderGoneError
from ..platforms.payload import REPORT_ID
from ..redact import secrets_in
from ..settings import Access, Settings
from .courier import Courier
from .delivery import DeliveryRecord
from .facts import run_fields
from .findings import Journals
from .intake import Intake
from .joint_run import MAKER
from .lifetime import Deadline
from .rhythm import IDLE_SECONDS, Rhythm
from .rows import Identity
from .status import Status
from .tail import Handle
from .verdict import Verdict, judge

_DETACHED_SECONDS = 3600.0
_UNREACHABLE_SECONDS = 10.0
_CLOSING_TRIES = 3
_SOON_SECONDS = 2.0
_OVERRUN_SECONDS = 3.0
_REST_SECONDS = 0.25
_DELETION_SECONDS = 0.5


class Uploader:
    """Delivers one run folder. The folder's lock is its maker's business."""

    def __init__(
        self,
        folder: Path,
        access: Access,
        session: Handle | None,
        patience: float | None,
        follow: bool,
        watch: Callable[[dict[str, Any]], None],
        launcher: Mapping[str, Any] | None,
        is_in_place: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._is_in_place = is_in_place
        self._access = access
        self._patience = patience
        self._follow = follow
        self._watch = watch
        self._record = DeliveryRecord(folder)
        self._journals = Journals(folder)
        secrets = [access.api_key, *secrets_in(os.environ)]
        self._intake = Intake(folder, self._record, self._journals, session, secrets, launcher)
        self._status = Status(folder, self._record, self._intake.tail)
        self._rhythm = Rhythm(self._intake.tail)
        self._settings: Settings | None = None
        self._courier: Courier | None = None
        self._deadline = Deadline(folder, self._longest, follow=follow)

    def close(self) -> None:
        """Close the platform and the delivery record, and let go of the processes."""
        self._deadline.close()
        self._rhythm.close()
        self._intake.tail.close()
        self._journals.close()
        try:
            if self._courier is not None:
                self._courier.close()
        finally:
            self._record.close()

    def run(self) -> None:
        """Follow and deliver.

        :raises FolderGoneError: the folder, or a journal in it, has been deleted or moved away.
        """
        self._tell()  # so that the session knows whom it waits for, even if the first answer never comes
        is_announced = is_news = False
        if not self._follow:
            self._intake.take()  # it takes a second look to know that a run is over, and there may be nothing to send
        while True:
            if not self._is_in_place():
                raise FolderGoneError(f"{self._folder} was deleted while it was delivered")
            found = self._intake.take()
            if self._courier is None and self._intake.main is not None and self._has_all():
                self._courier = self._plan(self._intake.main)
            if self._intake.is_over:
                self._intake.settle_held()
                is_announced = is_announced or self._announce()  # before tests, which may leave no room for it
            sent = self._courier is not None and self._courier.send_some()
            if self._intake.is_over or not self._follow:
                self._deadline.begin()
                if not (found or sent) and (self._courier is None or not self._courier.has_more()):
                    break
                if self._is_past() and not self._overruns():
                    break
            else:
                self._deadline.put_off()
            is_news |= found or sent or self._intake.is_over
            if is_news and self._status.is_due():
                self._tell()
                is_news = False
            wait = None if self._courier is None else self._courier.wait_to_send
            if self._intake.is_over or not self._follow:
                if not found and not sent:
                    time.sleep(max(IDLE_SECONDS, min(wait or 0.0, _REST_SECONDS)))
            elif not (sent and self._courier is not None and self._courier.has_batch()):
                self._rhythm.rest(wait)
        if self._intake.is_over:
            self._has_all()
            self._close_run()
        self._tell()

    def make_anew(self) -> None:
        """Make the run folder anew, with its journals and what is known of the delivery.

        What the embedded platform had is gone with the spool: there, all is looked up.

        :raises OSError: it cannot be made.
        """
        time.sleep(_DELETION_SECONDS)  # who is about to delete it must not find it made again
        for folder in (self._folder, self._folder / "journal", self._folder / "artifacts"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for segment in self._intake.tail.segments.values():
            segment.reader.restore()
        if self._settings is not None and self._settings.url:
            self._record.copy_to(self._folder)
        else:
            (self._folder / "restored").touch()

    def has_newcomers(self) -> bool:
        """Tell whether a process has joined the run since the last look."""
        known = len(self._intake.tail.segments)
        self._intake.tail.discover()
        return len(self._intake.tail.segments) > known

    def status(self) -> dict[str, Any]:
        """Return what there is to tell, as JSON values."""
        return self._status.compose(self._settings, self._courier)

    def _has_all(self) -> bool:
        """Tell whether each journal is there that has been, or will not come back."""
        missing = self._intake.missing()
        if missing and self._follow and not self._intake.is_over:
            return False
        self._journals.lost = missing
        self._status.lost = sorted(missing)
        return True

    def _plan(self, session: dict[str, Any]) -> Courier:
        # The spool may have been moved since: an artifact of a CI job is unpacked elsewhere, and delivered there.
        settings = Settings.from_journal(session["settings"])
        key = self._access.key_for(settings.url)
        self._settings = replace(settings, api_key=key, spool=self._folder.parent.parent)
        if self._record.run() is None:
            fields = run_fields(session["facts"], self._settings, os.environ, self._intake.redact)
            joint_key = session.get("joint", "")
            if joint_key:
                fields.pop("shardCurrent", None)  # the run is that of all shards, whichever of them creates it
            marker, maker = f"{REPORT_ID}:{joint_key or self._folder.name}", f"{MAKER}:{session['id']}"
            self._record.plan_run(fields, Identity(marker, maker, bool(joint_key)))
        return Courier(self._folder, self._settings, self._record, self._journals)

    def _is_past(self) -> bool:
        is_unreachable = self._courier is not None and self._courier.is_unreachable
        return self._deadline.is_past(_UNREACHABLE_SECONDS if is_unreachable else math.inf)

    def _overruns(self) -> bool:
        """Tell whether failures may still go out: a limit that a run met when it began ends when its time does."""
        left = (self._longest() or 0.0) + _OVERRUN_SECONDS - self._deadline.age
        if left <= 0 or self._courier is None or not self._courier.hurry(left):
            return False
        self._deadline.move(left)
        return True

    def _longest(self) -> float | None:
        if self._patience is not None:
            return self._patience
        if self._settings is None:
            return None
        return _DETACHED_SECONDS if self._settings.detach else self._settings.drain_timeout

    def _announce(self) -> bool:
        """Tell what was found while much of it is still to be sent; tell whether that is done."""
        courier = self._courier
        if courier is None or not (courier.lags or self._deadline.age > _SOON_SECONDS) or not courier.can_announce:
            return False
        verdict = self._judge()
        return verdict is not None and courier.announce(verdict)

    def _judge(self) -> Verdict | None:
        return judge(self._intake.tail.known(), self._record.totals(), self._record.dropped())

    def _close_run(self) -> None:
        verdict = self._judge()
        if verdict is not None and self._courier is not None:
            for tries in count(1):
                self._status.is_closed = self._courier.close_run(verdict)
                if self._status.is_closed or not self._courier.can_close:
                    break
                if tries >= _CLOSING_TRIES and self._is_past():
                    break
                time.sleep(max(IDLE_SECONDS, min(1.0, self._courier.wait_to_close)))
            self._status.receipt = self._courier.take_receipt()
        self._status.is_done = True

    def _tell(self) -> None:
        status = self.status()
        self._status.write(status)
        self._watch(status)
