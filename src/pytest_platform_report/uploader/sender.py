"""Bring what the delivery record holds to the platform, one request at a time."""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from pathlib import Path
from typing import Any

from ..errors import DeliveryError, JournalError
from ..model import Place, Result
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from ..platforms.payload import REPORT_ID, test_fields
from ..settings import Settings
from .delivery import DeliveryRecord, TestRow
from .files import FileSender
from .findings import Journals
from .joining import Share, close, drive, join
from .joint_run import AWAITED, JointEnd, JointRuns
from .outcome import is_about_the_item, may_have_arrived
from .verdict import Verdict, closing_fields, to_text

_BATCH_BYTES = 4 * 1024 * 1024


class Sender:
    """Sends what is due of one run; each method returns whether there was anything to send.

    All of them raise :class:`.DeliveryError` where a request did not end well, after noting in the delivery record what
    that means for what was sent.

    :ivar missing: which shards had told no end when the run was closed, in words; empty where none is missing.
    """

    def __init__(
        self, platform: Platform, folder: Path, settings: Settings, record: DeliveryRecord, journals: Journals
    ) -> None:
        self.missing = ""
        self._platform = platform
        self._settings = settings
        self._record = record
        self._journals = journals
        identity = record.identity()
        self._maker = identity.maker
        self._marker = identity.marker or f"{REPORT_ID}:{folder.name}"
        self._files = FileSender(platform, folder, record, journals)

    def close(self) -> None:
        """Close the platform."""
        self._platform.close()

    def send_run(self) -> bool:
        """Create the run, or find it where it may have been created, or join the one that was asked for."""
        run = self._record.run()
        if run is None:
            return False
        _, state, _, fields = run
        metadata = fields.pop("metadata", {})
        if self._settings.run_id:
            self._enter_run(self._settings.run_id)
            return True
        if self._record.identity().is_joint:
            self._join_run(fields, metadata)
            return True
        if state == "unknown":
            found = self._platform.find_run(
                self._marker, branch=fields.get("branch"), ci_build_id=fields.get("ciBuildId")
            )
            if found is not None:
                self._begin_run(found, self._platform.capabilities_of(found), metadata)
                return True
        self._record.set_run("sent")
        try:
            created = self._platform.create_run(
                {**fields, "tags": [*fields.get("tags", ()), self._marker]}, self._key("run")
            )
        except DeliveryError as error:
            self._record.set_run("unknown" if may_have_arrived(error) else "pending")
            raise
        self._begin_run(created.id, created.capabilities, metadata)
        return True

    def _enter_run(self, run_id: str) -> None:
        """Join the run that was asked for."""
        capabilities = self._platform.capabilities_of(run_id)
        if self._settings.shard or AWAITED in (self._platform.get_run(run_id).get("tags") or ()):
            self._record.share_run()
        self._record.set_run("acknowledged", run_id, capabilities.to_text())

    def _join_run(self, fields: dict[str, Any], metadata: dict[str, str]) -> None:
        """Find the run that all shards share, or create it."""
        self._record.set_run("sent")
        runs = JointRuns(self._platform, fields, self._marker, self._maker, self._key("run"))
        try:
            standing = drive(join(self._maker), runs.perform)
            capabilities = self._platform.capabilities_of(standing.id)
        except DeliveryError:
            self._record.set_run("unknown")
            raise
        self._begin_run(standing.id, capabilities, metadata if self._maker in standing.tags else {})

    def _begin_run(self, run_id: str, capabilities: Capabilities, metadata: dict[str, str]) -> None:
        """Add to a run of ours what only a platform that announces it takes; only then is the run acknowledged."""
        if capabilities.metadata and metadata:
            try:
                self._platform.update_run(run_id, {"metadata": metadata}, self._key("metadata"))
            except DeliveryError as error:
                if not is_about_the_item(error):
                    self._record.set_run("unknown")
                    raise
        self._record.set_run("acknowledged", run_id, capabilities.to_text())

    def close_run(self, verdict: Verdict) -> bool:
        """Close the run with its statistics, unless that has been done with the same ones."""
        run_id = str(self._record.run_id)
        is_joint = self._record.identity().is_joint
        if is_joint or self._settings.run_id:  # others report into it as well: only the platform has seen all of it
            told = verdict.of_shards if is_joint else {}
            share = Share(told, verdict.status, verdict.duration, self._record.open_totals())
            closing = drive(close(share), JointEnd(self._platform, run_id).perform)
            self.missing = closing.tell_missing()
            self._record.set_finished(to_text(closing.fields))
            return True
        fields = closing_fields(verdict, self._record.totals())
        text = to_text(fields)
        if self._record.finished() == text:
            return False
        self._platform.update_run(run_id, fields, self._key("finish", text))
        self._record.set_finished(text)
        return True

    def count_tests(self) -> int:
        """Return how many tests the platform counts in this run."""
        return self._platform.count_tests(str(self._record.run_id))

    def send_tests(self) -> bool:
        """Send the next tests, with their suites: those first that may have arrived."""
        rows = self._record.unknown_tests()
        if rows:
            return self._settle_unknown(rows)
        capabilities = self._capabilities()
        rows = self._record.tests_to_send(max(1, min(capabilities.bulk, 200)), _BATCH_BYTES)
        if not rows:
            return False
        rows.sort(key=attrgetter("id"))  # sent again, the request must be the same, whatever is urgent by then
        self._send_batch(rows, batch=self._key("tests", *(str(row.id) for row in rows)))
        return True

    def _settle_unknown(self, rows: list[TestRow]) -> bool:
        if self._capabilities().idempotency and rows[0].batch is not None:
            self._send_batch(rows, batch=rows[0].batch, again=True)
            return True
        for row in rows:
            result = self._result(row)
            if result is None:
                continue
            place, shown_as = result.place, result.shown_as
            found = self._platform.find_test(str(self._record.run_id), place.full_title, result.report_id, shown_as)
            if found is not None:
                self._record.set_tests([row.id], "acknowledged", remote=found)
            else:
                self._record.set_tests([row.id], "pending")
        return True

    def _send_batch(self, rows: list[TestRow], batch: str, *, again: bool = False) -> None:
        capabilities = self._capabilities()
        ready: list[TestRow] = []
        bodies = []
        for row in rows:
            result = self._result(row)
            if result is None:
                continue
            self._send_suites(result.place)
            ready.append(row)
            bodies.append(
                test_fields(
                    result, run_id=str(self._record.run_id), project=self._settings.project, capabilities=capabilities
                )
            )
        if not ready:
            return
        ids = [row.id for row in ready]
        self._record.set_tests(ids, "sent", batch=batch)
        try:
            answers: list[str | DeliveryError]
            if capabilities.bulk:
                answers = self._platform.create_tests(bodies, batch)
            else:
                answers = [self._platform.create_test(bodies[0], batch)]
        except DeliveryError as error:
            if not is_about_the_item(error):
                self._record.set_tests(ids, "unknown" if may_have_arrived(error) else "pending", batch=batch)
                raise
            if again:  # refused as a repetition, perhaps: another version of ours made the request; look each one up
                self._record.set_tests(ids, "unknown")
                return
            if len(ready) > 1:  # one of them is at fault, and the answer does not tell which
                self._record.set_tests(ids, "pending")
                for row in ready:
                    self._send_batch([row], self._key("tests", str(row.id)))
                return
            answers = [error]
        self._take_answers(ids, answers)

    def _take_answers(self, ids: list[int], answers: list[str | DeliveryError]) -> None:
        postponed: DeliveryError | None = None
        with self._record.together():
            for id_, answer in zip(ids, answers, strict=True):
                if isinstance(answer, str):
                    self._record.set_tests([id_], "acknowledged", remote=answer)
                elif is_about_the_item(answer):
                    self._record.set_tests([id_], "refused", why=str(answer))
                else:
                    self._record.set_tests([id_], "unknown" if may_have_arrived(answer) else "pending")
                    postponed = answer
        if postponed is not None:
            raise postponed

    def _send_suites(self, place: Place) -> None:
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

    def _result(self, row: TestRow) -> Result | None:
        try:
            return self._journals.read(list(row.spans))
        except (JournalError, OSError, KeyError, TypeError, ValueError) as error:
            self._record.set_tests([row.id], "refused", why=f"the journal cannot be read back: {error}")
            return None

    def send_artifact(self) -> bool:
        """Send the next artifact whose test has arrived."""
        self._record.refuse_orphans()
        rows = self._record.artifacts_to_send(1)
        if not rows:
            return False
        self._files.send(rows[0], self._capabilities(), self._key("artifact", rows[0].segment, str(rows[0].start)))
        return True

    def _capabilities(self) -> Capabilities:
        run = self._record.run()
        return Capabilities.parse(run[2]) if run else Capabilities()

    def _key(self, *parts: str) -> str:
        return hashlib.sha256("\0".join((self._marker, self._maker, *parts)).encode()).hexdigest()[:40]
