"""docs/outcomes.md, of which the tests here are a chapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from hazards.rows import CHAPTER, in_order, rows_of


def test_the_page_has_a_row_for_each_hazard(request: pytest.FixtureRequest) -> None:
    page = Path(__file__).parents[2] / "docs" / "outcomes.md"
    _, _, chapter = page.read_text(encoding="utf-8").partition(f"\n## {CHAPTER}\n")
    if not chapter:
        pytest.skip("the page was made before it had this chapter")
    rows = [line.split(" | ")[0].removeprefix("| ") for line in chapter.splitlines()]
    tests = [
        item for item in request.session.items if isinstance(item, pytest.Function) and "pair" in item.fixturenames
    ]
    texts = [row.partition(" ")[2] for row in in_order({row for test in tests for _, row in rows_of(test)})]
    assert [row for row in rows if row in texts] == texts, (
        "docs/outcomes.md is not of these tests: 'tox run -m page' makes it anew"
    )
