"""Bring the tests of one run to a platform, several requests at once where it knows a repetition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from ..errors import DeliveryError, JournalError
from ..model import Lane, Result
from ..platforms.capabilities import Capabilities
from ..platforms.client import Platform
from ..platforms.payload import test_fields
from ..settings import Settings
from .delivery import DeliveryRecord
from .findings import Journals
from .flight import Flight, fly
from .rows import TestRow
from .states import after, is_about_the_item, is_suspect
from .suites import SuiteMaker

_BATCH_TESTS = 500
_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class _Batch:
    """Tests that go in one request.

    :ivar again: it went before, and may have arrived.
    """

    rows: Sequence[TestRow]
    key: str
    bodies: Sequence[dict[str, Any]]
    again: bool = False

    @property
    def ids(self) -> list[int]:
        return [row.id for row in self.rows]


class ResultSender:
    """Sends tests, and looks for those that may have arrived; raises as :class:`.Sender` does.

    :param key: makes an idempotency key.
    :param room: tells how many writes of tests may be under way together.
    """

    def __init__(
        self,
        platform: Platform,
        settings: Settings,
        record: DeliveryRecord,
        journals: Journals,
        key: Callable[..., str],
        room: Callable[[], int],
    ) -> None:
        self._platform = platform
        self._settings = settings
        self._record = record
        self._journals = journals
        self._key = key
        self._room = room
        self._suites = SuiteMaker(platform, record, key, room)
        self._is_vain = False

    def batch(self, capabilities: Capabilities) -> int:
        """Return how many tests go into a request."""
        return max(1, min(capabilities.bulk, _BATCH_TESTS))

    def settle(self, capabilities: Capabilities) -> bool:
        """Find out of the next tests that may have arrived whether they have: ask, or send the same request again."""
        rows = self._record.unknown_tests()
        if not rows:
            return False
        batch = rows[0].batch
        if capabilities.idempotency and batch is not None and not rows[0].is_odd:
            self._send([(rows, batch)], capabilities, again=True)
        else:
            for row in rows:
                self._look_up(row)
        return True

    def send(self, capabilities: Capabilities, beside: Sequence[Flight] = ()) -> bool:
        """Send the next tests, with their suites, and other requests at the same time."""
        # Of several requests that a death leaves without an answer, each is as doubtful as one would be: where a
        # repetition is known for one, none of them can do harm.
        room = self._room() if capabilities.idempotency else 1
        batches = self._record.batches_to_send(self.batch(capabilities), _BATCH_BYTES, room)
        for rows in batches:
            rows.sort(key=attrgetter("id"))  # sent again, the request must be the same, whatever is urgent by then
        self._send([(rows, self._key_of(rows)) for rows in batches], capabilities, beside)
        return bool(batches or beside)

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

    def _send(
        self,
        batches: Sequence[tuple[Sequence[TestRow], str]],
        capabilities: Capabilities,
        beside: Sequence[Flight] = (),
        *,
        again: bool = False,
    ) -> None:
        results = {row.id: result for rows, _ in batches for row in rows if (result := self._result(row)) is not None}
        rows = [row for rows, _ in batches for row in rows if row.id in results]
        if not capabilities.suites:
            rows = self._with_suites(rows, results)
        ready, run_id = {row.id for row in rows}, str(self._record.run_id)
        flights = []
        for told, key in batches:
            kept = [row for row in told if row.id in ready]
            bodies = [self._body(row, results[row.id], run_id, capabilities) for row in kept]
            if kept:
                self._record.set_tests([row.id for row in kept], "sent", batch=key)
                flights.append(self._flight(_Batch(kept, key, bodies, again), capabilities))
        fly(self._platform, [*flights, *beside])

    def _with_suites(self, rows: Sequence[TestRow], results: dict[int, Result]) -> list[TestRow]:
        """Make the suites of tests, those that are not known yet; return the tests whose suites are there."""
        try:
            self._suites.make(results[row.id].place for row in rows)
        finally:
            errors = {row.id: self._suites.error_of(results[row.id].place) for row in rows}
            for row in rows:
                error = errors[row.id]
                if error is not None and is_about_the_item(error):
                    self._record.set_tests([row.id], "refused", why=f"its suite: {error}")
                elif error is not None and is_suspect(error):
                    self._record.set_tests([row.id], row.state, batch=row.batch, tried=True)
        return [row for row in rows if errors[row.id] is None]

    def _body(self, row: TestRow, result: Result, run_id: str, capabilities: Capabilities) -> dict[str, Any]:
        return test_fields(
            result,
            run_id=run_id,
            project=self._settings.project,
            capabilities=capabilities,
            lane=Lane(row.worker, self._journals.shard_of(row.session)),
        )

    def _flight(self, batch: _Batch, capabilities: Capabilities) -> Flight:
        def send() -> list[str | DeliveryError]:
            if capabilities.bulk:
                return self._platform.create_tests(batch.bodies, batch.key, zipped=capabilities.gzip)
            return [self._platform.create_test(batch.bodies[0], batch.key)]

        def note(answer: list[str | DeliveryError] | DeliveryError) -> None:
            if isinstance(answer, DeliveryError):
                self._note_failure(batch, answer, capabilities)
            else:
                self._note_answers(batch.ids, answer)

        return Flight(send, note)

    def _note_failure(self, batch: _Batch, error: DeliveryError, capabilities: Capabilities) -> None:
        if not is_about_the_item(error):
            self._is_vain = not batch.again
            # What went before may have arrived all the same.
            state = "unknown" if batch.again else after("test", error)
            self._record.set_tests(batch.ids, state, batch=batch.key, tried=is_suspect(error))
            raise error
        if batch.again:  # refused as a repetition, perhaps: another version of ours made the request; look each one up
            self._record.set_tests(batch.ids, "unknown", tried=True)
        elif len(batch.rows) == 1:
            self._note_answers(batch.ids, [error])
        else:  # one of them is at fault, and the answer does not tell which
            self._record.set_tests(batch.ids, "pending")
            for row, body in zip(batch.rows, batch.bodies, strict=True):
                key = self._key_of([row])
                self._record.set_tests([row.id], "sent", batch=key)
                fly(self._platform, [self._flight(_Batch([row], key, [body]), capabilities)])

    def _note_answers(self, ids: Sequence[int], answers: Sequence[str | DeliveryError]) -> None:
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

    def _result(self, row: TestRow) -> Result | None:
        try:
            return self._journals.read(list(row.spans))
        except (JournalError, OSError, KeyError, TypeError, ValueError) as error:
            self._record.set_tests([row.id], "refused", why=f"the journal cannot be read back: {error}")
            return None

    def _key_of(self, rows: Sequence[TestRow]) -> str:
        # Tried again, it is another request: a platform may answer a repetition with the failure that it has kept.
        return self._key("tests", *(f"{row.id} {row.tries}" for row in rows))
