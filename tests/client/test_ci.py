"""The CI build that a session runs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builds import BUILDS, PATH

from pytest_platform_report.ci import _VENDORS, CiBuild, ci_build

PAGE = Path(__file__).parents[2] / "docs" / "metadata.md"
BRACES = dict.fromkeys(map(ord, "{}"))


@pytest.mark.parametrize(("environment", "build"), BUILDS, ids=[build.provider for _, build in BUILDS])
def test_ci_build(environment: dict[str, str], build: CiBuild) -> None:
    assert ci_build({**PATH, **environment}) == build


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"TRAVIS": " "}])
def test_no_ci_build(environment: dict[str, str]) -> None:
    assert ci_build(environment) is None


def test_every_vendor_is_tried_and_documented() -> None:
    assert {vendor.provider for vendor in _VENDORS} == {build.provider for _, build in BUILDS}
    table = PAGE.read_text(encoding="utf-8").partition("| `ciProvider` | recognised by")[2].partition("\n\n")[0]
    documented = [[cell.strip() for cell in row.strip("| ").split(" |")] for row in table.splitlines()[2:]]
    expected = []
    for each in _VENDORS:
        commit, about = (*each.head, *each.sha), (*each.message, *each.author)
        cells = [(each.provider,), (each.marker,), each.build_id, each.branch, commit, about]
        expected.append([", ".join(f"`{text.translate(BRACES)}`" for text in texts) for texts in cells])
    assert [row + [""] * (6 - len(row)) for row in documented] == expected


def test_what_is_no_commit_is_not_told_as_one() -> None:
    assert ci_build({"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}) == CiBuild("buildkite")


def test_braces_in_a_value_are_no_template() -> None:
    build = ci_build({"CIRCLECI": "true", "CIRCLE_BRANCH": "{CIRCLE_TOKEN}", "CIRCLE_TOKEN": "secret"})
    assert build == CiBuild("circleci", branch="{CIRCLE_TOKEN}")


def test_reading_the_ci_build_imports_little() -> None:
    code = (
        "import sys, pytest_platform_report.ci; "
        "print([name for name in ('subprocess', 'httpx', 'asyncio', 'pytest') if name in sys.modules])"
    )
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=python_path(), check=False)
    assert done.stdout.strip() == "[]", done.stderr


def python_path() -> dict[str, str]:
    return {**PATH, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
