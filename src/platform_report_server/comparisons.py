"""What runs have changed against others, kept for a while: two of 100,000 tests take half a second to compare."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from sqlalchemy import Connection

from platform_report_server.db.queries.changes import Changes, changes_between
from platform_report_server.db.queries.runs import RunRow

_MOST = 200


class Comparisons:
    """The comparisons that were asked for last; one is made anew where either run has got results since."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int, int, int], Mapping[str, Changes]] = {}
        self._lock = threading.Lock()

    def between(self, connection: Connection, run: RunRow, against: RunRow) -> Mapping[str, Changes]:
        """Return what a run has changed against an earlier one, by kind."""
        key = (run.id, run.next_seq, against.id, against.next_seq)
        with self._lock:
            found = self._kept.pop(key, None)
        if found is None:
            found = changes_between(connection, run.project_id, run.id, against.id)
        with self._lock:
            self._kept[key] = found  # the last one now
            while len(self._kept) > _MOST:
                del self._kept[next(iter(self._kept))]
        return found
