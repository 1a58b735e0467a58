"""Bring what the delivery record holds to the platform."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..errors import DeliveryError
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from ..platforms.limits import RUNS_WRITE, TESTS_READ, TESTS_WRITE, UPLOADS
from ..platforms.payload import REPORT_ID
from ..settings import Settings
from .delivery import DeliveryRecord
from .files import FileSender
from .findings import Journals
from .flight import Flight
from .pace import Pace
from .receipt import Receipt, take_receipt
from .results import ResultSender
from .run_sender import RunSender, is_shared_run
from .verdict import Verdict


class Sender:
    """Sends what is due of one run; each method returns whether there was anything to send.

    All of them raise :class:`.DeliveryError` where a request did not end well, after noting in the delivery record what
    that means for what was sent.

    :param pace: tells how many requests may be under way together.
    """

    def __init__(
        self,
        platform: Platform,
        folder: Path,
        settings: Settings,
        record: DeliveryRecord,
        journals: Journals,
        pace: Pace,
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._record = record
        self._pace = pace
        identity = record.identity()
        self._maker = identity.maker
        self._marker = identity.marker or f"{REPORT_ID}:{folder.name}"
        self._count: int | DeliveryError | None = None  # asked for while the run was closed
        self._runs = RunSender(platform, settings, record, self._marker, self._key)
        self._results = ResultSender(platform, settings, record, journals, self._key, lambda: self._room(TESTS_WRITE))
        self._files = FileSender(platform, folder, record, journals, self._key, lambda: self._room(UPLOADS))

    def close(self) -> None:
        """Close the platform."""
        self._platform.close()

    @property
    def missing(self) -> str:
        """Which shards had told no end when the run was closed, in words; empty where none is missing."""
        return self._runs.missing

    def send_run(self) -> bool:
        """Create the run, or find it where it may have been created, or join the one that was asked for."""
        return self._runs.send()

    def close_run(self, verdict: Verdict) -> bool:
        """Close the run with its statistics, unless that has been done with the same ones and nothing sent since."""
        self._count = None
        asks = not self._record.has_open() and self._pace.is_free(TESTS_READ)
        return self._runs.close(verdict, [self._counting()] if asks else [])

    def announce(self, verdict: Verdict, *, is_mute: bool) -> bool:
        """Write the totals of a run that others report into as well; as :meth:`.RunSender.announce`."""
        self._runs.announce(verdict, is_mute=is_mute)
        return True

    def take_receipt(self) -> Receipt:
        """Return what the platform shows of the run beside what it has acknowledged."""
        count, self._count = self._count, None
        if isinstance(count, DeliveryError):
            raise count
        is_shared = is_shared_run(self._settings, self._record)
        return take_receipt(self._platform, self._record, count, is_shared=is_shared)

    def has_batch(self) -> bool:
        """Tell whether there is as much to send as goes into a request, or something that may have arrived."""
        return self._record.has_batch(self._results.batch(self._capabilities()))

    def settle_tests(self) -> bool:
        """Find out of the next tests that may have arrived whether they have: ask, or send the same request again."""
        return self._results.settle(self._capabilities())

    def send_tests(self) -> bool:
        """Send the next tests, with their suites, and beside them what there is to be told of the run."""
        rest = self._runs.rest() if self._pace.is_free(RUNS_WRITE) else []
        return self._results.send(self._capabilities(), rest)

    def send_artifacts(self) -> bool:
        """Send the next artifacts whose tests have arrived, and again those that may have."""
        return self._files.send(self._capabilities())

    def _counting(self) -> Flight:
        run_id = str(self._record.run_id)

        def note(answer: int | DeliveryError) -> None:
            self._count = answer

        return Flight(lambda: self._platform.count_tests(run_id), note)

    def _room(self, group: str) -> int:
        return min(self._platform.most_at_once, self._pace.room(group))

    def _capabilities(self) -> Capabilities:
        run = self._record.run()
        return Capabilities.parse(run[2]) if run else Capabilities()

    def _key(self, *parts: str) -> str:
        return hashlib.sha256("\0".join((self._marker, self._maker, *parts)).encode()).hexdigest()[:40]
