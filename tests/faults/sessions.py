"""A scenario played: a session of a plugin's, the server's faults, and what is there in the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sys import executable
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from faults.plugins import Plugin
from faults.scenarios import Scenario
from faults.suites import FILE, Suite

_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR")
_BUSY = "is being delivered by another process"
_TESTS = Path(__file__).parents[1]
_LATER_SECONDS = 60.0
_WAITING_SECONDS = 20.0

_open = build_opener(ProxyHandler({})).open


@dataclass(frozen=True)
class Held:
    """What the server holds of a suite's tests; ``runs``, ``tests``, ``suites`` and ``artifacts`` as JSON values."""

    suite: Suite
    runs: list[dict[str, Any]]
    tests: list[dict[str, Any]]
    suites: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]
    violations: list[str]
    turned_away: dict[str, list[int]]
    waiting: int
    struck: int
    unmet: list[str]

    @property
    def names(self) -> Counter[str]:
        """How often each test is there."""
        found = (re.findall(r"test_\d+", test["name"]) for test in self.tests)
        return Counter(names[-1] for names in found if names)

    @property
    def lost(self) -> list[str]:
        return [name for name in self.suite.expected if name not in self.names]

    @property
    def doubled(self) -> list[str]:
        return [name for name, count in self.names.items() if count > 1]

    def wrong_totals(self) -> list[str]:
        """Return what the one run says of itself and is not so, in words."""
        if len(self.runs) != 1:
            return [f"{len(self.runs)} runs"]
        (run,) = self.runs
        counts = Counter(self.suite.expected.values())
        expected: dict[str, object] = {"status": self.suite.status, "totalTests": sum(counts.values())}
        expected |= {f"{name}Tests": counts[name] for name in ("passed", "failed", "skipped", "flaky")}
        return [
            f"{name} is {run.get(name)!r}, not {value!r}" for name, value in expected.items() if run.get(name) != value
        ]

    def problems(self) -> list[str]:
        """Return what of a run of the reporting API is not as it must be in the end, in words."""
        found = [f"lost: {name}" for name in self.lost] + [f"doubled: {name}" for name in self.doubled]
        found += self.wrong_totals() + self.violations
        statuses = {test["name"]: test["status"] for test in self.tests}
        if not self.lost and statuses != self.suite.expected:
            found.append(f"statuses: {statuses}")
        suites = sorted(tuple(suite["path"]) for suite in self.suites)
        if suites != sorted(self.suite.suites):
            found.append(f"suites: {suites}")
        if len({artifact["sha256"] for artifact in self.artifacts}) != self.suite.files:
            found.append(f"files: {self.artifacts}")
        return found


@dataclass(frozen=True)
class Played:
    """What came of a scenario.

    :ivar exit: of the session; None where it did not end in time and was killed.
    :ivar seconds: how long the session took.
    :ivar out: what session and later command printed.
    :ivar at_end: what there was when the session had ended; ``in_the_end``: when what it left had been delivered.
    """

    scenario: Scenario
    exit: int | None
    seconds: float
    out: str
    at_end: Held
    in_the_end: Held

    def problems(self) -> list[str]:
        """Return what must hold and does not, in words."""
        found = self.in_the_end.problems()
        if self.exit != self.scenario.suite.exit:
            found.append(f"exit status {self.exit}, not {self.scenario.suite.exit}")
        if self.at_end.unmet:
            found.append(f"what did not happen: {self.at_end.unmet}")
        if self.at_end.doubled:
            found.append(f"doubled at the session's end: {self.at_end.doubled}")
        if self.scenario.delivered == "session" and (at_end := self.at_end.problems()):
            found.append(f"at the session's end: {at_end}")
        if self.scenario.waiting and not self.at_end.waiting:
            found.append("the session's end had waited for the answer")
        return found


