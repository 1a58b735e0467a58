"""The session's end: wait for the delivery, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ..native import from_json, native
from ..process import identify, is_alive
from ..settings import Settings
from ..text import number_of
from .descriptors import raised_limit
from .journal import Journal
from .problems import Problems

_FIRST_LOOK_SECONDS = 0.01
_LOOK_SECONDS = 0.05
_START_SECONDS = 15.0
_SHOWN_NOTES = 10


class Closing:
    """Waits for the uploader and writes the summary.

    :param finished: tells how many tests have ended, as far as this process knows.
    :param launch: starts another uploader where the first has been killed or has failed; it is called once at most.
    :ivar launch_problem: why there is no uploader, in words.
    :ivar is_over: whether the wait has been.
    :ivar workers_undone: what workers could not write, in words, where their journals do not tell.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        journal: Journal,
        problems: Problems,
        finished: Callable[[], int],
        launch: Callable[[], None],
    ) -> None:
        self.launch_problem = ""
        self.is_over = False
        self.workers_undone: list[str] = []
        self._unread = ""
        self._config = config
        self._settings = settings
        self._journal = journal
        self._problems = problems
        self._finished = finished
        self._launch = launch
        self._status: dict[str, Any] = {}
        self._gone: object = None
        self._start_by = _START_SECONDS
        self._is_told = False
        self._is_rung = False
        self._started = identify(native.getpid())["started"]

    def wait(self) -> None:
        """Wait until this session's results are settled, the uploader is gone, the drain timeout or Ctrl-C."""
        self.is_over = True
        if self._settings.detach or self.launch_problem:
            with raised_limit():
                self._journal.look_after()
                self._status = self._read()
                if not self.launch_problem and self._status.get("process"):
                    self._is_deserted(0.0)
            return
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        progress = terminal if terminal is not None and getattr(terminal, "isatty", False) else None
        begun = native.monotonic()
        try:
            while (waited := native.monotonic() - begun) < self._settings.drain_timeout:
                if self._look(waited):
                    break
                if progress is not None and waited > 0.5:
                    progress.rewrite(f"platform report: {self._progress()} ", erase=True)
                native.sleep(min(_LOOK_SECONDS, _FIRST_LOOK_SECONDS + waited / 10))
        except KeyboardInterrupt:
            pass  # ends the wait, not the session: the spool keeps what is left
        if progress is not None and native.monotonic() - begun > 0.5:
            progress.rewrite("", erase=True)

    def fails_strictly(self, exit_status: int) -> bool:
        """Tell whether ``--platform-strict`` turns this session's success into a failure."""
        return self._settings.strict and exit_status == 0 and not self._is_complete()

    def write_summary(self, terminal: Any) -> None:
        """Write the summary section, if this session has a run."""
        lines = [] if self._is_told else self._summary()
        self._is_told = True
        if lines:
            terminal.section("platform report", "=")
            for line in lines:
                terminal.line(line)

    def _summary(self) -> list[str]:
        journal = self._journal
        if not self.is_over:
            return [line for line in (journal.problem, *self._problems.notes) if line]
        status = self._status
        lines = []
        if status.get("run"):
            lines.append(f"run: {status['run']}")
        lines.append(self._receipt())
        notes = [journal.folder.problem, self.launch_problem, *status.get("notes", ())]
        lost = self._lost()
        if lost:
            notes.append(f"{number_of(lost, 'test')} of processes that had ended by then went with it")
        notes += [*self.workers_undone, journal.describe_undone(), *self._problems.notes]
        notes = [note for note in notes if note]
        lines += notes[:_SHOWN_NOTES]
        if len(notes) > _SHOWN_NOTES:
            lines.append(f"... and {len(notes) - _SHOWN_NOTES} more: 'platform-report show' lists them")
        if not self._is_complete():
            lines.append(self._what_is_left())
        return lines

    def _receipt(self) -> str:
        mine = self._mine()
        if self._unread:
            return f"{number_of(self._finished(), 'test')} run; {self._unread}"
        is_counted = mine["settled"] and not self._has_undone() and not self._lost()
        run = mine["found"] if is_counted else max(mine["found"], self._finished() - mine["dropped"])
        refused = f", {mine['refused']:,} refused" if mine["refused"] else ""
        so_far = "" if mine["settled"] else " so far"
        return f"{number_of(run, 'test')} run, {mine['acknowledged']:,} acknowledged{refused}{so_far}"

    def _lost(self) -> int:
        """Return how many tests went with a run folder that was deleted: what was made anew does not tell of them."""
        mine = self._mine()
        if not (self._journal.folder.is_remade and mine["settled"]):
            return 0
        return max(0, self._finished() - int(mine["found"]) - int(mine["dropped"]))

    def _what_is_left(self) -> str:
        folder, spool = self._journal.folder.path, self._journal.folder.path.rpartition("/runs/")[0]
        command = "platform-report sync"
        if self._journal.folder.problem or str(self._settings.spool) != str(self._config.rootpath / ".platform-report"):
            command += f" --platform-spool {spool}"
        if (self._settings.detach or self._unread) and not self.launch_problem:
            return f"delivery goes on in the background; should it be cut short, '{command}' delivers what is left"
        return f"not everything was delivered: it is kept in {folder}; '{command}' delivers it"

    def _progress(self) -> str:
        mine = self._mine()
        return f"{mine['acknowledged']:,} of {number_of(mine['found'], 'test')} delivered"

    def _is_settled(self) -> bool:
        return self._status.get("state") == "done" or bool(self._mine()["settled"])

    def _is_complete(self) -> bool:
        mine = self._mine()
        return bool(mine["settled"]) and bool(mine["complete"]) and not (self._has_undone() or self._lost())

    def _has_undone(self) -> bool:
        return bool(self._journal.undone or self.workers_undone)

    def _look(self, waited: float) -> bool:
        """Read the uploader's status; return whether there is nothing more to wait for."""
        with raised_limit():
            if self._journal.look_after():
                self._status = {}
            self._status = self._read()
            self._ring()
            return bool(self._unread) or self._is_settled() or self._is_deserted(waited)

    def _ring(self) -> None:
        """Tell the uploader once that the session is over: it may sleep for a second."""
        process = self._status.get("process")
        if process and not self._is_rung and native.SIGURG and is_alive(process):
            self._is_rung = True
            with suppress(OSError):  # a test may have given up our rights
                native.kill(process["pid"], native.SIGURG)

    def _is_deserted(self, waited: float) -> bool:
        """Tell whether there is no uploader and will be none; start another one should the first be gone."""
        process = self._status.get("process")
        if process is None:
            return waited > self._start_by
        if process != self._gone and is_alive(process):
            return False
        self._status = self._read()  # it may have written its last word just before
        if self._is_settled():
            return True
        if self._gone is None:
            self._gone, self._start_by = process, waited + _START_SECONDS
            self._launch()
        elif process != self._gone or waited > self._start_by:
            self.launch_problem = f"the uploader ended early: {self._journal.folder.path}/uploader.log may say why"
        return bool(self.launch_problem)

    def _mine(self) -> dict[str, Any]:
        nothing = {"found": 0, "dropped": 0, "acknowledged": 0, "refused": 0, "settled": False, "complete": False}
        mine = self._status.get("sessions", {}).get(self._journal.session_id, {})
        return {**nothing, **mine}

    def _read(self) -> dict[str, Any]:
        """Read the uploader's status; it replaces the file as a whole, so that it is never half written."""
        try:
            fd = native.open(f"{self._journal.folder.path}/status.json", native.READ)
        except FileNotFoundError:
            return self._status
        except OSError as error:
            self._unread = f"how many are acknowledged cannot be read ({error.strerror}: {error.filename})"
            return self._status
        try:
            content = b"".join(iter(lambda: native.read(fd, 65536), b""))
            status = from_json(content.decode())
        except (OSError, ValueError):
            return self._status
        finally:
            native.close(fd)
        if not isinstance(status, dict):
            return self._status
        return {} if self._is_of_an_earlier_one(status) else status

    def _is_of_an_earlier_one(self, status: dict[str, Any]) -> bool:
        """Tell whether *status* was the last word of an uploader that was gone before this session of the run came."""
        process = status.get("process", {})
        started = process.get("started")
        is_older = started is not None and self._started is not None and started < self._started
        return is_older and self._journal.session_id not in status.get("sessions", {}) and not is_alive(process)
