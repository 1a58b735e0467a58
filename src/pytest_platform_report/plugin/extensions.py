"""The hooks of :mod:`..hookspecs`: called for what is about to be recorded, and what they have made of it taken over.

All that comes of them is redacted, bounded and made text. Where nobody implements one, nothing is done for it, and what
it would be given is not imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ..journal.records import Record
from ..native import native
from ..redact import Redact
from ..text import show
from .problems import Problems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..descriptions import ArtifactDescription
    from .fitting import Fitting

# pytest.fail and pytest.skip derive from BaseException; in a hook they are no more than any other error.
_ERRORS = (Exception, pytest.fail.Exception, pytest.skip.Exception)


class Extensions:
    """Calls the hooks of one session.

    :param problems: told of what implementations raise; what they were called for is recorded without them.
    :ivar change_begins: whether anybody may change what is told of a test that begins; ``change_ends``: that has ended.
    """

    def __init__(self, config: pytest.Config, redact: Redact, problems: Problems) -> None:
        self._config = config
        self._hooks: Any = config.hook
        self._redact = redact
        self._problems = problems
        self.change_begins = self.change_ends = False

    @pytest.hookimpl(trylast=True)
    def pytest_plugin_registered(self) -> None:
        """Called for each plugin: whether one has hooks of ours is not asked test by test."""
        self.change_begins = self._is_implemented("pytest_platform_begin")
        self.change_ends = self._is_implemented("pytest_platform_end")
        if self.change_begins or self.change_ends or self._changes_run or self._chooses_files:
            from . import fitting  # noqa: F401  tests may take the files away that it is read from

    def run(self, session: Record) -> Record:
        """Return the ``session`` record with the run as the hook wants it."""
        if not self._changes_run:
            return session
        from ..descriptions import RunDescription

        settings, facts = session["settings"], session["facts"]
        with self._trying("pytest_platform_run"):
            run = RunDescription(
                title=settings["run_title"] or self._config.rootpath.name,
                tags=list(settings["tags"]),
                metadata=dict(facts.get("metadata", ())),
            )
            self._hooks.pytest_platform_run(config=self._config, run=run)
            told = {"run_title": self._fit().name(run.title), "tags": self._fit().names("tags", run.tags)}
            return {
                **session,
                "settings": {**settings, **told},
                "facts": {**facts, "metadata": self._fit().metadata(run.metadata)},
            }
        return session

    def begin(self, item: pytest.Item, began: Record) -> Record | None:
        """Return the ``began`` record as the hook wants it; None where the test is dropped."""
        from ..descriptions import BegunTest
        from ..journal.values import annotations_of

        with self._trying("pytest_platform_begin"):
            test = BegunTest(
                title=began["title"],
                suites=list(began["suites"]),
                tags=list(began["tags"]),
                annotations=list(annotations_of(began)),
            )
            item.ihook.pytest_platform_begin(item=item, test=test)
            if test.is_dropped:
                return None
            return {
                **began,
                "title": self._fit().name(test.title),
                "suites": self._fit().names("suites", test.suites),
                "tags": self._fit().tags(test.tags, began["tags"]),
                "annotations": self._fit().annotations(test.annotations, began["annotations"]),
            }
        return began

    def end(self, item: pytest.Item, ended: Record) -> Record | None:
        """Return the ``ended`` record as the hook wants it; None where the test is dropped."""
        if not self.change_ends:
            return ended
        from ..descriptions import EndedTest
        from ..journal.values import annotations_of
        from .fitting import describe_attempt

        with self._trying("pytest_platform_end"):
            attempts = tuple(map(describe_attempt, ended["attempts"]))
            test = EndedTest(
                title=ended.get("title", ""),
                tags=list(ended["tags"]),
                annotations=list(annotations_of(ended)),
                attempts=attempts,
            )
            item.ihook.pytest_platform_end(item=item, test=test)
            if test.is_dropped:
                return None
            return {
                **ended,
                "title": self._fit().name(test.title) if test.title else "",
                "attempts": list(map(self._fit().attempt, ended["attempts"], attempts)),
                "tags": self._fit().tags(test.tags, ended["tags"]),
                "annotations": self._fit().annotations(test.annotations, ended["annotations"]),
            }
        return ended

    def want_file(self, item: pytest.Item | None, source: str | os.PathLike[str] | bytes, name: str, type: str) -> bool:
        """Tell whether a file of a test, or of the run, is to be kept."""
        if not self._chooses_files:
            return True
        artifact = _describe_file(source, name, type)
        hooks: Any = self._hooks if item is None else item.ihook
        with self._trying("pytest_platform_artifact"):
            return hooks.pytest_platform_artifact(item=item, artifact=artifact) is not False
        return True

    @property
    def _changes_run(self) -> bool:
        return self._is_implemented("pytest_platform_run")

    @property
    def _chooses_files(self) -> bool:
        return self._is_implemented("pytest_platform_artifact")

    def _is_implemented(self, name: str) -> bool:
        """Tell whether anybody has a hook of ours; where nobody has, pytest may not know of it either."""
        hook = getattr(self._hooks, name, None)
        return hook is not None and bool(hook.get_hookimpls())

    def _fit(self) -> Fitting:  # no property: older pytest asks each plugin for what it has
        from .fitting import Fitting

        return Fitting(self._redact)

    def _trying(self, hook: str) -> _Trying:
        return _Trying(lambda error: self._tell(hook, error))

    def _tell(self, hook: str, error: BaseException) -> None:
        where = _find_implementation(error)
        if not where:  # what they have left is wrong: any of them can have done it
            plugins = getattr(self._hooks, hook).get_hookimpls()
            where = ", ".join(self._relative(str(each.plugin_name)) for each in plugins)
        self._problems.blame(hook, self._fit().name(f"{self._relative(where)}: {type(error).__name__}: {show(error)}"))

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self._config.rootpath}/")


class _Trying:
    """A context that ends with what went wrong in a hook, and goes on without."""

    __slots__ = ("_tell",)

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, _ERRORS):
            return False
        self._tell(error)
        return True


def _describe_file(source: str | os.PathLike[str] | bytes, name: str, type: str) -> ArtifactDescription:
    from ..descriptions import ArtifactDescription

    if isinstance(source, (bytes, bytearray, memoryview)):
        return ArtifactDescription(name, type, memoryview(source).nbytes, None)
    path = os.fspath(source)
    try:
        size = native.stat(path).st_size
    except OSError:
        return ArtifactDescription(name, type, None, path)
    return ArtifactDescription(name, type, size, path)


def _find_implementation(error: BaseException) -> str:
    """Return file and line of the implementation that raised *error*, empty where none did: what pluggy calls first."""
    traceback, is_called = error.__traceback__, False
    while traceback is not None:
        frame = traceback.tb_frame
        is_pluggy = str(frame.f_globals.get("__name__")).partition(".")[0] == "pluggy"
        if is_called and not is_pluggy:
            return f"{frame.f_code.co_filename}:{traceback.tb_lineno}"
        is_called = is_called or is_pluggy
        traceback = traceback.tb_next
    return ""
