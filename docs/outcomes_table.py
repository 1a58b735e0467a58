"""Write docs/outcomes.md from the results of tests/outcomes: ``outcomes_table.py NEWEST.xml OLDEST.xml`` (JUnit)."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from outcomes.cases import Case
from outcomes.every_case import CASES

_HEAD = """\
# Outcomes

What pytest does, and what the platform shows of it. This page is made from the results of the tests themselves
(`tox run -e outcomes,oldest,page`): each row is a small project whose session was reported, read back over the API and
compared, test by test, with the run's status and totals. ✓ as described; · not a case there, or the plugin does not
support that pytest; ✗ otherwise.

"""


def main(files: list[str]) -> int:
    """Write the page; return 1 where a case is missing or not as described."""
    results = [_read(Path(file)) for file in files]
    versions = [version for version, _ in results]
    lines = [_HEAD]
    good = True
    for group, cases in groupby(CASES, key=lambda case: case.group):
        lines.append(f"## {group}\n")
        columns = [f"{version}{mode}" for version in versions for mode in ("", ", `-n 2`")]
        lines.append(f"| what happens | the platform shows | {' | '.join(f'pytest {column}' for column in columns)} |")
        lines.append(f"| --- | --- |{' --- |' * len(columns)}")
        for case in cases:
            marks = [_mark(found, case, mode) for _, found in results for mode in ("plain", "xdist")]
            good = good and "✗" not in marks and "✓" in marks
            lines.append(f"| {case.name} | {_shows(case)} | {' | '.join(marks)} |")
        lines.append("")
    Path(__file__).with_name("outcomes.md").write_text("\n".join(lines), encoding="utf-8")
    return 0 if good else 1


def _read(file: Path) -> tuple[str, dict[str, str]]:
    """Return the pytest that made *file*, and each case's result."""
    version, found = "", {}
    for case in ElementTree.parse(file).iter("testcase"):  # noqa: S314  our own file
        name = case.get("name", "")
        if name.startswith("test_outcome["):
            children = {child.tag for child in case}
            result = "failed" if children & {"failure", "error"} else "skipped" if "skipped" in children else "passed"
            found[name.removeprefix("test_outcome[").removesuffix("]")] = result
            version = next((p.get("value", "") for p in case.iter("property") if p.get("name") == "pytest"), version)
    return version, found


def _mark(found: dict[str, str], case: Case, mode: str) -> str:
    return {"passed": "✓", "failed": "✗"}.get(found.get(f"{case.name}-{mode}", ""), "·")


def _shows(case: Case) -> str:
    shown = list(dict.fromkeys(_shows_with(case, workers) for workers in (0, 2)))
    return shown[0] if len(shown) == 1 else f"{shown[0]}; under xdist {shown[1]}"


def _shows_with(case: Case, workers: int) -> str:
    run = case.run_with(workers)
    if run is None:
        return "no run"
    statuses = list(dict.fromkeys(case.expect.values()))
    remarks = list(dict.fromkeys(type_ for types in case.annotations.values() for type_ in types))
    tests = ", ".join(f"`{status}`" for status in statuses) or "no test"
    return f"{tests}{''.join(f' ({remark})' for remark in remarks)}; run `{run}`"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
