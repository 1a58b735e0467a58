"""Tests as they are known over the runs."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from platform_report_server.db.schema import test_case

# built once: putting such a statement together costs more than running it
_CASES = select(test_case.c.key, test_case.c.id, test_case.c.title).where(
    test_case.c.project_id == bindparam("project"), test_case.c.key.in_(bindparam("keys", expanding=True))
)
# a look-up for each key, whatever the planner believes: for hundreds of keys it would rather compare them with each row
_LATERAL = (
    "SELECT wanted.key, found.id, found.title FROM unnest(%s::bytea[]) AS wanted(key), LATERAL "
    "(SELECT id, title FROM test_case WHERE project_id = %s::bigint AND key = wanted.key LIMIT 1) AS found"
)


def find_cases(connection: Connection, project_id: int, keys: Iterable[bytes]) -> dict[bytes, tuple[int, str]]:
    """Return id and title of those tests that are known."""
    if connection.dialect.name == "postgresql":
        found = connection.exec_driver_sql(_LATERAL, (list(keys), project_id))
    else:
        found = connection.execute(_CASES, {"project": project_id, "keys": list(keys)})
    return {row.key: (row.id, row.title) for row in found}
