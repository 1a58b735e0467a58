"""Locks between processes, held until the transaction ends. SQLite has one writer at a time and needs none."""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, func, select

_OURS = 0x706C6174  # the first of the two numbers of an advisory lock: others may use the database for theirs


class Lock(IntEnum):
    """What is locked."""

    STORE = 1
    PARTITIONS = 2
    CONTENTS = 3


def take(connection: Connection, lock: Lock, *, shared: bool = False) -> None:
    """Wait for a lock."""
    if connection.dialect.name == "postgresql":
        function = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        connection.execute(select(function(_OURS, int(lock))))
