"""Decide what this pytest process is to a run, and register the hooks that follow from it.

alone       a plain session: runs the tests, begins and closes the run
controller  of xdist workers: runs no tests, begins and closes the run
worker      of xdist: runs tests; takes part only where its controller handed it the run
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..errors import ConfigurationError
from ..ids import new_id, new_run_key, shared_run_key
from ..process import surroundings
from ..redact import Redactor, make_redactor, secrets_in
from ..settings import Settings, read_settings
from .allure import AllureHooks
from .bdd import BddHooks
from .conductor import CONTROLLER, HANDED, Conductor, ControllerHooks
from .described import Describer
from .extensions import Extensions
from .facts import describe_session
from .fixture_steps import FixtureHooks
from .folder import RunFolder
from .journal import Journal
from .keeper import FileKeeper
from .problems import TOLD, Problems
from .recorder import Recorder
from .relay import CARRIED, RelayedJournal
from .run_files import RunFiles
from .titles import TitleHooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .html_report import HtmlReport

_allure = pytest.StashKey[AllureHooks]()
# By the names of their entry points, and of their modules where those are loaded by -p.
_HTML = ("html", "pytest_html.plugin")
_PLAYWRIGHT = (
    *("playwright", "pytest_playwright.pytest_playwright"),
    *("playwright-asyncio", "pytest_playwright_asyncio.pytest_playwright"),
)
_RUNS_NO_TEST = ("collectonly", "setuponly", "setupplan")

# Captured at import: conftest files and tests may clear or change both.
_environment = dict(os.environ)
_directory = Path(os.path.abspath(""))


class _Active:
    """Whether a session of this process, or of the one that it was forked from, reports: one inside it does not."""

    is_taken = False


def prepare(config: pytest.Config) -> None:
    """Be there before the first test or fixture is decorated, which may be in the first conftest.py."""
    if _Active.is_taken or _allure in config.stash:
        return
    config.stash[_allure] = hooks = AllureHooks(config)
    hooks.start()
    config.add_cleanup(hooks.stop)


def start(config: pytest.Config) -> None:
    """Register the hooks that report *config*'s session, if it is to be reported.

    :raises pytest.UsageError: where the options are wrong.
    """
    is_worker = hasattr(config, "workerinput")
    handed: dict[str, Any] = getattr(config, "workerinput", {}).get(HANDED, {})
    if _Active.is_taken or (is_worker and not handed):
        return
    if not is_worker and "PYTEST_CURRENT_TEST" in _environment:
        return  # started by a test of a session that may well report itself
    if any(getattr(config.option, name, False) for name in _RUNS_NO_TEST):
        return
    prepare(config)
    if is_worker:
        _register_worker(config, handed)
    else:
        settings = _read(config)
        if not settings.enabled:
            return
        _register_main(config, settings)
    _Active.is_taken = True
    config.add_cleanup(_forget)


def _make_redactor(api_key: str, patterns: Sequence[str]) -> Redactor:
    return make_redactor([api_key, *secrets_in(_environment)], patterns)


def _read(config: pytest.Config) -> Settings:
    """Read the settings; raises :class:`pytest.UsageError` where they are wrong."""

    def flag(name: str) -> object:
        return getattr(config.option, name, None)

    def ini(name: str) -> object:
        try:
            return config.getini(name)
        except (ValueError, pytest.UsageError) as error:
            raise ConfigurationError(f"ini {name}: {error}: set it to true or false") from error

    try:
        return read_settings(flag, ini, _environment, config.rootpath, _directory)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from error


def _forget() -> None:
    _Active.is_taken = False


def _register_worker(config: pytest.Config, handed: dict[str, Any]) -> None:
    try:
        api_key = _read(config).api_key
    except pytest.UsageError:  # elsewhere there may be no key, nor the file that it is in
        api_key = ""
    redact = _make_redactor(api_key, handed["redact"])
    worker = config.workerinput["workerid"]  # type: ignore[attr-defined]  # xdist puts it there
    folder = RunFolder(handed["spool"], handed["run_key"])
    about = {"of": handed["session"], "dist": handed["dist"]}
    is_here = handed["surroundings"] == surroundings()
    journal = (Journal if is_here else RelayedJournal)(
        folder, f"{handed['session']}-{worker}-{new_id(4)}", "worker", worker, about, lambda: _find_output(config)
    )
    problems = Problems()
    hooks = RelayHooks(journal, problems) if isinstance(journal, RelayedJournal) else WorkerHooks(journal, problems)
    config.pluginmanager.register(hooks, "platform-report-worker")
    # After the others: it is called before them, and what it records of a report's test goes with that report.
    _register_recorder(config, journal, redact, problems, Extensions(config, redact, problems), worker)


def _register_main(config: pytest.Config, settings: Settings) -> None:
    redact = _make_redactor(settings.api_key, settings.redact)
    joint_key = settings.joint_key(_environment) if settings.shard and not settings.run_id else ""
    run_key = _choose_run_key(settings, joint_key)
    folder = RunFolder(str(settings.spool), run_key)
    session_id = f"{run_key[-8:]}-{new_id(6)}"
    # xdist distributes only where there is something to distribute to: --dist alone does nothing.
    is_controller = config.getoption("dist", "no") != "no" and bool(config.getoption("tx", None))
    problems = Problems()
    about = {
        "settings": {
            **settings.to_journal(),
            "run_title": redact(settings.run_title),
            "tags": [redact(tag) for tag in settings.tags],
            "run_key": run_key,
        },
        "joint": joint_key,
        "facts": describe_session(config, redact, problems),
    }
    role = "controller" if is_controller else "alone"
    journal = Journal(folder, session_id, role, None, about, lambda: _find_output(config))
    extensions = Extensions(config, redact, problems)
    keep_file = FileKeeper(journal, redact, partial(extensions.want_file, None))
    run_files = RunFiles(str(config.rootpath), settings, keep_file, _find_report(config, redact))
    conductor = Conductor(config, settings, journal, _environment, redact, problems, extensions, run_files)
    config.pluginmanager.register(conductor, "platform-report-conductor")
    if is_controller:
        dist = config.getoption("dist")  # the workers' own says "no"
        handed = {
            "spool": str(settings.spool),
            "run_key": run_key,
            "session": session_id,
            "dist": dist,
            "surroundings": surroundings(),
            "redact": list(settings.redact),
        }
        config.pluginmanager.register(ControllerHooks(conductor, {HANDED: handed}), CONTROLLER)
    else:
        _register_recorder(config, journal, redact, problems, extensions)


def _find_report(config: pytest.Config, redact: Redactor) -> HtmlReport | None:
    """Return the report that pytest-html is to write, if it is installed and is to write one."""
    path = getattr(config.option, "htmlpath", None)
    if not path or not _has_any(config, _HTML):
        return None
    from .html_report import HtmlReport

    return HtmlReport(str(_directory / os.path.expanduser(os.path.expandvars(path))), redact)


def _has_any(config: pytest.Config, plugins: Sequence[str]) -> bool:
    return any(config.pluginmanager.hasplugin(name) for name in plugins)


def _register_recorder(
    config: pytest.Config,
    journal: Journal,
    redact: Redactor,
    problems: Problems,
    extensions: Extensions,
    worker: str = "",
) -> None:
    fixtures = FixtureHooks(redact, problems)
    describe = Describer(redact, worker, counts=bool(config.getoption("keepduplicates", False)))
    allure = config.stash[_allure]
    recorder = Recorder(config, journal, redact, problems, fixtures, extensions, describe, allure)
    config.pluginmanager.register(extensions, "platform-report-extensions")
    config.pluginmanager.register(recorder, "platform-report-recorder")
    fixtures.on_subtests = recorder.further.register
    if journal.is_relayed:
        recorder.further.register()
    config.pluginmanager.register(fixtures, "platform-report-fixtures")
    config.pluginmanager.register(TitleHooks(problems), "platform-report-titles")
    config.pluginmanager.register(BddHooks(), "platform-report-bdd")
    allure.guard = problems
    allure.keep_run_file = FileKeeper(journal, redact, partial(extensions.want_file, None))
    if _has_any(config, _PLAYWRIGHT):
        from .playwright_files import PlaywrightFiles

        config.pluginmanager.register(PlaywrightFiles(recorder.keep_file, problems), "platform-report-playwright")


def _choose_run_key(settings: Settings, joint_key: str) -> str:
    """Shards of one CI build share a run folder where they share a machine; any other session has one of its own."""
    if settings.run_key:
        return settings.run_key
    if settings.run_id:
        return shared_run_key(settings.project, settings.run_id)
    return joint_key or new_run_key()


def _find_output(config: pytest.Config) -> list[int]:
    """Return the descriptors of the files in which standard output and error are captured; none with ``-s``."""
    capturing = getattr(config.pluginmanager.get_plugin("capturemanager"), "_global_capturing", None)
    try:
        return [getattr(capturing, stream).tmpfile.fileno() for stream in ("out", "err")]
    except (AttributeError, OSError, ValueError):  # --capture=sys has no files
        return []


class WorkerHooks:
    """What an xdist worker does before its first test and at its end."""

    def __init__(self, journal: Journal, problems: Problems) -> None:
        self._journal = journal
        self._problems = problems

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Called when the worker has found its tests; its controller is told next, and looks for our journal."""
        if session.items:
            self._journal.open()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Called when the worker has run all its tests."""
        if self._journal.is_open and self._journal.is_own:
            session.config.workeroutput[TOLD] = self._problems.give()  # type: ignore[attr-defined]  # xdist's
            self._journal.end(int(exitstatus), interrupted=False)
            if self._journal.is_behind:  # not even that has been written, so the controller has to know it otherwise
                session.config.workeroutput[HANDED] = self._journal.describe_undone()  # type: ignore[attr-defined]


class RelayHooks(WorkerHooks):
    """What a worker does besides whose records its controller writes."""

    def __init__(self, journal: RelayedJournal, problems: Problems) -> None:
        super().__init__(journal, problems)
        self._relayed = journal

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called with each report, which xdist then sends."""
        if self._relayed.is_own:
            setattr(report, CARRIED, self._relayed.take())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Called when the worker has run all its tests."""
        super().pytest_sessionfinish(session, exitstatus)
        if self._relayed.is_own:
            session.config.workeroutput[CARRIED] = self._relayed.take()  # type: ignore[attr-defined]  # xdist's
