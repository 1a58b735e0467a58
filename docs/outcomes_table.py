"""Write docs/outcomes.md from the results of tests/outcomes and tests/hazards, as JUnit files.

``outcomes_table.py NEWEST.xml OLDEST.xml [MORE.xml ...]``; files of one pytest belong together.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hazards.rows import CHAPTER, SECTIONS, in_order
from outcomes.cases import Case
from outcomes.every_case import CASES

_HEAD = """\
# Outcomes

What pytest does, and what the platform shows of it. This page is made from the results of the tests themselves
(`tox run -m page`): each row is a small project whose session was reported, read back over the API and compared, test
by test, with the run's status and totals. ✓ as described; · not a case there, or the plugin does not support that
pytest; ✗ otherwise.

"""

_CHAPTER = f"""\
## {CHAPTER}

The same for sessions that patch, break, exhaust or end what a reporter lives on. Most of them are run a second time
without a report: both have to end alike, and pytest has to count the same.
"""

_MODES = {"plain": "", "xdist": ", xdist"}
_WORST_FIRST = ("failed", "passed", "skipped")


@dataclass
class Results:
    """What the tests of one environment told.

    :ivar pytest: its version.
    :ivar found: results by a case's name or a hazard's row, and mode.
    :ivar hazards: the rows of all hazards, those too that could not be tried.
    """

    pytest: str = ""
    found: dict[tuple[str, str], str] = field(default_factory=dict)
    hazards: set[str] = field(default_factory=set)

    def note(self, name: str, mode: str, result: str) -> None:
        """Note a result; of several the worst."""
        self.found[name, mode] = min(result, self.found.get((name, mode), result), key=_WORST_FIRST.index)


def main(files: list[str]) -> int:
    """Write the page; return 1 where a case is missing or not as described."""
    by_version: dict[str, Results] = {}
    for file in files:
        _read(Path(file), by_version)
    page = _Page(list(by_version.values()))
    page.lines.append(_HEAD)
    for group, cases in groupby(CASES, key=lambda case: case.group):
        page.lines.append(f"## {group}\n")
        page.add_table(("what happens", "the platform shows"), {case.name: (case.name, _shows(case)) for case in cases})
    page.lines.append(_CHAPTER)
    rows = in_order(set().union(*(each.hazards for each in page.results)))
    for letter, title in SECTIONS.items():
        page.lines.append(f"### {title}\n")
        page.add_table(("what happens",), {row: (_text(row),) for row in rows if row.startswith(letter)})
    Path(__file__).with_name("outcomes.md").write_text("\n".join(page.lines), encoding="utf-8")
    return 0 if page.is_good and rows else 1


class _Page:
    """The page's lines, and whether all rows so far are as described, and none without a result."""

    def __init__(self, results: list[Results]) -> None:
        self.results = results
        self.lines: list[str] = []
        self.is_good = True

    def add_table(self, head: tuple[str, ...], rows: Mapping[str, tuple[str, ...]]) -> None:
        columns = [f"pytest {each.pytest}{mode}" for each in self.results for mode in _MODES.values()]
        self.lines.append(f"| {' | '.join((*head, *columns))} |")
        self.lines.append(f"|{' --- |' * len((*head, *columns))}")
        for name, cells in rows.items():
            marks = [_mark(each.found.get((name, mode), "")) for each in self.results for mode in _MODES]
            self.is_good = self.is_good and "✗" not in marks and "✓" in marks
            self.lines.append(f"| {' | '.join((*cells, *marks))} |")
        self.lines.append("")


def _read(file: Path, by_version: dict[str, Results]) -> None:
    """Add a file's results to those of its pytest."""
    for test in ElementTree.parse(file).iter("testcase"):  # noqa: S314  our own file
        children = {child.tag for child in test}
        result = "failed" if children & {"failure", "error"} else "skipped" if "skipped" in children else "passed"
        told = [(each.get("name", ""), each.get("value", "")) for each in test.iter("property")]
        version = dict(told).get("pytest")
        if version is None:  # a test that is no row
            continue
        results = by_version.setdefault(version, Results(version))
        name = test.get("name", "")
        if name.startswith("test_outcome["):
            case, _, mode = name.removeprefix("test_outcome[").removesuffix("]").rpartition("-")
            results.note(case, mode, result)
        results.hazards |= {row for kind, row in told if kind in ("hazard", "left out")}
        for row in (row for kind, row in told if kind in ("case", "hazard")):
            for mode in (mode for kind, mode in told if kind == "mode"):
                results.note(row, mode, result)


def _mark(result: str) -> str:
    return {"passed": "✓", "failed": "✗"}.get(result, "·")


def _text(row: str) -> str:
    return row.partition(" ")[2]


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
