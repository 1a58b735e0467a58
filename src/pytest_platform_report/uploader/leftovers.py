"""What earlier runs have left in the spool: brought to the platform once a session's own run is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LockedError
from .backlog import settings_of, survey
from .lifetime import end_within
from .spool import Spool
from .status import read_status

_SECONDS = 1800.0
_GRACE_SECONDS = 60.0

_log = logging.getLogger(__name__)


def deliver_leftovers(folder: Path, deliver: Callable[[Path, str, float], Mapping[str, Any]]) -> None:
    """Deliver what there is beside the run in *folder*, for half an hour at most, the oldest first.

    Left alone is what goes elsewhere, since the key is not for there; what is being delivered, or still comes in; and
    the rest, where something does not arrive.

    :param deliver: delivers a run folder to the platform of that address and no other, in so many seconds, and returns
        its last status.
    """
    end_within(_SECONDS + _GRACE_SECONDS)
    own = settings_of(folder)
    deadline = time.monotonic() + _SECONDS
    for other in Spool(folder.parent.parent).folders():
        try:
            if other == folder or _is_settled(other):
                continue
            settings = settings_of(other)
            if own is None or settings is None or (settings.url, settings.project) != (own.url, own.project):
                continue
            backlog = survey(other)
            if backlog.is_live or not backlog.has_more:
                continue
            if not has_arrived(deliver(other, own.url, max(0.0, deadline - time.monotonic()))):
                return
        except LockedError:
            continue
        except Exception:
            _log.exception("%s was not delivered", other)
        if time.monotonic() >= deadline:
            return


def has_arrived(status: Mapping[str, Any]) -> bool:
    """Tell whether the platform has answered to each test and file that *status* tells of."""
    sessions = status.get("sessions", {}).values()
    return all(
        session["acknowledged"] + session["refused"] == session["found"] and not session["files_left"]
        for session in sessions
    )


def _is_settled(folder: Path) -> bool:
    status = read_status(folder)
    sessions = status.get("sessions", {}).values()
    return status.get("state") == "done" and bool(sessions) and all(session["complete"] for session in sessions)
