"""What each test here is a row of in docs/outcomes.md; its results tell it, and docs/outcomes_table.py reads them."""

from __future__ import annotations

import re

import pytest

from hazards.hazards import Session

CHAPTER = "A world that is patched or broken"
SECTIONS = {
    "A": "Tests that patch the world",
    "B": "pytest's mechanics",
    "C": "Files, locks and processes",
    "D": "Delivery",
}

_FUNCTION = re.compile(r"test_(?:([a-d]\d+)_(?:to_|[a-d]\d+_)*)?(.*)")
_WORKERS = re.compile(r"(?:^|-)(?:plain|xdist)(?=-|$)")
_PARAMETERS = re.compile(r"-?(?:([A-D]\d+)-)?(.*?)-?")


def rows_of(test: pytest.Function) -> list[tuple[str, str]]:
    """Return the test's rows, ``A16 all descriptors closed``, each as a property: ``hazard``, or ``left out``."""
    session = test.callspec.params.get("session") if hasattr(test, "callspec") else None
    if isinstance(session, Session):
        return [
            ("hazard" if hazard.can_be_tried else "left out", f"{hazard.row} {hazard.name}")
            for hazard in session.hazards
        ]
    function = _FUNCTION.fullmatch(test.originalname)
    given = _PARAMETERS.fullmatch(_WORKERS.sub("", test.name.removeprefix(test.originalname)[1:-1]))
    assert function
    assert given
    label = function[1] or given[1]
    assert label, f"{test.name} names no hazard"
    text = function[2].replace("_", " ") + (f" ({given[2]})" if given[2] else "")
    return [("hazard", f"{label.upper()} {text}")]


def in_order(rows: set[str]) -> list[str]:
    """Return rows by their labels."""

    def place(row: str) -> tuple[str, int, str]:
        label, _, text = row.partition(" ")
        return label[0], int(label[1:]), text

    return sorted(rows, key=place)
