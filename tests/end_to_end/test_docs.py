"""The examples of the documentation: each page's are a project, whose tests pass and are reported.

A comment before a block of code says what it is for::

    <!-- file: conftest.py -->          it is this file of the page's project
    <!-- steps of: test_checkout -->    it is what the steps of this test look like on the platform
    <!-- pytest: -p some.plugin -->     (anywhere on the page) arguments that the page's session needs
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?:^<!-- (?P<kind>file|steps of): (?P<name>\S+) -->\n\s*)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ARGUMENTS = re.compile(r"^<!-- pytest: (.+) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page's files and steps by name, its arguments for pytest, and the Python that nothing is said of."""

    files: dict[str, str]
    steps: dict[str, str]
    arguments: list[str]
    unnamed: list[str]

    @classmethod
    def read(cls, path: Path) -> Page:
        text = path.read_text(encoding="utf-8")
        found: dict[str | None, dict[str, str]] = {"file": {}, "steps of": {}}
        unnamed = []
        for block in _BLOCK.finditer(text):
            if block["kind"] is None:
                unnamed += [block["text"]] * (block["language"] == "python")
                continue
            of_kind = found[block["kind"]]
            assert block["name"] not in of_kind, f"{path.name} has {block['name']} twice"
            of_kind[block["name"]] = block["text"]
        arguments = [part for said in _ARGUMENTS.findall(text) for part in shlex.split(said)]
        return cls(found["file"], found["steps of"], arguments, unnamed)


@pytest.mark.parametrize("path", _PAGES, ids=lambda path: path.name)
def test_the_examples_are_reported(target: Target, project: Project, path: Path) -> None:
    page = Page.read(path)
    assert page.unnamed == [], "a line such as <!-- file: test_it.py --> is missing before them"
    if not page.files:
        return
    for name, content in page.files.items():
        project.write(name, content)
    ended = project.run(*page.arguments)
    assert ended.exit == 0, ended.out
    run = read_run(target)
    assert set(run.outcomes.values()) == {"passed"}
    modules = {Path(name).stem for name in page.files if re.search(r"(^|/)test_\w+\.py$", name)}
    assert modules <= {suite for title in run.outcomes for suite in title.split(" > ")}
    for name, steps in page.steps.items():
        shown = ["  " * step["depth"] + step["title"] for step in run.test(name)["steps"]]
        assert shown == steps.splitlines()


def test_links_lead_somewhere_and_to_every_page() -> None:
    dead, led = [], set[Path]()
    for page in (*_PAGES, *_ROOT.glob("examples/*/*.md"), *_ROOT.glob("benchmarks/*.md")):
        for link in map("".join, _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))):
            place, _, part = link.partition("#")
            target = (page.parent / place).resolve() if place else page
            if "://" not in link and (not target.exists() or (part and part not in _parts(target))):
                dead.append(f"{page.name}: {link}")
            if page == _ROOT / "docs" / "README.md":
                led.add(target)
    assert dead == []
    assert set(_PAGES) - {_ROOT / "docs" / "README.md"} <= led


def _parts(page: Path) -> set[str]:
    """Return the names of a page's parts, as GitHub and GitLab make them of headings."""
    headings = _HEADING.findall(_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
