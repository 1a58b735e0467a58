"""What a delivery record tells when it is looked back upon: how many tests and files came to what."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from ..model import STATUSES
from .states import OPEN


class Tally:
    """Counts of the tests and files in a delivery record, and what was said of them; changes nothing.

    :param database: the record's.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make one transaction of what is done inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of tests by session and state."""
        rows = self._db.execute("SELECT session, state, count(*) FROM test GROUP BY session, state")
        return {(session, state): count for session, state, count in rows}

    def artifact_counts(self) -> dict[tuple[str, str], int]:
        """Return the number of artifacts by session and state."""
        rows = self._db.execute("SELECT session, state, count(*) FROM artifact GROUP BY session, state")
        return {(session, state): count for session, state, count in rows}

    def acknowledged(self) -> int:
        """Return how many tests the platform has acknowledged."""
        found: int = self._db.execute("SELECT count(*) FROM test WHERE state='acknowledged'").fetchone()[0]
        return found

    def compare(self, listed: Iterable[tuple[str, str]], most: int) -> tuple[list[str], list[str]]:
        """Compare what was acknowledged with what the platform lists, ids with titles.

        :return: up to *most* node ids that were acknowledged and are not listed, and titles that are and were not.
        """
        with self.together():
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS listed(remote TEXT PRIMARY KEY, title TEXT)")
            self._db.execute("DELETE FROM listed")
            self._db.executemany("INSERT OR IGNORE INTO listed VALUES (?, ?)", listed)
            gone = self._db.execute(
                "SELECT node FROM test WHERE state='acknowledged' AND remote NOT IN (SELECT remote FROM listed)"
                " ORDER BY id LIMIT ?",
                (most,),
            ).fetchall()
            strange = self._db.execute(
                "SELECT title FROM listed WHERE remote NOT IN (SELECT remote FROM test WHERE state='acknowledged')"
                " ORDER BY title LIMIT ?",
                (most,),
            ).fetchall()
        return [node for (node,) in gone], [title for (title,) in strange]

    def totals(self) -> dict[str, int]:
        """Return the number of tests by status."""
        found = dict(self._db.execute("SELECT status, count(*) FROM test GROUP BY status"))
        return {status: found.get(status, 0) for status in STATUSES}

    def totals_of_sessions(self) -> dict[str, tuple[int, ...]]:
        """Return the number of tests by session, and by status in the order of ``STATUSES``."""
        rows = self._db.execute("SELECT session, status, count(*) FROM test WHERE state<>'dropped' GROUP BY 1, 2")
        found: dict[str, dict[str, int]] = {}
        for session, status, count in rows:
            found.setdefault(session, {})[status] = count
        return {session: tuple(counts.get(each, 0) for each in STATUSES) for session, counts in found.items()}

    def open_totals(self) -> dict[str, int]:
        """Return the number of tests by status that the platform does not have yet."""
        query = f"SELECT status, count(*) FROM test WHERE state IN {OPEN} GROUP BY status"  # noqa: S608  fixed texts
        return dict(self._db.execute(query))

    def dropped(self) -> int:
        """Return how many tests hooks have left out."""
        found: int = self._db.execute("SELECT count(*) FROM test WHERE state='dropped'").fetchone()[0]
        return found

    def has_open(self) -> bool:
        """Tell whether there is a test or an artifact that is neither acknowledged nor refused."""
        among = f"state IN {OPEN}"
        query = f"SELECT EXISTS (SELECT 1 FROM test WHERE {among}) OR EXISTS (SELECT 1 FROM artifact WHERE {among})"  # noqa: S608  fixed texts
        return bool(self._db.execute(query).fetchone()[0])

    def count_open(self) -> tuple[int, int]:
        """Return how many tests and how many artifacts are neither acknowledged nor refused."""
        return _count(self.counts(), *OPEN), _count(self.artifact_counts(), *OPEN)

    def count_refused(self) -> int:
        """Return how many tests and artifacts the platform has refused."""
        query = "SELECT count(*) FROM artifact WHERE state='refused' AND sha256<>''"  # the others could not be kept
        files: int = self._db.execute(query).fetchone()[0]
        return files + _count(self.counts(), "refused")

    def refusals(self, most: int) -> list[tuple[str, str]]:
        """Return refused tests with the platform's words."""
        return list(self._db.execute("SELECT node, why FROM test WHERE state='refused' ORDER BY id LIMIT ?", (most,)))

    def skipped_artifacts(self, most: int) -> list[str]:
        """Return why artifacts were not sent, and of which tests they are."""
        rows = self._db.execute(
            "SELECT a.why, t.node FROM artifact a LEFT JOIN test t ON t.segment=a.test_segment AND t.began=a.test_began"
            " WHERE a.state='refused' ORDER BY a.id LIMIT ?",
            (most,),
        )
        return [f"{why} [{node}]" if node else why for why, node in rows]


def _count(counts: Mapping[tuple[str, str], int], *states: str) -> int:
    return sum(count for (_, state), count in counts.items() if state in states)
