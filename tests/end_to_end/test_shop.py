"""The example project, as its README says to run it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

SHOP = Path(__file__).parents[2] / "examples" / "shop"


@pytest.fixture
def shop(project: Project) -> Project:
    leave_out = shutil.ignore_patterns(".platform-report", "__pycache__")
    shutil.copytree(SHOP, project.root, dirs_exist_ok=True, ignore=leave_out)
    project.reruns = True
    return project


@pytest.mark.parametrize("target", ["embedded"], indirect=True)
def test_the_shop_is_reported_as_expected(target: Target, shop: Project, workers: int) -> None:
    ended = shop.run(workers=workers)
    expected = json.loads((SHOP / "expected.json").read_text())
    run = read_run(target)
    run.check_totals()
    assert run.totals == {"total": sum(expected.values()), **expected}
    assert f"{sum(expected.values())} tests run, {sum(expected.values())} acknowledged" in ended.out
    assert {artifact["fileName"] for artifact in run.artifacts} == {"cart.png", "shopping.png"}
    assert run.content("cart.png").startswith(b"\x89PNG")


def test_reporting_changes_neither_exit_status_nor_outcomes(shop: Project, workers: int) -> None:
    reported = shop.run("-q", workers=workers)
    alone = shop.run("-q", report=False)
    assert reported.exit == alone.exit == 1

    def verdict(out: str) -> str:
        return out.splitlines()[-1].rpartition(" in ")[0]

    assert verdict(reported.out) == verdict(alone.out)
