"""Record the tests that run in this process: a plain session or an xdist worker.

For each test the hooks come in this order::

    pytest_runtest_protocol            began
        pytest_runtest_setup           an attempt begins
        pytest_runtest_makereport      once a phase: setup, call, teardown; call is left out after a failed setup
        ...                            reruns make further attempts
    pytest_runtest_protocol returns    ended, with all attempts
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from .. import notes, recording
from ..captured import CapturedOutput
from ..journal import records
from ..journal.records import Record
from ..native import now_ms
from ..redact import Redact
from ..text import MESSAGE_LIMIT, shorten, shorten_name
from . import allure_marks
from .attempt import Attempt, Phase
from .comparison import Comparison, show
from .failures import describe_failure, describe_outcome
from .fixture_steps import FixtureHooks
from .journal import Journal
from .keeper import FileKeeper
from .problems import Problems
from .titles import hide_addresses, title_of

_NO_TAGS = frozenset(("parametrize", "usefixtures", "filterwarnings", "skip", "skipif", "xfail")) | allure_marks.MARKS
PARAMETER_LIMIT = 240
_LONGEST_SUBTEST = 86_400.0  # seconds; tests that freeze the clock make years
_LONGEST_REPORT = 60_000.0  # milliseconds that pytest may take to make a report
_NO_REPORT: Any = object()
_SETUP, _CALL, _TEARDOWN = records.phase("setup"), records.phase("call"), records.phase("teardown")
_INTERRUPTIONS = (KeyboardInterrupt, pytest.exit.Exception)


class Recorder:
    """The hooks around the tests of this process.

    :param worker: the xdist worker's name, empty in a plain session.
    :param fixtures: knows the fixtures whose teardown may have failed.
    :param guard: told of each exception of ours; the tests go on.
    """

    def __init__(
        self, journal: Journal, redact: Redact, guard: Problems, fixtures: FixtureHooks, worker: str = ""
    ) -> None:
        self._journal = journal
        self._fixtures = fixtures
        self._worker = worker
        self._executions: Counter[str] = Counter()
        self._redact = redact
        self._guard = guard
        self._keep_file = FileKeeper(journal, redact)
        self._tests = 0
        self._item: Any = None
        self._attempts: list[Attempt] = []
        self._reports: list[pytest.TestReport] = []
        self._comparison: Comparison | None = None
        self._parent: object = None
        self._suites: list[str] = []
        self._markers = 0

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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Called when an attempt begins: what comes from now on, its fixtures' steps first, belongs to it."""
        if not self._attempts or not self._attempts[-1].phases:
            return
        try:
            self._journal.append(records.attempt(self._tests, self._attempts[-1].describe(self._redact)))
            self._open_attempt(now_ms())
            self._journal.append_line(_SETUP)
        except Exception as error:
            self._guard(error)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Called after each phase of a test."""
        report = yield
        try:
            self._add_phase(item, call.excinfo, report)
        except Exception as error:
            self._guard(error)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called with each report; most have been seen when they were made."""
        if not self._attempts:
            return
        try:
            if report is not self._reports[-1]:
                self._add_report(report)
            if self._journal.is_relayed and report.when == "teardown":
                self._tell_end()
        except Exception as error:
            self._guard(error)

    @pytest.hookimpl(wrapper=True)
    def pytest_assertrepr_compare(
        self, op: str, left: object, right: object
    ) -> Generator[None, list[list[str] | None], list[list[str] | None]]:
        """Called when pytest explains a comparison that does not hold."""
        explanations = yield
        try:
            lines = next((lines for lines in explanations if lines), None)
            self._comparison = Comparison.of_assert(op, left, right, lines)
        except Exception as error:
            self._guard(error)
        return explanations

    def _begin(self, item: pytest.Item) -> None:
        self._tests += 1
        self._item = item
        if item.parent is not self._parent:
            self._parent, self._suites = item.parent, _name_suites(item)
        file, line, _ = item.location
        now = now_ms()
        told = self._read(list(item.iter_markers()))
        self._attempts = []
        self._reports = [_NO_REPORT]
        self._markers = len(item.own_markers)
        self._journal.append(
            records.began(
                self._tests,
                shorten_name(self._redact(item.nodeid)),
                self._redact(file.replace(os.sep, "/")),
                None if line is None else line + 1,
                self._suites,
                shorten_name(self._redact(title_of(item))),
                round(now, 2),
                told.tags,
                [*self._annotations(item), *told.annotations],
            )
        )
        self._keep_file.test = self._tests
        recording.current.keep_file = self._keep_file
        self._open_attempt(now_ms())

    def _open_attempt(self, start: float) -> Attempt:
        first_section = self._attempts[-1].told if self._attempts else 0
        attempt = Attempt(start, self._redact, first_section)
        self._attempts.append(attempt)
        recording.current.recording = attempt.recording
        notes.current.notes = attempt.notes
        return attempt

    def _add_phase(
        self, item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException] | None, report: pytest.TestReport
    ) -> None:
        if not self._attempts or not isinstance(report, pytest.TestReport):
            return
        self._reports.append(report)
        when, outcome = str(report.when), str(report.outcome)
        attempt = self._attempts[-1]
        if attempt.has(when):  # a rerun of the call only
            attempt = self._open_attempt(attempt.last)
        attempt.last = now_ms()
        failure = annotation = None
        if outcome == "failed":
            failure = describe_failure(item, report, excinfo, self._comparison, self._redact)
            if when == "teardown" and excinfo is not None:
                self._fixtures.blame(excinfo.value)
        elif outcome == "skipped" or hasattr(report, "wasxfail"):
            annotation = describe_outcome(report, self._redact)
        attempt.phases.append(Phase(when, outcome, attempt.last, failure, annotation, report.sections))
        self._comparison = None
        if when != "teardown":
            self._journal.append_line(_CALL if when == "setup" and outcome == "passed" else _TEARDOWN)

    def _add_report(self, report: pytest.TestReport) -> None:
        """Take a report that was not made by this process's hook, or not for the test as a whole."""
        if any(report is seen for seen in self._reports):
            return  # pytest-rerunfailures hands them on later
        context = getattr(report, "context", None)
        if context is None:  # pytest-forked made it in another process
            self._add_phase(self._item, None, report)
        elif self._attempts[-1].phases:
            title = shorten_name(self._redact(_describe_subtest(context)))
            duration = report.duration * 1000 if 0 <= report.duration < _LONGEST_SUBTEST else 0.0
            self._attempts[-1].take_subtest(title, self._end_of_subtest(report), duration, report.sections)

    def _end_of_subtest(self, report: pytest.TestReport) -> float:
        """Return when a subtest was over, not when its report was made: its own steps must not come before it."""
        told = self._attempts[-1].last
        stop: float = report.stop * 1000
        return stop if 0 <= told - stop < _LONGEST_REPORT else told

    def _end(self, item: pytest.Item, error: BaseException | None) -> None:
        recording.current.recording = None
        recording.current.keep_file = None
        notes.current.notes = None
        if not self._attempts or not self._journal.is_own:
            return
        try:
            if error is not None and not self._attempts[-1].has("teardown"):
                self._note_end_by(error, item)
            self._tell_end()
        except Exception as problem:
            self._guard(problem)
        self._attempts = []

    def _tell_end(self) -> None:
        item = self._item
        attempts = [each.describe(self._redact) for each in self._attempts]
        told = [self._read(item.own_markers[self._markers :]), *(each.notes for each in self._attempts)]
        tags = [tag for each in told for tag in each.tags]
        annotations = [*told[0].annotations, *self._properties(item)]
        title = next((each.title for each in reversed(told) if each.title), "")
        self._journal.append(records.ended(self._tests, attempts, tags, annotations, title))

    def _note_end_by(self, error: BaseException, item: pytest.Item) -> None:
        attempt = self._attempts[-1]
        attempt.take_output(self._untold_output(item, attempt.told))
        if isinstance(error, _INTERRUPTIONS) or self._journal.is_abandoned():
            attempt.interrupt(self._redact(str(error) or type(error).__name__), now_ms())
        else:
            attempt.break_off(self._redact(f"{type(error).__name__}: {show(error, PARAMETER_LIMIT)}"), now_ms())

    def _untold_output(self, item: pytest.Item, told: int) -> list[tuple[str, str]]:
        """Return what a test printed that was cut off before pytest could report it."""
        sections = [(f"Captured {name} {when}", text) for when, name, text in item._report_sections[told:]]
        stdout, stderr = CapturedOutput(self._journal.output).read()
        return [*sections, ("Captured stdout", stdout), ("Captured stderr", stderr)]

    def _read(self, markers: Sequence[pytest.Mark]) -> notes.Notes:
        """Return what markers tell: their names as tags, and what those of allure's decorators say."""
        told = notes.Notes(self._redact)
        for marker in markers:
            if marker.name not in _NO_TAGS:
                told.add_tag(marker.name)
        allure_marks.tell(told, markers)
        return told

    def _annotations(self, item: pytest.Item) -> list[Record]:
        """Return what tells this execution from others, and the item's parameters."""
        annotations: list[Record] = []
        if self._worker:
            annotations.append({"type": "worker", "description": self._worker})
        if item.config.getoption("keepduplicates", False):
            self._executions[item.nodeid] += 1
            annotations.append({"type": "execution", "description": str(self._executions[item.nodeid])})
        called = getattr(item, "callspec", None)
        for name, value in called.params.items() if called is not None else ():
            annotations.append({"type": "parameter", "description": self._redact(f"{name}={_show(value)}")})
        return annotations

    def _properties(self, item: pytest.Item) -> list[Record]:
        """Return what ``record_property`` told."""
        return [
            {
                "type": shorten_name(self._redact(str(name))),
                "description": shorten(self._redact(_as_text(value)), MESSAGE_LIMIT),
            }
            for name, value in item.user_properties
        ]


def _show(value: object) -> str:
    """Return a value as pytest shows it, without the address that makes it another one in each session."""
    return hide_addresses(show(value, PARAMETER_LIMIT))


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else _show(value)


def _describe_subtest(context: Any) -> str:
    """Return a subtest's message and parameters: ``even (i=1)``."""
    message = str(context.msg or "")
    given = ", ".join(f"{name}={_as_text(value)}" for name, value in context.kwargs.items())
    return f"{message} ({given})".lstrip() if given else message or "subtest"


def _name_suites(item: pytest.Item) -> list[str]:
    """Return the item's suites, from its module to its innermost class."""
    suites: list[str] = []
    for node in item.listchain()[:-1]:
        if isinstance(node, pytest.File):
            suites.append(node.path.stem)
        elif isinstance(node, pytest.Class):
            suites.append(node.name)
    return suites
