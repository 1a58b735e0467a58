"""The verdict on each test of a session: what junit has, and what the platform has."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from _pytest.junitxml import bin_xml_escape  # junit has names with what XML cannot hold written out

from end_to_end.platforms import Target, serving
from platform_report_server.app import create_app
from platform_report_server.settings import Settings
from pytest_platform_report.redact import make_redactor

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}")
_redact = make_redactor([])  # some tests have URLs with passwords as parameters
_GRAVEST = ("failed", "skipped", "flaky", "passed")
_PAGE = 100


class Verdict(NamedTuple):
    """A test, by its file and the names of its innermost suite and its own, and how it ended."""

    file: str
    suite: str
    name: str
    status: str


Verdicts = Counter[Verdict]


@dataclass(frozen=True)
class Held:
    """The only run on a platform.

    :ivar totals: what the run itself says of its tests, by status; the statuses that no test has are left out.
    """

    verdicts: Verdicts
    status: str
    number: int
    totals: dict[str, int]


def read_junit(path: Path) -> Verdicts:
    """Read a junit file of the family xunit1, the one that says which file a test is in.

    It may have several entries of a test that was spoiled: one for each attempt, one for each phase that failed.
    """
    verdicts: list[Verdict] = []
    spoiled: dict[str, Verdict] = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        spoiling = next((each.get("value", "") for each in case.iter("property") if each.get("name") == "spoiled"), "")
        verdict = _of_case(case, spoiling)
        if not spoiling:
            verdicts.append(verdict)
        elif spoiling not in spoiled or _is_graver(verdict, spoiled[spoiling]):
            spoiled[spoiling] = verdict
    return Counter([*verdicts, *spoiled.values()])


def read_platform(target: Target) -> Held:
    """Read the run that an embedded platform holds."""
    settings = Settings.served(target.folder, {target.project: target.key})
    with (
        serving(create_app(settings)) as address,
        httpx.Client(base_url=address, headers={"X-API-Key": target.key}, timeout=60, trust_env=False) as http,
    ):
        (run,) = _rows(http, "/api/runs", projectId=target.project)
        tests = _rows(http, "/api/tests", projectId=target.project, runId=run["id"])
    totals = {status: run[f"{status}Tests"] for status in ("passed", "failed", "skipped", "flaky")}
    return Held(
        Counter(_of_test(test) for test in tests),
        run["status"],
        run["totalTests"],
        {status: number for status, number in totals.items() if number},
    )


def count(verdicts: Verdicts) -> dict[str, int]:
    """Return how many tests ended in each way."""
    counted: Counter[str] = Counter()
    for verdict, number in verdicts.items():
        counted[verdict.status] += number
    return dict(counted)


def _of_case(case: ET.Element, spoiling: str) -> Verdict:
    suite, name = case.get("classname", "").rpartition(".")[2], case.get("name", "")
    if not suite:
        suite, name = name.rpartition(".")[2], "collection"
    return Verdict(case.get("file", ""), suite, _redact(_ADDRESS.sub("0x...", name)), _status(case, spoiling))


def _status(case: ET.Element, spoiling: str) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None:
        return "skipped"
    return "flaky" if " once in " in spoiling else "passed"


def _is_graver(verdict: Verdict, other: Verdict) -> bool:
    return _GRAVEST.index(verdict.status) < _GRAVEST.index(other.status)


def _of_test(test: dict[str, Any]) -> Verdict:
    suites = test["fullTitle"].removesuffix(" > " + test["title"]).split(" > ")
    return Verdict(test["filePath"], suites[-1], bin_xml_escape(test["title"]), test["status"])


def _rows(http: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        answer = http.get(path, params={**query, "limit": _PAGE, "offset": len(rows)})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["data"]
        if len(rows) >= page["total"]:
            return rows
