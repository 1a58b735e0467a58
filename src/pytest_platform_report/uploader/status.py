"""What the uploader tells the session and ``platform-report sync``: how far the delivery has come.

``status.json`` in the run folder, replaced as a whole: ``process`` (who writes), ``state`` (delivering, done; failed
where it ended with an error of its own), ``run`` (its address in words), ``run_id``, ``totals`` (tests by status),
``notes`` (what the user should know, in words) and ``sessions``: of each, ``found``, ``acknowledged`` and ``refused``
tests, and the ones besides that hooks have ``dropped``, ``files_left``, ``settled`` (nothing more will be done for it
now) and ``complete`` (the platform has it all).
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import PlatformReportError
from ..process import identify
from ..settings import Settings
from ..text import number_of
from .courier import Courier
from .delivery import DeliveryRecord
from .receipt import Receipt
from .tail import Tail

_LEAST_SECONDS = 0.2
_PART_OF_TIME = 10
_NOTES = 100
_OVER = ("acknowledged", "refused")


def read_status(folder: Path) -> dict[str, Any]:
    """Return what an uploader of the run in *folder* told last; nothing where none has."""
    try:
        told = json.loads((folder / "status.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def tell_failure(folder: Path, error: Exception) -> None:
    """Add to what was told last that the uploader has ended with *error*."""
    told = read_status(folder)
    words = str(error) if isinstance(error, PlatformReportError) else f"the uploader failed: {error!r}"
    notes = [note for note in told.get("notes", ()) if note != words]  # the one before may have ended alike
    _write(folder / "status.json", {**told, "state": "failed", "notes": [*notes, words]})


def _write(path: Path, values: dict[str, Any]) -> None:
    fresh = path.with_name("status.json.new")
    with suppress(OSError):  # a full disk; what is delivered is delivered all the same
        fresh.write_text(json.dumps({**values, "process": identify(os.getpid())}), encoding="utf-8")
        fresh.replace(path)


class Status:
    """Composes the status, and writes it when it has changed and not too often.

    :ivar is_closed: whether the platform has the run's closing statistics.
    :ivar lost: names of segments that have been deleted and did not come back.
    :ivar is_done: whether the uploader has come to its end.
    :ivar receipt: what the platform shows of the run, None where that is not known.
    """

    def __init__(self, folder: Path, record: DeliveryRecord, tail: Tail) -> None:
        self.is_closed = False
        self.is_done = False
        self.receipt: Receipt | None = None
        self.lost: list[str] = []
        self._path = folder / "status.json"
        self._record = record
        self._tail = tail
        self._written: dict[str, Any] = {}
        self._last = 0.0
        self._pause = _LEAST_SECONDS

    def compose(self, settings: Settings | None, courier: Courier | None) -> dict[str, Any]:
        """Return the status, but for the process that writes it."""
        begun = time.thread_time()
        told = {
            "state": "done" if self.is_done else "delivering",
            "run": self._address(settings),
            "run_id": self._record.run_id,
            "totals": self._record.totals(),
            "sessions": self._sessions(),
            "notes": self._notes(courier),
        }
        self._pause = max(_LEAST_SECONDS, _PART_OF_TIME * (time.thread_time() - begun))  # all tests are counted for it
        return told

    def is_due(self) -> bool:
        """Tell whether it is time to write again."""
        return time.monotonic() - self._last >= self._pause

    def write(self, values: dict[str, Any]) -> None:
        """Write *values*, with which process this is."""
        self._last = time.monotonic()
        if values == self._written:
            return
        self._written = values
        _write(self._path, values)

    def _sessions(self) -> dict[str, dict[str, Any]]:
        over: dict[str, bool] = {}
        for segment in self._tail.known():
            over[segment.owner] = over.get(segment.owner, True) and segment.is_over
        tests, files = self._record.counts(), self._record.artifact_counts()
        return {session: self._session(session, is_over, tests, files) for session, is_over in over.items()}

    def _session(
        self, session: str, is_over: bool, tests: dict[tuple[str, str], int], files: dict[tuple[str, str], int]
    ) -> dict[str, Any]:
        mine = {state: count for (owner, state), count in tests.items() if owner == session}
        dropped, acknowledged, refused = (mine.get(state, 0) for state in ("dropped", "acknowledged", "refused"))
        found = sum(mine.values()) - dropped
        left = sum(count for (owner, state), count in files.items() if owner == session and state not in _OVER)
        is_sent = acknowledged + refused == found and not left
        is_whole = not any(segment.undone for segment in self._tail.known() if segment.owner == session)
        run_goes_on = not self._tail.is_over
        return {
            "found": found,
            "dropped": dropped,
            "acknowledged": acknowledged,
            "refused": refused,
            "files_left": left,
            "settled": self.is_done or (is_over and run_goes_on and is_sent),
            "complete": is_sent and is_whole and not refused and (run_goes_on or (self.is_closed and self._adds_up())),
        }

    def _adds_up(self) -> bool:
        return self.receipt is None or self.receipt.is_right

    def _address(self, settings: Settings | None) -> str:
        run_id = self._record.run_id
        if run_id is None or settings is None:
            return ""
        if settings.url:
            return f"{settings.url.removesuffix('/api')}/runs/{run_id}"
        return f"{run_id}, shown by 'platform-report show {run_id}' and 'platform-report open'"

    def _notes(self, courier: Courier | None) -> list[str]:
        notes = list(self._tail.problems.values())
        notes += [f"journal {name} has been deleted: what of it had not been delivered is lost" for name in self.lost]
        workers = [segment for segment in self._tail.known() if segment.worker]  # the others say it themselves
        notes += [
            f"{each.worker}: {number_of(each.undone, 'record')} could not be written" for each in workers if each.undone
        ]
        notes += [
            f"{each.worker} cannot reach the run folder: its results came through xdist, without attached files"
            for each in workers
            if (each.session or {}).get("relayed")
        ]
        if courier is not None and courier.trouble:
            notes.append(courier.trouble)
        elif courier is not None and courier.lags and self._record.has_open():
            notes.append("the platform limits how many tests it takes at a time")
        if courier is not None and courier.missing:
            notes.append(courier.missing)
        notes += [f"refused: {node}: {why}" for node, why in self._record.refusals(_NOTES)]
        notes += [f"not sent: {why}" for why in self._record.skipped_artifacts(_NOTES)]
        return notes + list(self.receipt.notes if self.receipt else ())
