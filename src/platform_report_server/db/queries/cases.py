"""Tests as they are known over the runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sqlalchemy import Connection

# a look-up for each key, whatever the planner believes: for more than a few keys, either database would rather compare
# them with each test of the project; the keys as one value, because an array of them takes longer to send than to find
_LATERAL = (
    "SELECT place, found.id, found.title FROM generate_series(0, %s::int - 1) AS place, LATERAL "
    "(SELECT id, title FROM test_case WHERE project_id = %s::bigint "
    "AND key = substring(%s::bytea, place * 16 + 1, 16) LIMIT 1) AS found"
)


def find_cases(connection: Connection, project_id: int, keys: Iterable[bytes]) -> dict[bytes, tuple[int, str]]:
    """Return id and title of those tests that are known."""
    wanted = list(keys)
    if not wanted:
        return {}
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_LATERAL, (len(wanted), project_id, b"".join(wanted)))
        return {wanted[place]: (case_id, title) for place, case_id, title in found}
    found = connection.exec_driver_sql(among(len(wanted)), (*wanted, project_id))
    return {key: (case_id, title) for key, case_id, title in found}


@cache
def among(count: int) -> str:
    """Return the statement for so many keys on SQLite, which takes them, and then the project."""
    return (
        f"WITH wanted(key) AS (VALUES {', '.join(['(?)'] * count)}) SELECT found.key, found.id, found.title "  # noqa: S608
        "FROM wanted CROSS JOIN test_case AS found ON found.project_id = ? AND found.key = wanted.key"
    )
