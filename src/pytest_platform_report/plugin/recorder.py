"""Record the tests that run in this process: a plain session or an xdist worker.

For each test the hooks come in this order::

    pytest_runtest_protocol            began
        pytest_runtest_makereport      once a phase: setup, call, teardown; call is left out after a failed setup
        ...                            reruns make further phases, each beginning with setup
    pytest_runtest_protocol returns    ended, with all attempts
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import Any

import pytest
from _pytest._io.saferepr import saferepr  # what pytest itself shows values with; it has no public name

from .. import recording
from ..journal import records
from ..journal.records import Record
from ..native import now_ms
from ..text import NAME_LIMIT, OUTPUT_LIMIT, shorten
from .failures import Comparison, Redact, describe_failure, describe_outcome
from .journal import Journal
from .keeper import FileKeeper
from .problems import Problems

_NO_TAGS = frozenset(("parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail"))
_SHOWN_VALUE = 240
_sub_address = re.compile(r"\b0x[0-9a-fA-F]{4,}").sub
_INTERRUPTIONS = (KeyboardInterrupt, pytest.exit.Exception)


class _Attempt:
    """One execution of a test, as far as it has come."""

    __slots__ = ("annotations", "failures", "last", "outcome", "phases", "recording", "sections", "start")

    def __init__(self, start: float, redact: Redact, sections: int) -> None:
        self.start = start
        self.last = start
        self.outcome = "passed"
        self.phases: list[str] = []
        self.failures: list[Record] = []
        self.annotations: list[Record] = []
        self.sections = sections
        self.recording = recording.Recording(start, redact)


class Recorder:
    """The hooks around the tests of this process.

    :param guard: told of each exception of ours; the tests go on.
    """

    def __init__(self, journal: Journal, redact: Redact, guard: Problems) -> None:
        self._journal = journal
        self._redact = redact
        self._guard = guard
        self._keep_file = FileKeeper(journal, redact)
        self._tests = 0
        self._attempts: list[_Attempt] = []
        self._sections: list[tuple[str, str]] = []
        self._comparison: Comparison | None = None
        self._parent: object = None
        self._suites: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Called around all that is done for a test."""
        if not self._journal.is_own:
            return (yield)
        try:
            self._begin(item)
        except Exception as error:
            self._guard(error)
        try:
            result = yield
        except BaseException as error:
            self._end(item, error)
            raise
        self._end(item, None)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Called after each phase of a test."""
        report = yield
        try:
            self._add_phase(item, call, report)
        except Exception as error:
            self._guard(error)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_assertrepr_compare(
        self, left: object, right: object
    ) -> Generator[None, list[list[str] | None], list[list[str] | None]]:
        """Called when pytest explains a comparison."""
        explanations = yield
        try:
            lines = next((lines for lines in explanations if lines), None)
            self._comparison = Comparison(lines[0].replace("\n", "\\n"), left, right) if lines else None
        except Exception as error:
            self._guard(error)
        return explanations

    def _begin(self, item: pytest.Item) -> None:
        self._tests += 1
        if item.parent is not self._parent:
            self._parent, self._suites = item.parent, _name_suites(item)
        file, line, _ = item.location
        now = now_ms()
        self._attempts = []
        self._sections = []
        self._journal.append(
            records.began(
                self._tests,
                self._redact(shorten(item.nodeid, NAME_LIMIT)),
                self._redact(file.replace(os.sep, "/")),
                None if line is None else line + 1,
                self._suites,
                self._redact(shorten(_sub_address("0x...", _name(item)), NAME_LIMIT)),
                round(now, 2),
            )
        )
        self._keep_file.test = self._tests
        recording.current.keep_file = self._keep_file
        self._open_attempt(now_ms())

    def _open_attempt(self, start: float) -> _Attempt:
        attempt = _Attempt(start, self._redact, len(self._sections))
        self._attempts.append(attempt)
        recording.current.recording = attempt.recording
        return attempt

    def _add_phase(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        if not self._attempts or not isinstance(report, pytest.TestReport):
            return
        now = now_ms()
        attempt = self._attempts[-1]
        if report.when in attempt.phases:  # a rerun: of the whole test, or of its call only
            attempt = self._open_attempt(attempt.last)
        attempt.phases.append(report.when or "")
        attempt.last = now
        self._sections = report.sections
        if report.failed:
            attempt.outcome = "failed"
            attempt.failures.append(describe_failure(item, report, call.excinfo, self._comparison, self._redact))
        else:
            if report.skipped and attempt.outcome == "passed":
                attempt.outcome = "skipped"
            annotation = describe_outcome(report, self._redact)
            if annotation is not None:
                attempt.annotations.append(annotation)
        self._comparison = None

    def _end(self, item: pytest.Item, error: BaseException | None) -> None:
        recording.current.recording = None
        recording.current.keep_file = None
        if not self._attempts or not self._journal.is_own:
            return
        try:
            if error is not None:
                self._note_end_by(error)
            attempts = [self._describe(each) for each in self._attempts]
            self._journal.append(records.ended(self._tests, attempts, self._tags(item), self._annotations(item)))
        except Exception as problem:
            self._guard(problem)
        self._attempts = []

    def _note_end_by(self, error: BaseException) -> None:
        attempt = self._attempts[-1]
        attempt.last = now_ms()
        if isinstance(error, _INTERRUPTIONS) or self._journal.is_abandoned():
            if attempt.outcome != "failed":
                attempt.outcome = "skipped"
            reason = str(error) or type(error).__name__
            attempt.annotations.append({"type": "interrupted", "description": self._redact(reason)})
        else:
            attempt.outcome = "failed"
            message = f"{type(error).__name__}: {saferepr(error)}"
            attempt.failures.append({"phase": "session", "message": self._redact(message)})

    def _describe(self, attempt: _Attempt) -> Record:
        described: Record = {
            "outcome": attempt.outcome,
            "start": round(attempt.start, 2),
            "duration": round(attempt.last - attempt.start, 2),
        }
        steps = attempt.recording.steps
        if attempt.recording.cut:
            steps.append(_cut_mark(attempt.recording.cut, attempt.last - attempt.start))
        if steps:
            described["steps"] = steps
        if attempt.failures:
            described["failures"] = attempt.failures
        if attempt.annotations:
            described["annotations"] = attempt.annotations
        if len(self._sections) > attempt.sections:
            self._add_output(described, attempt)
        return described

    def _add_output(self, described: Record, attempt: _Attempt) -> None:
        # A report holds the sections of all attempts before it too.
        following = self._attempts[self._attempts.index(attempt) + 1 :]
        end = following[0].sections if following else len(self._sections)
        outputs: dict[str, list[str]] = {"stdout": [], "stderr": []}
        for title, content in self._sections[attempt.sections : end]:
            if title.startswith("Captured stdout"):
                outputs["stdout"].append(content)
            elif title.startswith("Captured stderr"):
                outputs["stderr"].append(content)
            elif title.startswith("Captured log"):
                outputs["stderr"].append(f"--- {title} ---\n{content}\n")
        for name, parts in outputs.items():
            if parts:
                described[name] = self._redact(shorten("".join(parts), OUTPUT_LIMIT))

    def _tags(self, item: pytest.Item) -> list[str]:
        names = dict.fromkeys(marker.name for marker in item.iter_markers() if marker.name not in _NO_TAGS)
        if not names:
            return []
        return [f"@{self._redact(name)}" for name in names]

    def _annotations(self, item: pytest.Item) -> list[Record]:
        """Return the item's parameters, and what ``record_property`` told."""
        called = getattr(item, "callspec", None)
        annotations = [
            {"type": "parameter", "description": self._redact(f"{name}={_show(value)}")}
            for name, value in (called.params.items() if called is not None else ())
        ]
        for name, value in item.user_properties:
            text = value if isinstance(value, str) else _show(value)
            annotations.append({"type": self._redact(str(name)), "description": self._redact(text)})
        return annotations


def _show(value: object) -> str:
    """Return a value as pytest shows it, without the address that makes it another one in each session."""
    return _sub_address("0x...", saferepr(value, maxsize=_SHOWN_VALUE))


def _name(item: pytest.Item) -> str:
    """Return the item's name without the group that xdist's loadgroup writes behind it."""
    if item.config.getoption("dist", "no") == "loadgroup":
        return item.name.partition("@")[0] if item.get_closest_marker("xdist_group") else item.name
    return item.name


def _name_suites(item: pytest.Item) -> list[str]:
    """Return the item's suites, from its module to its innermost class."""
    suites: list[str] = []
    for node in item.listchain()[:-1]:
        if isinstance(node, pytest.File):
            suites.append(node.path.stem)
        elif isinstance(node, pytest.Class):
            suites.append(node.name)
    return suites


def _cut_mark(cut: int, at: float) -> dict[str, Any]:
    return {
        "title": f"[... {cut:,} further steps cut ...]",
        "category": "action",
        "status": "passed",
        "start": round(at, 2),
        "duration": 0.0,
        "depth": 0,
    }
