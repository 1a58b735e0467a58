"""API keys: those of the settings and those of the store, looked up once in a few seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from platform_report_server.auth.caller import Caller
from platform_report_server.auth.tokens import digest
from platform_report_server.clock import now_ms
from platform_report_server.db.queries.keys import find_key_by_hash
from platform_report_server.db.queries.projects import find_team_of
from platform_report_server.db.reader import Reader
from platform_report_server.errors import Unauthorized
from platform_report_server.settings import Settings

_KEPT_SECONDS = 3.0
_AHEAD_SECONDS = 1.0
"""What is used so shortly before its end is looked up again meanwhile, so that nobody waits for it."""
_MOST_KEPT = 1024
_USE_NOTED_EVERY_MS = 60_000

_log = logging.getLogger("platform_report_server")


@dataclass(frozen=True)
class _Known:
    caller: Caller
    is_active: bool = True
    expires_at: int | None = None
    unnoted_use: int | None = None
    """The key's id where its last noted use is a while ago."""
    until: float = 0.0


class Keys:
    """Finds out whose key it is."""

    def __init__(self, settings: Settings, reader: Reader, note_use: Callable[[int], Awaitable[None]]) -> None:
        self._given = {bytes.fromhex(key): project for key, project in settings.key_hashes.items()}
        self._role = settings.key_role
        self._reader = reader
        self._note_use = note_use
        self._kept: dict[bytes, _Known] = {}
        self._lookups: dict[bytes, asyncio.Task[_Known | None]] = {}

    async def caller(self, key: str) -> Caller:
        """Return who has this key, or raise Unauthorized."""
        presented = digest(key)
        known = self._at_hand(presented) or await asyncio.shield(self._lookup(presented))
        if known is None:
            raise Unauthorized("This API key is not known here")
        return self._checked(known)

    def caller_at_hand(self, key: str) -> Caller | None:
        """Return who has this key if it was looked up a moment ago, or raise Unauthorized."""
        known = self._at_hand(digest(key))
        return None if known is None else self._checked(known)

    def forget(self) -> None:
        """Look every key up again: one was changed."""
        self._kept.clear()
        self._lookups.clear()

    def _at_hand(self, presented: bytes) -> _Known | None:
        known = self._kept.get(presented)
        if known is None:
            return None
        left = known.until - time.monotonic()
        if left < _AHEAD_SECONDS:
            self._lookup(presented)
        return None if left < 0 else known

    def _lookup(self, presented: bytes) -> asyncio.Task[_Known | None]:
        """Return the lookup that is under way, one for all who wait: it takes a thread and a connection."""
        lookup = self._lookups.get(presented)
        if lookup is None:
            lookup = self._lookups[presented] = asyncio.get_running_loop().create_task(self._load(presented))
            lookup.add_done_callback(partial(self._end, presented))
        return lookup

    def _end(self, presented: bytes, lookup: asyncio.Task[_Known | None]) -> None:
        is_latest = self._lookups.get(presented) is lookup
        if is_latest:
            del self._lookups[presented]
        if lookup.cancelled() or lookup.exception() is not None:  # whoever waits is told
            return
        known = lookup.result()
        if known is None:
            self._kept.pop(presented, None)
        elif is_latest and known.until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[presented] = known

    def _checked(self, known: _Known) -> Caller:
        if not known.is_active:
            raise Unauthorized("This API key is switched off")
        if known.expires_at is not None and known.expires_at <= now_ms():
            raise Unauthorized("This API key has expired")
        return known.caller

    async def _load(self, presented: bytes) -> _Known | None:
        known = await self._reader.read(partial(self._find, presented=presented))
        if known is not None and known.unnoted_use is not None and known.is_active:
            try:
                await self._note_use(known.unnoted_use)
            except Exception:
                _log.exception("the use of an API key could not be noted")
        return known

    def _find(self, connection: Connection, presented: bytes) -> _Known | None:
        project = self._given.get(presented)
        return self._stored(connection, presented) if project is None else self._of_settings(connection, project)

    def _of_settings(self, connection: Connection, project: str) -> _Known:
        team = find_team_of(connection, project)
        teams = {} if team is None else {team: self._role}
        caller = Caller({project: self._role}, teams, f"settings:{project}", makes_projects=True)
        # a project that is not there yet is looked for again
        return _Known(caller, until=0.0 if team is None else time.monotonic() + _KEPT_SECONDS)

    def _stored(self, connection: Connection, presented: bytes) -> _Known | None:
        row = find_key_by_hash(connection, presented)
        if row is None:
            return None
        caller = Caller({row.project: row.role}, {row.team_id: row.role}, f"key:{row.id}", row.made_by)
        is_noted = row.last_used_at is not None and row.last_used_at > now_ms() - _USE_NOTED_EVERY_MS
        return _Known(
            caller,
            bool(row.is_active),
            row.expires_at,
            None if is_noted else row.id,
            time.monotonic() + _KEPT_SECONDS,
        )
