"""Bring what the delivery record holds to the platform, one request at a time."""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from pathlib import Path

from ..errors import DeliveryError, JournalError
from ..model import Lane, Place, Result
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from ..platforms.payload import REPORT_ID, test_fields
from ..settings import Settings
from .delivery import DeliveryRecord
from .files import FileSender
from .findings import Journals
from .receipt import Receipt, take_receipt
from .rows import TestRow
from .run_sender import RunSender, is_shared_run
from .states import after, is_about_the_item, is_suspect
from .verdict import Verdict

_BATCH_TESTS = 500
_BATCH_BYTES = 4 * 1024 * 1024


class Sender:
    """Sends what is due of one run; each method returns whether there was anything to send.

    All of them raise :class:`.DeliveryError` where a request did not end well, after noting in the delivery record what
    that means for what was sent.
    """

    def __init__(
        self, platform: Platform, folder: Path, settings: Settings, record: DeliveryRecord, journals: Journals
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._record = record
        self._journals = journals
        identity = record.identity()
        self._maker = identity.maker
        self._marker = identity.marker or f"{REPORT_ID}:{folder.name}"
        self._is_vain = False
        self._made: set[tuple[str, tuple[str, ...]]] = set()
        self._runs = RunSender(platform, settings, record, self._marker, self._key)
        self._files = FileSender(platform, folder, record, journals)

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
        return self._runs.close(verdict)

    def announce(self, verdict: Verdict, *, is_mute: bool) -> bool:
        """Write the totals of a run that others report into as well; as :meth:`.RunSender.announce`."""
        self._runs.announce(verdict, is_mute=is_mute)
        return True

    def take_receipt(self) -> Receipt:
        """Return what the platform shows of the run beside what it has acknowledged."""
        return take_receipt(self._platform, self._record, is_shared=is_shared_run(self._settings, self._record))

    def has_batch(self) -> bool:
        """Tell whether there is as much to send as goes into a request, or something that may have arrived."""
        return self._record.has_batch(self._batch)

    @property
    def _batch(self) -> int:
        return max(1, min(self._capabilities().bulk, _BATCH_TESTS))

    def settle_tests(self) -> bool:
        """Find out of the next tests that may have arrived whether they have: ask, or send the same request again."""
        rows = self._record.unknown_tests()
        if not rows:
            return False
        batch = rows[0].batch
        if self._capabilities().idempotency and batch is not None and not rows[0].is_odd:
            self._send_batch(rows, batch=batch, again=True)
        else:
            for row in rows:
                self._look_up(row)
        return True

    def send_tests(self) -> bool:
        """Send the next tests, with their suites."""
        rows = self._record.tests_to_send(self._batch, _BATCH_BYTES)
        if not rows:
            return False
        rows.sort(key=attrgetter("id"))  # sent again, the request must be the same, whatever is urgent by then
        self._send_batch(rows, batch=self._key_of(rows))
        return True

    def _look_up(self, row: TestRow) -> None:
        result = self._result(row)
        if result is None:
            return
        try:
            found = self._platform.find_test(
                str(self._record.run_id), result.place.full_title, result.report_id, result.shown_as
            )
        except DeliveryError as error:
            if is_about_the_item(error):
                self._record.set_tests(
                    [row.id], "refused", why=f"it may have arrived, and cannot be looked up: {error}"
                )
                return
            if is_suspect(error):
                self._record.set_tests([row.id], "unknown", tried=True)
            raise
        if found is not None:
            self._record.set_tests([row.id], "acknowledged", remote=found)
            return
        self._record.set_tests([row.id], "pending")
        if self._is_vain:
            self._is_vain = False
            self._platform.ping()  # should it fail every second request, the next one is not that which sends the test

    def _send_batch(self, rows: list[TestRow], batch: str, *, again: bool = False) -> None:
        capabilities, run_id = self._capabilities(), str(self._record.run_id)
        ready: list[TestRow] = []
        bodies = []
        for row in rows:
            result = self._result(row)
            if result is None or not self._send_suites(row, result.place):
                continue
            ready.append(row)
            bodies.append(
                test_fields(
                    result,
                    run_id=run_id,
                    project=self._settings.project,
                    capabilities=capabilities,
                    lane=Lane(row.worker, self._journals.shard_of(row.session)),
                )
            )
        if not ready:
            return
        ids = [row.id for row in ready]
        self._record.set_tests(ids, "sent", batch=batch)
        try:
            answers: list[str | DeliveryError]
            if capabilities.bulk:
                answers = self._platform.create_tests(bodies, batch, zipped=capabilities.gzip)
            else:
                answers = [self._platform.create_test(bodies[0], batch)]
        except DeliveryError as error:
            if not is_about_the_item(error):
                self._is_vain = not again
                state = "unknown" if again else after("test", error)  # what went before may have arrived all the same
                self._record.set_tests(ids, state, batch=batch, tried=is_suspect(error))
                raise
            if again:  # refused as a repetition, perhaps: another version of ours made the request; look each one up
                self._record.set_tests(ids, "unknown", tried=True)
                return
            if len(ready) > 1:  # one of them is at fault, and the answer does not tell which
                self._record.set_tests(ids, "pending")
                for row in ready:
                    self._send_batch([row], self._key_of([row]))
                return
            answers = [error]
        self._take_answers(ids, answers)

    def _take_answers(self, ids: list[int], answers: list[str | DeliveryError]) -> None:
        postponed: DeliveryError | None = None
        with self._record.together():
            told = list(zip(ids, answers, strict=True))
            self._record.acknowledge({id_: answer for id_, answer in told if isinstance(answer, str)})
            for id_, answer in told:
                if isinstance(answer, str):
                    continue
                state = after("test", answer)
                if state == "refused":
                    self._record.set_tests([id_], state, why=str(answer))
                else:
                    self._record.set_tests([id_], state, tried=is_suspect(answer))
                    postponed = answer
        if postponed is not None:
            raise postponed

    def _send_suites(self, row: TestRow, place: Place) -> bool:
        """Make the suites of a test, those that are not known yet; tell whether all are there, or come with it."""
        if self._capabilities().suites:
            return True
        try:
            self._make_suites(place)
        except DeliveryError as error:
            if is_about_the_item(error):
                self._record.set_tests([row.id], "refused", why=f"its suite: {error}")
                return False
            if is_suspect(error):
                self._record.set_tests([row.id], row.state, batch=row.batch, tried=True)
            raise
        return True

    def _make_suites(self, place: Place) -> None:
        if (place.file_path, place.suites) in self._made:
            return
        parent: str | None = None
        for depth in range(1, len(place.suites) + 1):
            path = json.dumps([place.file_path, *place.suites[:depth]])
            remote = self._record.suite(path)
            if remote is None:
                fields = {"runId": self._record.run_id, "title": place.suites[depth - 1], "filePath": place.file_path}
                if parent is not None:
                    fields["parentSuiteId"] = parent
                remote = self._platform.upsert_suite(fields, self._key("suite", path))
                self._record.add_suite(path, remote)
            parent = remote
        self._made.add((place.file_path, place.suites))

    def _result(self, row: TestRow) -> Result | None:
        try:
            return self._journals.read(list(row.spans))
        except (JournalError, OSError, KeyError, TypeError, ValueError) as error:
            self._record.set_tests([row.id], "refused", why=f"the journal cannot be read back: {error}")
            return None

    def send_artifact(self) -> bool:
        """Send the next artifact whose test has arrived, and again one that may have."""
        self._record.refuse_orphans()
        rows = self._record.artifacts_to_send(1)
        if not rows:
            return False
        self._files.send(rows[0], self._capabilities(), self._key("artifact", rows[0].segment, str(rows[0].start)))
        return True

    def _capabilities(self) -> Capabilities:
        run = self._record.run()
        return Capabilities.parse(run[2]) if run else Capabilities()

    def _key_of(self, rows: list[TestRow]) -> str:
        # Tried again, it is another request: a platform may answer a repetition with the failure that it has kept.
        return self._key("tests", *(f"{row.id} {row.tries}" for row in rows))

    def _key(self, *parts: str) -> str:
        return hashlib.sha256("\0".join((self._marker, self._maker, *parts)).encode()).hexdigest()[:40]
