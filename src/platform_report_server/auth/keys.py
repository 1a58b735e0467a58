"""API keys: those of the settings and those of the store, looked up once in a few seconds."""

from __future__ import annotations

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
        self._changes = 0

    async def caller(self, key: str) -> Caller:
        """Return who has this key, or raise Unauthorized."""
        presented = digest(key)
        return self._checked(self._at_hand(presented) or await self._load(presented))

    def caller_at_hand(self, key: str) -> Caller | None:
        """Return who has this key if it was looked up a moment ago, or raise Unauthorized."""
        known = self._at_hand(digest(key))
        return None if known is None else self._checked(known)

    def forget(self) -> None:
        """Look every key up again: one was changed."""
        self._changes += 1
        self._kept.clear()

    def _at_hand(self, presented: bytes) -> _Known | None:
        known = self._kept.get(presented)
        return None if known is None or known.until < time.monotonic() else known

    def _checked(self, known: _Known) -> Caller:
        if not known.is_active:
            raise Unauthorized("This API key is switched off")
        if known.expires_at is not None and known.expires_at <= now_ms():
            raise Unauthorized("This API key has expired")
        return known.caller

    async def _load(self, presented: bytes) -> _Known:
        changes = self._changes
        self._kept.pop(presented, None)
        known = await self._reader.read(partial(self._find, presented=presented))
        if known is None:
            raise Unauthorized("This API key is not known here")
        if known.unnoted_use is not None and known.is_active:
            try:
                await self._note_use(known.unnoted_use)
            except Exception:
                _log.exception("the use of an API key could not be noted")
        if changes == self._changes and known.until:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[presented] = known
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
