"""What ``--junitxml`` says of a session, in the platform's words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Named = tuple[str, str]

_GRAVEST = ("failed", "skipped", "passed")


def read_junit(path: Path) -> dict[Named, str]:
    """Return the status of each test by class name and name."""
    found: dict[Named, str] = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        name = (case.get("classname", ""), case.get("name", ""))
        # A test that fails in its call and again in its teardown has two entries.
        found[name] = min(_status(case), found.get(name, "passed"), key=_GRAVEST.index)
    return found


def in_junit_words(tests: Iterable[dict[str, Any]]) -> dict[Named, str]:
    """Return the same of a platform's tests; a flaky one has passed in the end."""
    return {_name(test): {"flaky": "passed"}.get(test["status"], test["status"]) for test in tests}


def _status(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _name(test: dict[str, Any]) -> Named:
    module = test["filePath"].removesuffix(".py").replace("/", ".")
    if test["title"] == "collection":
        return "", module
    suites = test["fullTitle"].removesuffix(" > " + test["title"]).split(" > ")
    return ".".join([module, *suites[1:]]), test["title"]
