"""Begin and close the run: in a plain session and in xdist's controller."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest

from ..captured import CapturedOutput
from ..journal import records
from ..native import native, now_ms
from ..process import describe_exit
from ..redact import Redact
from ..settings import Settings
from ..text import MESSAGE_LIMIT, STACK_LIMIT, shorten, shorten_name
from .closing import Closing
from .descriptors import raised_limit
from .extensions import Extensions
from .failures import describe_collection, describe_skip
from .journal import Journal
from .launch import launch_uploader
from .problems import TOLD, Problems
from .relay import CARRIED, Relays
from .run_files import RunFiles

HANDED = "platform_report"
CONTROLLER = "platform-report-controller"

_END_SECONDS = 1.0


class Conductor:
    """The hooks that span the session.

    The run begins with the first test, or with the first module that cannot be collected: ``--help``, a mistyped path
    and a session that finds no test make none.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        journal: Journal,
        environment: Mapping[str, str],
        redact: Redact,
        guard: Problems,
        extensions: Extensions,
        run_files: RunFiles,
    ) -> None:
        self.journal = journal
        self.guard = guard
        self._settings = settings
        self._plugins = config.pluginmanager
        self._environment = environment
        self._redact = redact
        self._run_files = run_files
        self._interrupted = False
        self._closing = Closing(config, settings, journal, guard, self._count_finished, self._launch)
        journal.complete = extensions.run
        journal.on_open = self._launch

    def _launch(self) -> None:
        self._closing.launch_problem = launch_uploader(
            self.journal.folder.path, self._environment, self._settings.api_key, self.journal.output
        )

    def lose(self, worker: str, node: str, message: str, exit_code: int | None, output: tuple[str, str]) -> None:
        """Note that *worker* went away while it ran *node*; *message* is pytest's, where nothing better is known."""
        death = "" if exit_code is None else describe_exit(exit_code)
        node = shorten_name(self._redact(node))
        stdout, stderr = map(self._redact, output)
        self.journal.append(records.lost(worker, node, self._redact(message), death, stdout, stderr, round(now_ms())))

    def interrupt(self) -> None:
        """Note that the session was interrupted."""
        self._interrupted = True

    def miss(self, what: str) -> None:
        """Note *what* a worker could not write."""
        self._closing.workers_undone.append(what)

    def pytest_report_header(self) -> str:
        """Called when pytest prints its header."""
        return f"platform-report: {self._settings.destination}"

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called when a module, class or folder has been collected, or could not be."""
        try:
            if report.failed:
                self.journal.append(self._describe_collected(report))
            elif report.skipped:
                self.journal.hold(self._describe_collected(report))
        except Exception as error:
            self.guard(error)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Called for Ctrl-C and pytest.exit; also for -x and the like, by exceptions derived from KeyboardInterrupt."""
        if excinfo.type is KeyboardInterrupt or issubclass(excinfo.type, pytest.exit.Exception):
            self.interrupt()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Called when all tests have run.

        As the innermost wrapper it comes after other plugins, which may have changed the exit status or written a
        report, and before the terminal's summary.
        """
        result = yield
        try:
            exit_status = int(session.exitstatus)
            self._finish(exit_status)
            if self._closing.fails_strictly(exit_status):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        except Exception as error:
            self.guard(error)
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Called when pytest prints its summaries."""
        self._write_summary(terminalreporter)

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Called last, also where pytest.exit or an internal error left out what comes before."""
        try:
            self._finish(pytest.ExitCode.INTERNAL_ERROR)
        except Exception as error:
            self.guard(error)
        terminal = config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            self._write_summary(terminal)

    def _count_finished(self) -> int:
        if not self._plugins.hasplugin(CONTROLLER):
            return self.journal.finished
        terminal: Any = self._plugins.get_plugin("terminalreporter")
        reruns = getattr(terminal, "stats", {}).get("rerun", ())  # pytest-rerunfailures tells each as a finished test
        return self.journal.finished - len(reruns)

    def _finish(self, exit_status: int) -> None:
        if self.journal.is_own and self.journal.is_open and not self._closing.is_over:
            with raised_limit():
                try:
                    self._run_files.keep()
                except Exception as error:  # the session has to have its end all the same
                    self.guard(error)
                self.journal.end(exit_status, self._interrupted)
            self._closing.wait()

    def _write_summary(self, terminal: pytest.TerminalReporter) -> None:
        if not self.journal.is_own:
            return
        try:
            self._closing.write_summary(terminal)
        except Exception as error:
            self.guard(error)

    def _describe_collected(self, report: pytest.CollectReport) -> records.Record:
        if report.failed:
            message, stack = describe_collection(report.longrepr)
        else:
            message, stack = describe_skip(report.longrepr), ""
        return records.collected(
            self._redact(report.nodeid),
            self._redact(report.nodeid.partition("::")[0]),
            report.outcome,
            shorten(self._redact(message), MESSAGE_LIMIT),
            shorten(self._redact(stack), STACK_LIMIT),
            round(now_ms()),
        )


class ControllerHooks:
    """What xdist's controller does besides: hand the run to its workers, and tell of those that went away."""

    def __init__(self, conductor: Conductor, handed: Mapping[str, Any]) -> None:
        self._conductor = conductor
        self._handed = handed
        self._outputs: dict[str, CapturedOutput] = {}
        self._relays = Relays(conductor.journal)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Called before a worker is started."""
        node.workerinput.update(self._handed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Called when a test starts in a worker."""
        try:
            self._conductor.journal.open()
        except Exception as error:
            self._conductor.guard(error)

    def pytest_runtest_logfinish(self) -> None:
        """Called when a test is over in a worker."""
        self._conductor.journal.finished += 1

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Called when a worker has found its tests, and before any of them runs.

        At the first test's own start it would be too late: should we be killed before a worker's word of it is here,
        its journal would belong to no run; should the worker be, nobody could read what it had printed.
        """
        try:
            if ids:
                journal, worker = self._conductor.journal, node.gateway.id
                journal.open()
                self._outputs[worker] = journal.output_of(worker)
        except Exception as error:
            self._conductor.guard(error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called with each report of a worker's; other plugins need not see what ours bring along."""
        try:
            carried = report.__dict__.pop(CARRIED, None)
            if carried:
                self._relays.take(report.node.gateway.id, carried)
        except Exception as error:
            self._conductor.guard(error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Called when a worker has ended, whichever way."""
        try:
            worker, output = node.gateway.id, getattr(node, "workeroutput", None) or {}
            self._relays.take(worker, output.pop(CARRIED, ()))
            if error is not None:
                self._relays.lose(worker)
            if output.get(HANDED):
                self._conductor.miss(f"{worker}: {output[HANDED]}")
            self._conductor.guard.take(output.get(TOLD, ()))
        except Exception as problem:
            self._conductor.guard(problem)
        if error == "keyboard-interrupt":  # or pytest.exit: xdist ends the session for it
            self._conductor.interrupt()
        elif error is None:
            self._close_output(node.gateway.id)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """Called when a worker went away while it ran a test."""
        try:
            gateway = getattr(getattr(report, "node", None), "gateway", None)
            popen = getattr(getattr(gateway, "_io", None), "popen", None)
            worker = str(getattr(gateway, "id", ""))
            exit_code = _exit_code(popen)
            output = self._outputs[worker].read() if worker in self._outputs else ("", "")
            self._conductor.lose(worker, crashitem, str(report.longrepr), exit_code, output)
        except Exception as error:
            self._conductor.guard(error)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Called last."""
        for worker in list(self._outputs):
            self._close_output(worker)

    def _close_output(self, worker: str) -> None:
        output = self._outputs.pop(worker, None)
        if output is not None:
            output.close()


def _exit_code(popen: Any) -> int | None:
    """Return how a process that has just gone ended; its pipes close a moment before the system tells."""
    deadline = native.monotonic() + _END_SECONDS
    while popen is not None and native.monotonic() < deadline:
        code: int | None = popen.poll()
        if code is not None:
            return code
        native.sleep(0.005)
    return None
