"""What is measured: pytest alone, this plugin in all weathers, and its peers, as each comes."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from faults.plugins import HOST, OURS, PLUGINS, Plugin

_ANNOUNCED = "bulk-tests=500, idempotency-key, attempts, attachments, metadata, artifact-digests, suites"
_DRAIN_SECONDS = 5

PYTEST = "pytest"
SAME_PACKAGES = "pytest, with the packages of ours"


@dataclass(frozen=True)
class Candidate:
    """A way to run a session.

    :ivar plugin: how it is installed, switched on and pointed at its server.
    :ivar server: the faults of that server, and its options.
    :ivar beside: the candidate that it is compared with.
    :ivar arrived: counts the results that a session left in its folder, where no server counts them.
    :ivar is_deserted: whether nobody listens where the server would be.
    :ivar is_slow: whether it takes so long that one round of it is enough.
    """

    name: str
    plugin: Plugin
    server: Mapping[str, Any] = field(default_factory=dict)
    beside: str = PYTEST
    arrived: Callable[[Path], int] | None = None
    is_deserted: bool = False
    is_slow: bool = False


def _ours(name: str, *arguments: str, **server: Any) -> Candidate:
    # Installed as a user has it, its plugin is found by itself.
    environment = {key: value for key, value in OURS.environment.items() if key.startswith("PLATFORM_")}
    plugin = replace(OURS, arguments=arguments, environment=environment)
    return Candidate(f"ours, {name}", plugin, server, SAME_PACKAGES)


def _here(name: str, *arguments: str, arrived: Callable[[Path], int] | None = None) -> Candidate:
    plugin = replace(OURS, api="", arguments=arguments, environment={})
    return Candidate(name, plugin, beside=SAME_PACKAGES, arrived=arrived)


def _deserted(candidate: Candidate, *arguments: str) -> Candidate:
    plugin = replace(candidate.plugin, arguments=(*candidate.plugin.arguments, *arguments))
    name = f"{candidate.name}, nobody listens"
    is_slow = candidate is not OVER_HTTP
    return replace(candidate, name=name, plugin=plugin, server={}, is_deserted=True, is_slow=is_slow)


def _slow(seconds: float) -> Mapping[str, Any]:
    return {"capabilities": _ANNOUNCED, "faults": [{"do": "slow", "times": 0, "seconds": seconds}]}


def _in_store(folder: Path) -> int:
    path = folder / ".platform-report" / "platform" / "platform.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as store:
        return int(store.execute("SELECT count(*) FROM result").fetchone()[0])


def _in_reportlog(folder: Path) -> int:
    lines = map(json.loads, (folder / "report.jsonl").read_text(encoding="utf-8").splitlines())
    return len({line["nodeid"] for line in lines if line["$report_type"] == "TestReport"})


def _in_html(folder: Path) -> int:
    found = re.search(r'data-jsonblob="([^"]*)"', (folder / "report.html").read_text(encoding="utf-8"))
    tests = json.loads(html.unescape(found[1]))["tests"] if found else {}
    return sum(map(len, tests.values()))


def _in_json(*path: str) -> Callable[[Path], int]:
    def count(folder: Path) -> int:
        value = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        for name in path:
            value = value[name]
        return int(value)

    return count


def _in_junit(folder: Path) -> int:
    return (folder / "report.xml").read_text(encoding="utf-8").count("<testcase ")


def _in_allure(folder: Path) -> int:
    return len(list(folder.glob("allure-results/*-result.json")))


def _writer(name: str, arrived: Callable[[Path], int], *arguments: str) -> Candidate:
    return Candidate(name, Plugin(name, (name,), "", arguments), arrived=arrived)


def _slow_sender(name: str, **changes: Any) -> Candidate:
    return Candidate(name, replace(PLUGINS[name], **changes), is_slow=True)


# A number for each test, whatever it is called: without one, the session does not start.
_QASE_CASES = (
    HOST
    + """

import pytest


def pytest_qase_browser_name():
    return "none"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for number, item in enumerate(items, 1):
        item.add_marker(pytest.mark.qase(f"https://app.qase.io/case/PROJ-{number}"))
"""
)

_ON = "--platform-report"
_BOUNDED = f"--platform-drain-timeout={_DRAIN_SECONDS}"

FLOOR = Candidate("one line of JSON a test", Plugin("pytest", ("pytest",), "", ("-p", "floor")))
EMBEDDED = _here("ours, embedded platform", _ON, arrived=_in_store)
OVER_HTTP = _ours("HTTP", _ON, capabilities=_ANNOUNCED)
_SENDERS = (
    Candidate("buildkite-test-collector", PLUGINS["buildkite-test-collector"]),
    Candidate(
        "pytest-opentelemetry",
        Plugin(
            "pytest-opentelemetry",
            ("pytest-opentelemetry",),
            "opentelemetry",
            ("--export-traces",),
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "{address}", "OTEL_TRACES_EXPORTER": "otlp_proto_http"},
        ),
    ),
    Candidate(
        "ddtrace",
        Plugin(
            "ddtrace",
            ("ddtrace",),
            "datadog",
            ("--ddtrace",),
            {
                "DD_CIVISIBILITY_AGENTLESS_ENABLED": "true",
                "DD_CIVISIBILITY_AGENTLESS_URL": "{address}",
                "DD_API_KEY": "the-key-of-nobody",
                "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
                "DD_CIVISIBILITY_ITR_ENABLED": "false",
            },
        ),
    ),
    _slow_sender("pytest-reportportal"),
    _slow_sender("qase-pytest"),
    _slow_sender("pytest-qaseio", conftest=_QASE_CASES),
)
_WRITERS = (
    Candidate("junitxml", Plugin("pytest", ("pytest",), "", ("--junitxml=report.xml",)), arrived=_in_junit),
    _writer("pytest-reportlog", _in_reportlog, "--report-log=report.jsonl"),
    _writer("pytest-json-report", _in_json("summary", "total"), "--json-report", "--json-report-file=report.json"),
    _writer("pytest-json-ctrf", _in_json("results", "summary", "tests"), "--ctrf=report.json"),
    _writer("pytest-html", _in_html, "--html=report.html", "--self-contained-html"),
    _writer("allure-pytest", _in_allure, "--alluredir=allure-results"),
)
_BASES = (
    Candidate(PYTEST, Plugin("pytest", ("pytest",), "")),
    replace(_here(SAME_PACKAGES, "-p", f"no:{OURS.environment['PYTEST_PLUGINS']}"), beside=PYTEST),
)
CANDIDATES = (
    *_BASES,
    _here("ours, installed and off"),
    EMBEDDED,
    OVER_HTTP,
    _ours("HTTP, each answer after 100 ms", _ON, **_slow(0.1)),
    _ours("HTTP, each answer after 500 ms", _ON, **_slow(0.5)),
    _ours("HTTP, documented rate limits", _ON, _BOUNDED, minute=60.0),
    _deserted(OVER_HTTP, _BOUNDED),
    *_WRITERS,
    *_SENDERS,
)
COUNTED = (*_BASES, FLOOR, EMBEDDED, *_WRITERS)
DESERTED = tuple(map(_deserted, _SENDERS))