@dataclass(frozen=True)
class Server:
    """A scripted server, by its address."""

    address: str

    def begin(self, what: Mapping[str, Any]) -> Server:
        """Return another server of the same process; *what* are its faults, and the options of its API."""
        return Server(self._ask("begin", what)["address"])

    def recover(self) -> None:
        """Let nothing go wrong any more."""
        self._ask("recover", {})

    def held(self) -> dict[str, Any]:
        """Return what it holds."""
        return self._ask("held")

    def counts(self) -> tuple[int, int]:
        """Return how many requests have come, and how many tests it holds."""
        told = self._ask("counts")
        return told["requests"], told["tests"]

    def _ask(self, what: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with _open(Request(f"{self.address}/-/{what}", data, {"Content-Type": "application/json"})) as answer:
            answered: dict[str, Any] = json.load(answer)
        return answered


@contextmanager
def serving(api: str) -> Iterator[Server]:
    """Run a server of an API."""
    command = [executable, "-m", "faults.server", "--api", api or "buildkite"]
    with subprocess.Popen(command, cwd=_TESTS, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stdout is not None
            yield Server(process.stdout.readline().strip())
        finally:
            process.kill()


class Stage:
    """A project in *folder* whose sessions report by *plugin*, run by *python*, to servers that *server* opens.

    :param limit: how many seconds a session may take.
    """

    def __init__(
        self, folder: Path, server: Server, plugin: Plugin, python: str = executable, limit: float = 120
    ) -> None:
        self._folder = folder
        self._opener = server
        self._plugin = plugin
        self._python = python
        self._limit = limit

    def play(self, scenario: Scenario) -> Played:
        """Play a scenario."""
        server = self._opener.begin(scenario.to_server())

        def fill(text: str) -> str:
            return text.replace("{address}", server.address).replace("{patience}", f"{scenario.patience:g}")

        self._folder.mkdir(parents=True, exist_ok=True)
        files = {"pytest.ini": "[pytest]\n", "conftest.py": fill(self._plugin.conftest)}
        for name, text in {**files, FILE: scenario.suite.source(self._plugin.attach)}.items():
            (self._folder / name).write_text(text, encoding="utf-8")
        environment = _environment({name: fill(text) for name, text in self._plugin.environment.items()})
        command = [self._python, "-m", "pytest", "-p", "no:cacheprovider", *map(fill, self._plugin.arguments)]
        begun = time.monotonic()
        exit_, out = self._run(command, environment)
        seconds = time.monotonic() - begun
        at_end = self._held_at_end(server, scenario)
        server.recover()
        if self._plugin.then and at_end.problems():
            out += self._deliver(environment)
        return Played(scenario, exit_, seconds, out, at_end, self._held(server, scenario))

    def _deliver(self, environment: Mapping[str, str]) -> str:
        deadline = time.monotonic() + _LATER_SECONDS
        while True:
            _, out = self._run(list(self._plugin.then), environment)
            if _BUSY not in out or time.monotonic() > deadline:
                return out

    def _run(self, command: list[str], environment: Mapping[str, str]) -> tuple[int | None, str]:
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            out, _ = process.communicate(timeout=self._limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
            return None, out
        return process.returncode, out

    def _held_at_end(self, server: Server, scenario: Scenario) -> Held:
        """Return what the server holds; where it keeps requests waiting, once one that is still to come has come."""
        deadline = time.monotonic() + _WAITING_SECONDS * (scenario.waiting and bool(self._plugin.then))
        while not (held := self._held(server, scenario)).waiting and time.monotonic() < deadline:
            time.sleep(0.01)
        return held

    def _held(self, server: Server, scenario: Scenario) -> Held:
        held = server.held()
        if self._plugin.results:
            results = [json.loads(path.read_text()) for path in self._folder.glob(self._plugin.results)]
            held["tests"] = [{"name": result["name"], "status": result.get("status")} for result in results]
        return Held(scenario.suite, **held)


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("COVERAGE_")}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **own}
