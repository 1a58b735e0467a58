"""Runs, tests and errors with some words in them, of all that somebody may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from platform_report_server.db.queries.find import RUNS_WITH_ERRORS, FoundError, find_cases, find_errors
from platform_report_server.db.queries.projects import names_of_projects, numbers_of_projects
from platform_report_server.db.queries.run_filters import LOOKED_THROUGH, RunFilter, find_runs
from platform_report_server.web import _chosen
from platform_report_server.web._visit import Visit

_SHOWN = 20
_MOST_PROJECTS = 50
"""Projects whose tests and errors are looked through, one by one."""
_LEAST = 2


async def show(visit: Visit) -> Response:
    words = _chosen.words(visit.request, "q") or ""
    project = _chosen.chosen(visit.request, "project")

    def query(connection: Connection) -> dict[str, Any]:
        names = names_of_projects(connection)
        visible = {each: name for each, name in names.items() if visit.caller.may(each)}
        among = [each for each in visible if project in (None, each)]
        return {"projects": visible, "found": _find(connection, among, words) if len(words) >= _LEAST else None}

    return visit.page(
        "search.html",
        **await visit.read(query),
        chosen={"q": words, "project": project},
        least=_LEAST,
        limit=_SHOWN,
        most_projects=_MOST_PROJECTS,
        looked_through=LOOKED_THROUGH,
        runs_with_errors=RUNS_WITH_ERRORS,
    )


def _find(connection: Connection, among: list[str], words: str) -> Mapping[str, Any]:
    """Return what is found in some projects; of tests and errors one more than is shown, where there is more."""
    numbers = numbers_of_projects(connection, among[:_MOST_PROJECTS])
    tests: list[Any] = []
    errors: list[tuple[str, FoundError]] = []
    for project, number in numbers.items():
        if len(tests) <= _SHOWN:
            missing = _SHOWN + 1 - len(tests)
            tests += [(project, row) for row in find_cases(connection, number, words, missing)]
        errors += [(project, error) for error in find_errors(connection, number, words, _SHOWN + 1)]
    errors.sort(key=lambda item: -item[1].newest)
    return {
        "runs": find_runs(connection, among, RunFilter(search=words), limit=_SHOWN, offset=0),
        "tests": tests[:_SHOWN],
        "more_tests": len(tests) > _SHOWN,
        "errors": errors[:_SHOWN],
        "more_errors": len(errors) > _SHOWN,
        "left_out": max(len(among) - _MOST_PROJECTS, 0),
    }
