"""Keep at a platform until everything is delivered: open it, keep the pace, know when it is no use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import Busy, ConfigurationError, DeliveryError, NotSent
from ..platforms.client import open_platform
from ..platforms.limits import RUNS_READ, RUNS_WRITE, TESTS_READ, TESTS_WRITE, UPLOADS
from ..settings import Settings
from .delivery import DeliveryRecord
from .findings import Journals
from .pace import Pace
from .receipt import Receipt
from .run_sender import is_shared_run
from .sender import Sender
from .shared_waits import SharedWaits
from .verdict import Verdict, closing_fields, to_text

_LAG_SECONDS = 1.0
_LEAD_SECONDS = 1.0


class Courier:
    """Delivers one run.

    :ivar given_up: why nothing more will be tried, in words; empty while there is hope.
    :ivar trouble: what kept the last request from being answered, in words; empty after an answer.
    :ivar is_unreachable: whether the last request did not even reach the platform.
    :ivar pace: when to try again.
    """

    def __init__(self, folder: Path, settings: Settings, record: DeliveryRecord, journals: Journals) -> None:
        self.given_up = ""
        self.trouble = ""
        self.is_unreachable = False
        self.pace = Pace(shared=SharedWaits.of(settings))
        self._folder = folder
        self._settings = settings
        self._record = record
        self._journals = journals
        self._sender: Sender | None = None
        self._is_limited = False
        self._is_hurried = False
        self._is_announced = False

    def close(self) -> None:
        """Close the platform."""
        if self._sender is not None:
            self._sender.close()

    def has_more(self) -> bool:
        """Tell whether there is anything to send, and any use in trying."""
        return not self.given_up and (self._record.run_id is None or self._record.has_open())

    def has_batch(self) -> bool:
        """Tell whether there is as much to send as goes into a request, or something that may have arrived."""
        return self._sender is not None and self._sender.has_batch()

    @property
    def wait_to_send(self) -> float | None:
        """In how many seconds the platform takes what it does not take now; None where it takes all."""
        groups = (TESTS_WRITE,) if self._record.run_id is not None else (RUNS_READ, RUNS_WRITE)
        return self.pace.next_try(*groups) or None

    def send_some(self) -> bool:
        """Send the next piece of what is due, the run, then tests, then artifacts; return whether there was one."""
        if not self.has_more():
            return False
        if self._record.run_id is None:
            return self._attempt(Sender.send_run, RUNS_READ, RUNS_WRITE)
        return (
            self._attempt(Sender.settle_tests, TESTS_READ, TESTS_WRITE)
            or self._attempt(Sender.send_tests, TESTS_WRITE, later=self._lead)
            or self._attempt(Sender.send_artifacts, UPLOADS)
        )

    @property
    def lags(self) -> bool:
        """Whether tests wait because the platform wants no more of them for a while."""
        return self.pace.next_try(TESTS_WRITE) >= _LAG_SECONDS

    def hurry(self, seconds: float) -> bool:
        """Tell whether failed tests may go out in so many seconds; where only a guess keeps them, they are tried."""
        if self.given_up or (self.trouble and not self._is_limited) or not self._record.has_urgent():
            return False
        if not self._is_hurried:
            self._is_hurried = True
            self.pace.hurry(TESTS_WRITE)
        return self.pace.next_try(TESTS_WRITE) < seconds

    @property
    def can_announce(self) -> bool:
        """Whether it can be told now what has been found, or, where that is done, be told better."""
        return self.can_close and self.has_more() and self.pace.is_free(*self._announcing_groups)

    def announce(self, verdict: Verdict) -> bool:
        """Tell what has been found while much of it is still to be sent; return whether nothing is left to be told.

        Where the platform takes no word for the other shards just now, the totals are told without it.
        """
        if not self._is_shared:
            return self.close_run(verdict)
        is_mute, groups = not self.pace.is_free(TESTS_WRITE), self._announcing_groups
        is_done = self._attempt(lambda sender: sender.announce(verdict, is_mute=is_mute), *groups) and not self.trouble
        self._is_announced |= is_done
        return is_done and not is_mute

    @property
    def can_close(self) -> bool:
        """Whether there is a run to close, and any use in trying."""
        return self._record.run_id is not None and not self.given_up

    def close_run(self, verdict: Verdict) -> bool:
        """Close the run with its statistics; return whether the platform has them."""
        if not self.can_close:
            return False
        own = to_text(closing_fields(verdict, self._record.totals()), self._record.acknowledged())
        if not self._is_shared and self._record.finished() == own:
            return True
        return (
            self._attempt(lambda sender: sender.close_run(verdict) or True, *self._closing_groups) and not self.trouble
        )

    @property
    def wait_to_close(self) -> float:
        """In how many seconds the run may be closed."""
        return self.pace.next_try(*self._closing_groups)

    @property
    def missing(self) -> str:
        """Which shards of the run had told no end when it was closed, in words; empty where none is missing."""
        return self._sender.missing if self._sender is not None else ""

    def take_receipt(self) -> Receipt | None:
        """Return what the platform shows of this run; None where it has not been asked or does not tell."""
        if self._sender is None or self._record.run_id is None:
            return None
        try:
            return self._sender.take_receipt()
        except DeliveryError:
            return None

    @property
    def _is_shared(self) -> bool:
        return is_shared_run(self._settings, self._record)

    @property
    def _closing_groups(self) -> tuple[str, ...]:
        return (TESTS_READ, TESTS_WRITE, RUNS_READ, RUNS_WRITE) if self._is_shared else (RUNS_WRITE,)

    @property
    def _announcing_groups(self) -> tuple[str, ...]:
        if self._is_shared and not self._is_announced:
            return (TESTS_READ, RUNS_READ, RUNS_WRITE)
        return self._closing_groups

    @property
    def _lead(self) -> float:
        """How many seconds tests leave to failed ones of other shards, after each wait that the platform wants."""
        return _LEAD_SECONDS if self._is_shared and not self._record.has_urgent() else 0.0

    def _attempt(self, send: Callable[[Sender], bool], *groups: str, later: float = 0.0) -> bool:
        """Do *send* if its groups may, and take note of how it went; return whether there was anything to send."""
        if not self.pace.is_free(*groups, later=later):
            return False
        try:
            sent = send(self._open())
        except ConfigurationError as error:
            self.given_up = self.trouble = str(error)
            return False
        except DeliveryError as error:
            self.trouble, self.is_unreachable = str(error), isinstance(error, NotSent)
            self._is_limited = isinstance(error, Busy) and error.status == 429
            if error.permanent:
                self.given_up = self.trouble
            self.pace.failed(error.group or groups[-1], error)
            return True
        self.trouble, self.is_unreachable = "", False
        if sent:
            self.pace.succeeded(*groups)
        return sent

    def _open(self) -> Sender:
        if self._sender is None:
            platform = open_platform(self._settings, self.pace.told, self.pace.answered)
            self._sender = Sender(platform, self._folder, self._settings, self._record, self._journals, self.pace)
        return self._sender
