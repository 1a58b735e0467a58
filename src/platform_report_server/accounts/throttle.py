"""Patience: who fails again and again waits longer and longer, whichever process they try."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import ceil

from sqlalchemy import Connection, and_, delete, select, update

from platform_report_server.clock import now_ms
from platform_report_server.db.counts import FORGOTTEN_MS, login_failure
from platform_report_server.db.engine import Database
from platform_report_server.db.portable import upsert
from platform_report_server.errors import RateLimited


class Throttle:
    """Counts failures by name. Some are free, then each doubles the wait; an hour later all is forgotten.

    Its work is slow.
    """

    def __init__(
        self, database: Database, kind: str, *, free: int, longest: int, clock: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._kind = kind
        self._free = free
        self._longest = longest
        self._clock = clock

    def begin(self, name: str) -> None:
        """Refuse a try that comes too early; count it as failed until it has succeeded.

        Counted later, many at once would slip through.
        """
        with self._database.counting() as connection:
            while not self._began(connection, self._key(name)):
                pass  # its row is there only now, or another process was faster and may have failed too often

    def succeed(self, name: str, *, forget: bool) -> None:
        """Take the try back, or forget all that failed before it too."""
        row = login_failure.c.name == self._key(name)
        one_less = update(login_failure).values(failures=login_failure.c.failures - 1, until=self._clock())
        with self._database.counting() as connection:
            connection.execute(delete(login_failure).where(row) if forget else one_less.where(row))

    def _began(self, connection: Connection, key: bytes) -> bool:
        now, table = self._clock(), login_failure
        found = connection.execute(select(table.c.failures, table.c.until).where(table.c.name == key)).first()
        if found is None:
            none = upsert(connection.dialect.name, table).on_conflict_do_nothing()
            connection.execute(none.values(name=key, failures=0, until=now))
            return False
        if found.until > now:
            raise RateLimited(
                "Too many failed logins: wait before the next", retry_after=ceil((found.until - now) / 1000)
            )
        failures = 1 if found.until + FORGOTTEN_MS < now else found.failures + 1
        still = and_(table.c.name == key, table.c.failures == found.failures, table.c.until == found.until)
        counted = update(table).where(still).values(failures=failures, until=now + self._wait(failures))
        return bool(connection.execute(counted).rowcount)

    def _key(self, name: str) -> bytes:
        return hashlib.sha256(f"{self._kind} {name}".encode("utf-8", "surrogatepass")).digest()

    def _wait(self, failures: int) -> int:
        return 0 if failures <= self._free else 1000 * min(self._longest, 2 ** min(failures - self._free - 1, 30))
