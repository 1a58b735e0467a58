"""Imports point down only."""

from __future__ import annotations

from functools import cache
from typing import Any

import grimp
import pytest

PACKAGE = "platform_report_server"
FLOORS: list[set[str]] = [
    {"serve", "manage", "prune", "backup"},
    {"server"},
    {"connection"},
    {"app", "quick"},
    {"door", "hatch"},
    {"api", "web", "watch"},
    {"viewer"},
    {"services"},
    {"chores"},
    {"file_check"},
    {"accounts", "comparisons", "contents", "thumbnails", "exports", "live", "projects", "webhooks"},
    {"auth", "ingest"},
    {"db", "storage"},
    {"settings", "ids"},
    {"mail", "access_log", "archive", "jobs", "workers", "reach", "spools", "templates"},
    {"errors", "clock", "model", "text", "files", "metrics", "headers", "shown", "signature", "streams", "whole"},
]
ENTERS_AT = {
    "uvicorn": {"server", "quick"},
    "multipart": {"api"},
    "jinja2": {"templates"},
    "alembic": {"db"},
    "psycopg": {"db"},
    "httpx": {"webhooks"},
    "obstore": {"storage"},
    "PIL": {"storage"},
}


@cache
def graph() -> Any:
    return grimp.build_graph(PACKAGE, include_external_packages=True)


def test_every_part_has_a_floor() -> None:
    parts = {module.rpartition(".")[2] for module in graph().find_children(PACKAGE)}
    assert parts == set().union(*FLOORS)


def test_imports_point_down() -> None:
    up = []
    for number, floor in enumerate(FLOORS):
        for part in floor:
            at_or_above = set().union(*FLOORS[: number + 1]) - {part}
            up += [(part, other) for other in at_or_above if imports(part, f"{PACKAGE}.{other}")]
    assert up == []


@pytest.mark.parametrize("library", ENTERS_AT)
def test_libraries_enter_where_they_should(library: str) -> None:
    importers = {module.split(".")[1] for module in graph().find_modules_that_directly_import(library)}
    assert importers <= ENTERS_AT[library]


def test_the_client_is_not_imported() -> None:
    assert "pytest_platform_report" not in graph().modules
    assert "pytest" not in graph().modules


def imports(part: str, imported: str) -> bool:
    found: bool = graph().direct_import_exists(importer=f"{PACKAGE}.{part}", imported=imported, as_packages=True)
    return found
