"""Keep at a platform until everything is delivered: open it, keep the pace, know when it is no use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import ConfigurationError, DeliveryError, NotSent
from ..platforms.client import open_platform
from ..settings import Settings
from .delivery import DeliveryRecord
from .findings import Journals
from .pace import Pace
from .sender import Sender
from .verdict import Verdict, closing_fields, to_text


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
        self.pace = Pace()
        self._folder = folder
        self._settings = settings
        self._record = record
        self._journals = journals
        self._sender: Sender | None = None

    def close(self) -> None:
        """Close the platform."""
        if self._sender is not None:
            self._sender.close()

    def has_more(self) -> bool:
        """Tell whether there is anything to send, and any use in trying."""
        return not self.given_up and (self._record.run_id is None or self._record.has_open())

    def send_some(self) -> bool:
        """Send the next piece of what is due, the run, then tests, then artifacts; return whether there was one."""
        if not self.has_more():
            return False
        if self._record.run_id is None:
            return self._attempt("runs", Sender.send_run)
        return self._attempt("tests", Sender.send_tests) or self._attempt("uploads", Sender.send_artifact)

    def close_run(self, verdict: Verdict) -> bool:
        """Close the run with its statistics; return whether the platform has them."""
        if self._record.run_id is None or self.given_up:
            return False
        is_shared = self._settings.run_id or self._record.identity().is_joint
        if not is_shared and self._record.finished() == to_text(closing_fields(verdict, self._record.totals())):
            return True
        self._attempt("runs", lambda sender: sender.close_run(verdict))
        return self._record.finished() is not None and not self.trouble

    @property
    def missing(self) -> str:
        """Which shards of the run had told no end when it was closed, in words; empty where none is missing."""
        return self._sender.missing if self._sender is not None else ""

    def count_tests(self) -> int | None:
        """Return how many tests the platform counts in this run; None where it has not been asked or does not tell."""
        if self._sender is None or self._record.run_id is None:
            return None
        try:
            return self._sender.count_tests()
        except DeliveryError:
            return None

    def _attempt(self, group: str, send: Callable[[Sender], bool]) -> bool:
        """Do *send* if its group may, and take note of how it went; return whether there was anything to send."""
        if not self.pace.is_free(group):
            return False
        try:
            sent = send(self._open())
        except ConfigurationError as error:
            self.given_up = self.trouble = str(error)
            return False
        except DeliveryError as error:
            self.trouble, self.is_unreachable = str(error), isinstance(error, NotSent)
            if error.permanent:
                self.given_up = self.trouble
            self.pace.failed(group, error)
            return True
        self.trouble, self.is_unreachable = "", False
        if sent:
            self.pace.succeeded(group)
        return sent

    def _open(self) -> Sender:
        if self._sender is None:
            platform = open_platform(self._settings)
            self._sender = Sender(platform, self._folder, self._settings, self._record, self._journals)
        return self._sender
