"""The names of a test as other tools write them."""

from __future__ import annotations

from collections.abc import Iterable

from platform_report_server.db.queries.tests import TestRow
from platform_report_server.model import Annotation

COLLECTION = "collection"
"""The title of a module that could not be collected."""

REASONS = ("skip", "xfail", "interrupted")
"""The annotations that say why a test gave no verdict."""

REPORT_ID = "report-id"
"""The annotation by which whoever sent a test finds it again; it tells people nothing."""


def suites_of(row: TestRow) -> list[str]:
    """Return the titles of the suites that a test is in, the outermost first."""
    full, title = str(row.full_title), str(row.title)
    if f" > {full}".endswith(f" > {title}"):
        above = full.removesuffix(title).removesuffix(" > ")
    else:  # it was given a title of its own
        above = full.partition("[")[0].rpartition(" > ")[0]
    return above.split(" > ") if above else []


def own_name(row: TestRow) -> str:
    """Return what the test's function is called, with its parameters."""
    return str(row.full_title).removeprefix(" > ".join(suites_of(row))).removeprefix(" > ")


def junit_names(row: TestRow) -> tuple[str, str]:
    """Return class name and name, as pytest's own JUnit file has them."""
    module = (row.file_path or "").removesuffix(".py").replace("/", ".")
    if row.title == COLLECTION:
        return "", module
    suites = suites_of(row)
    classes = suites[1:] if module else suites
    return ".".join(filter(None, (module, *classes))), own_name(row)


def reason_of(notes: Iterable[Annotation]) -> str | None:
    """Return why a test was skipped, or was expected to fail."""
    return next((note.description for note in notes if note.type in REASONS), None)
