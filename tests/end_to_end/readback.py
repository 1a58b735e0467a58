"""Read back, over the API, what a platform holds."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from end_to_end.platforms import Target, serving
from platform_report_server.app import create_app
from platform_report_server.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run with all that belongs to it, as JSON values.

    ``tests`` and their ``attempts`` have their ``steps``, ``artifacts`` their ``content`` in base64.
    """

    fields: Json
    tests: list[Json]
    suites: list[Json]
    artifacts: list[Json]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def status(self) -> str:
        return str(self.fields["status"])

    @property
    def outcomes(self) -> dict[str, str]:
        """The tests' statuses by full title; each test once."""
        titles = Counter((test["filePath"], test["fullTitle"]) for test in self.tests)
        assert not [title for title, count in titles.items() if count > 1], "a test is there twice"
        return {test["fullTitle"]: test["status"] for test in self.tests}

    @property
    def totals(self) -> dict[str, int]:
        """What the run itself says that it holds."""
        names = ("total", "passed", "failed", "skipped", "flaky")
        return {name: self.fields[f"{name}Tests"] for name in names}

    def check_totals(self) -> None:
        """Check that the run's totals are those of its tests."""
        counted = Counter(test["status"] for test in self.tests)
        names = ("passed", "failed", "skipped", "flaky")
        assert self.totals == {"total": len(self.tests), **{name: counted[name] for name in names}}

    def test(self, title: str) -> Json:
        """Return the one test with this title, or full title."""
        (test,) = [test for test in self.tests if title in (test["title"], test["fullTitle"])]
        return test

    def annotations(self, title: str) -> dict[str, str]:
        return {each["type"]: each["description"] for each in self.test(title)["annotations"]}

    def content(self, file_name: str) -> bytes:
        """Return what came of the one artifact with this name."""
        (found,) = [artifact for artifact in self.artifacts if artifact["fileName"] == file_name]
        return base64.b64decode(found["content"])


def own_steps(test: Json) -> list[Json]:
    """Return the steps of a test or of an attempt that are its own: no phases, no fixtures."""
    return [step for step in test["steps"] if step["category"] not in ("hook", "fixture")]


def read_runs(target: Target) -> list[Run]:
    """Read all runs of the target's project, the newest first."""
    with _reading(target) as http:
        runs = _pages(http, "/api/runs", projectId=target.project)
        return [_read_run(http, target.project, run["id"]) for run in runs]


def read_run(target: Target) -> Run:
    """Read the project's only run."""
    (run,) = read_runs(target)
    return run


@contextmanager
def _reading(target: Target) -> Iterator[httpx.Client]:
    if target.address:
        with _client(target.address, target.key) as http:
            yield http
    else:
        assert target.folder.is_dir(), "there is no embedded platform"
        settings = Settings.served(target.folder, {target.project: target.key})
        with serving(create_app(settings)) as address, _client(address, target.key) as http:
            yield http


def _client(address: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=60, trust_env=False, verify=False)


def _read_run(http: httpx.Client, project: str, run_id: str) -> Run:
    tests = []
    for listed in _pages(http, "/api/tests", projectId=project, runId=run_id):
        path = f"/api/tests/{listed['id']}"
        test = _get(http, path)
        for attempt in test.get("attempts") or ():
            attempt["steps"] = _get(http, f"{path}/steps", attempt=attempt["attempt"])["data"]
        tests.append({**test, "steps": _get(http, f"{path}/steps")["data"]})
    artifacts = []
    for artifact in _get(http, "/api/artifacts", runId=run_id)["data"]:
        # The link is signed, and opens without a key.
        answer = httpx.get(artifact["url"], trust_env=False, verify=False)
        assert answer.status_code == 200, answer.text
        artifacts.append({**artifact, "content": base64.b64encode(answer.content).decode()})
    suites = _get(http, "/api/test-suites", projectId=project, runId=run_id)["data"]
    return Run(_get(http, f"/api/runs/{run_id}"), tests, suites, artifacts)


def _pages(http: httpx.Client, path: str, **query: str) -> list[Json]:
    rows: list[Json] = []
    while True:
        page = _get(http, path, **query, limit=100, offset=len(rows))
        rows += page["data"]
        if len(rows) >= page["total"]:
            return rows


def _get(http: httpx.Client, path: str, **query: Any) -> Any:
    answer = http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()
