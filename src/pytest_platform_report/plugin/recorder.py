"""Record the tests that run in this process: a plain session or an xdist worker.

For each test the hooks come in this order::

    pytest_runtest_protocol            began
        pytest_runtest_makereport      once a phase: setup, call, teardown; call is left out after a failed setup
        ...                            reruns make further attempts, of which the hooks of ``.further`` tell
    pytest_runtest_protocol returns    ended, with all attempts
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from .. import notes, recording
from ..captured import CapturedOutput
from ..journal import records
from ..journal.records import Record
from ..native import now_ms
from ..redact import Redactor
from ..text import shorten_name
from .allure import AllureHooks
from .attempt import Attempt
from .comparison import Comparison, show
from .described import PARAMETER_LIMIT, Describer, as_text
from .extensions import Extensions
from .failures import describe_failure, describe_outcome
from .fixture_steps import FixtureHooks
from .further import FurtherHooks
from .journal import Journal
from .keeper import FileKeeper
from .phases import Phases
from .problems import Problems

_LONGEST_SUBTEST = 86_400.0  # seconds; tests that freeze the clock make years
_LONGEST_REPORT = 60_000.0  # milliseconds that pytest may take to make a report
_SETUP, _CALL, _TEARDOWN = records.phase("setup"), records.phase("call"), records.phase("teardown")
_Function, _TestReport = pytest.Function, pytest.TestReport
_INTERRUPTIONS = (KeyboardInterrupt, pytest.exit.Exception)


class Recorder:
    """The hooks around the tests of this process.

    :param fixtures: knows the fixtures whose teardown may have failed.
    :param extensions: the hooks that have a say in what is recorded.
    :param allure: knows the titles that allure's decorators give.
    :param guard: told of each exception of ours; the tests go on.
    :ivar keep_file: keeps files with the running test.
    :ivar further: the hooks by which it learns of further attempts and of others' reports.
    """

    def __init__(
        self,
        config: pytest.Config,
        journal: Journal,
        redact: Redactor,
        guard: Problems,
        fixtures: FixtureHooks,
        extensions: Extensions,
        describe: Describer,
        allure: AllureHooks,
    ) -> None:
        self._journal = journal
        self._fixtures = fixtures
        self._extensions = extensions
        self._describe = describe
        self._allure = allure
        self._redact = redact
        self._guard = guard
        self.keep_file = FileKeeper(journal, redact, lambda *file: extensions.want_file(self._item, *file))
        self.further = FurtherHooks(config, self)
        self._phases = Phases()
        self._tests = 0
        self._item: Any = None
        self._attempts: list[Attempt] = []
        self._spare: Attempt | None = None  # that of the test before, where nothing but its times was told of it
        self._reports: list[pytest.TestReport] = []  # of the running test
        self._comparison: Comparison | None = None
        self._markers = 0
        self._at = 0
        self._told = 0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Called around all that is done for a test."""
        try:
            self._begin(item, nextitem)
        except Exception as error:
            self._guard(error)
        try:
            result = yield
        except BaseException as error:
            self._end(item, error)
            raise
        self._end(item, None)
        self._journal.finished += 1
        return result

    def begin_attempt(self) -> None:
        """Begin the test's next attempt, if there has been one."""
        if not self._attempts or not self._attempts[-1].phases:
            return
        try:
            self._journal.write(records.line_of_attempt(records.attempt(self._tests, self._describe_unfinished())))
            self._open_attempt(now_ms())
            self._journal.write(_SETUP)
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

    def take_report(self, report: pytest.TestReport) -> None:
        """Take a report; most have been seen when they were made."""
        if not self._attempts:
            return
        try:
            if not self._reports or report is not self._reports[-1]:
                self._add_report(report)
            if self._journal.is_relayed and report.when == "teardown":
                self._tell_end()
                self._spare = None
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

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Called when no test follows, though one may have been expected to."""
        self._journal.flush()

    def _begin(self, item: pytest.Item, following: pytest.Item | None) -> None:
        self._tests += 1
        if self._tests == 1:
            self.further.look()
            self._phases.look(item.session)
        if type(item) is not _Function and hasattr(item, "addSubTest"):
            self.further.register()
        self._phases.begin(item, following)
        self._item = item
        self._reports.clear()
        self._told = 0
        self._markers = len(item.own_markers)
        parts = None if self._extensions.change_begins else self._describe.parts(item, self._tests - 1)
        now = now_ms()
        self._at = int(now)
        if self._extensions.change_begins:
            if not self._journal.is_own:
                return
            described = self._describe.begun(self._tests, item, self._at)
            began = self._extensions.begin(item, described)
            self._phases.is_set_up = False
            if began is None:
                self._journal.append(records.dropped(self._tests, described["node"]))
                return
            self._journal.begin(records.line_of_began(began))
        elif parts is not None:
            self._journal.begin(records.begun(self._tests, self._at, parts, self._phases.is_set_up))
        else:
            began = self._describe.begun(self._tests, item, self._at)
            self._journal.begin(records.line_of_began(began, self._phases.is_set_up))
        self.keep_file.begin(self._tests)
        recording.current.keep_file = self.keep_file
        self._open_attempt(now)

    def _open_attempt(self, start: float) -> Attempt:
        attempt, self._spare = self._spare, None
        # A thread that a test has left behind may have told something of it since.
        if attempt is not None and not attempt.recording.steps and attempt.notes.is_empty:
            attempt.restart(start)
        else:
            first_section = self._attempts[-1].told if self._attempts else 0
            steps, told = recording.Recording(start, self._redact), notes.Notes(self._redact)
            attempt = Attempt(start, first_section, steps, told)
        self._attempts.append(attempt)
        recording.current.recording = attempt.recording
        notes.current.notes = attempt.notes
        return attempt

    def _add_phase(
        self, item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException] | None, report: pytest.TestReport
    ) -> None:
        if not self._attempts or not isinstance(report, _TestReport):
            return
        self._reports.append(report)
        when: Any = report.when
        outcome = report.outcome
        attempt = self._attempts[-1]
        for phase in attempt.phases:
            if phase[0] == when:  # a rerun of the call only
                attempt = self._open_attempt(attempt.last)
                break
        attempt.last = now = now_ms()
        failure = annotation = None
        if outcome == "failed":
            failure = describe_failure(item, report, excinfo, self._comparison, self._redact)
            if when == "teardown" and excinfo is not None:
                self._fixtures.blame(excinfo.value)
        elif outcome == "skipped" or hasattr(report, "wasxfail"):
            annotation = describe_outcome(report, self._redact)
        if outcome != "passed" or annotation is not None:
            attempt.is_regular = False
        attempt.phases.append((when, outcome, now, failure, annotation, report.sections))
        self._comparison = None
        if when == "setup":
            if outcome != "passed":
                self._phases.fail_setup()
                self._journal.write(_TEARDOWN)
            elif not self._phases.is_set_up:
                self._journal.write(_CALL)
            if self._allure.managers:
                self._allure.tell_title(item)
        elif when == "call" and not (outcome == "passed" and self._phases.ends_with_call(item)):
            self._journal.write(_TEARDOWN)

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
        notes.current.notes = None
        try:
            if not self._attempts:
                return
            if error is not None and not self._attempts[-1].has("teardown"):
                self._note_end_by(error, item)
            self._tell_end()
            if error is not None:
                self._journal.flush()
        except Exception as problem:
            self._guard(problem)
        finally:
            recording.current.keep_file = None
            self._attempts = []

    def _tell_end(self) -> None:
        if self._told == len(self._attempts):
            return
        item = self._item
        line = self._line_of_plain(item)
        if line is not None:
            self._write_end(line)
            self._told, self._spare = 1, self._attempts[0]
        elif self._journal.is_own:
            self._tell_more(item)

    def _tell_more(self, item: pytest.Item) -> None:
        attempts = [each.describe(self._redact) for each in self._attempts]
        tags, annotations = [], []
        if len(item.own_markers) > self._markers:
            marked = self._describe.read(item.own_markers[self._markers :])
            tags, annotations = marked.tags, marked.annotations
        title = ""
        for each in self._attempts:
            tags += each.notes.tags
            title = each.notes.title or title
        annotations += self._describe.properties(item)
        ended = records.ended(self._tests, attempts, tags, annotations, title)
        kept: Record | None = ended
        try:
            kept = self._extensions.end(item, ended)
        finally:
            if kept is None:
                self._journal.append(records.ended_dropped(self._tests))
            else:
                self._write_end(records.line_of_ended(kept))
            self._told = len(self._attempts)

    def _write_end(self, line: bytes) -> None:
        if self._phases.is_followed:
            self._journal.put_off(line)
        else:
            self._journal.write(line)

    def _line_of_plain(self, item: pytest.Item) -> bytes | None:
        """Return the record of a test of which there is nothing to say but that it passed, and when: true of most."""
        if len(self._attempts) != 1 or len(item.own_markers) != self._markers:
            return None
        if item.user_properties or self._extensions.change_ends:
            return None
        return self._attempts[0].line(self._tests, self._at, self._redact)

    def _describe_unfinished(self) -> Record:
        """Return the last attempt, without the texts that a hook may change once the test has ended."""
        described = self._attempts[-1].describe(self._redact)
        if self._extensions.change_ends:
            return {key: described[key] for key in ("outcome", "start", "duration", "phases")}
        return described

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


def _describe_subtest(context: Any) -> str:
    """Return a subtest's message and parameters: ``even (i=1)``."""
    message = str(context.msg or "")
    given = ", ".join(f"{name}={as_text(value)}" for name, value in context.kwargs.items())
    return f"{message} ({given})".lstrip() if given else message or "subtest"
