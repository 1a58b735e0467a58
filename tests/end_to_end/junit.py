"""What ``--junitxml`` says of a session, in the platform's words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Named = tuple[str, str]

_KINDS = {"failure", "error", "skipped"}


def read_kinds(path: Path) -> dict[Named, set[str]]:
    """Return by class name and name what each test has beside its output: nothing where it passed."""
    found: dict[Named, set[str]] = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        # A test that fails in its call and again in its teardown has two entries.
        kinds = found.setdefault((case.get("classname", ""), case.get("name", "")), set())
        kinds |= {each.tag for each in case} & _KINDS
    return found


def read_junit(path: Path) -> dict[Named, str]:
    """Return the status of each test by class name and name."""
    return {name: _status(kinds) for name, kinds in read_kinds(path).items()}


def in_junit_words(tests: Iterable[dict[str, Any]]) -> dict[Named, str]:
    """Return the same of a platform's tests; a flaky one has passed in the end."""
    return {_name(test): {"flaky": "passed"}.get(test["status"], test["status"]) for test in tests}


def _status(kinds: set[str]) -> str:
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if kinds else "passed"


def _name(test: dict[str, Any]) -> Named:
    module = test["filePath"].removesuffix(".py").replace("/", ".")
    if test["title"] == "collection":
        return "", module
    suites = test["fullTitle"].removesuffix(" > " + test["title"]).split(" > ")
    return ".".join([module, *suites[1:]]), test["title"]
