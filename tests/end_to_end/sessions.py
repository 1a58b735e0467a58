"""Projects of a user's, and pytest sessions in them: processes of their own, with an environment of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from end_to_end.waiting import wait_for
from pytest_platform_report.process import Watched

TIMEOUT = 120.0

# Not those of pytest, of this product, of a CI vendor or of a proxy: the sessions here are nobody's children.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")

_WORKERS = re.compile(r"-n[1-9]\d*|--tx=.+")

# Whatever else is installed here, hypothesis above all, would cost each process of a session a second to load.
_FEW_PLUGINS = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "pytest_platform_report.plugin",
}

_SEVERAL = """
import sys, pytest
count, *arguments = sys.argv[1:]
sys.exit(max(int(pytest.main(arguments)) for _ in range(int(count))))
"""


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit status, what it printed, standard error in it."""

    exit: int
    out: str


class Project:
    """A directory with tests in it.

    :ivar spool: where its sessions keep their runs by default, as it is seen from here.
    :ivar keeps_cache: whether pytest's cache is on, which ``--lf`` and the like need.
    :ivar modes: how its sessions have been run: ``plain``, or ``xdist`` where that had workers.
    :ivar environment: what sessions and commands here get besides the inherited variables.
    :ivar reruns: whether a file asks for reruns; where that plugin is loaded, it is not pytest that runs the tests.
    :ivar under: a command that sessions and commands here are run under, such as ``unshare``.
    """

    def __init__(self, root: Path, environment: Mapping[str, str]) -> None:
        self.root = root
        self.environment = {**_FEW_PLUGINS, **environment}
        self.spool = root / ".platform-report"
        self.keeps_cache = False
        self.modes: set[str] = set()
        self.under: tuple[str, ...] = ()
        self.reruns = False
        self.write("pytest.ini", "[pytest]\n")

    @property
    def run_folders(self) -> list[Path]:
        runs = self.spool / "runs"
        return sorted(runs.iterdir()) if runs.is_dir() else []

    @property
    def run_folder(self) -> Path:
        (folder,) = self.run_folders
        return folder

    def write(self, name: str, content: str) -> Path:
        """Write a file of the project; common indentation is taken off."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.reruns = self.reruns or "reruns" in content
        path.write_text(dedent(content), encoding="utf-8")
        return path

    def load_all_plugins(self) -> None:
        """Let sessions load all plugins that are installed, whatever these are, as pytest does by default."""
        for name in _FEW_PLUGINS:
            del self.environment[name]

    def start(self, *arguments: str, workers: int = 0, report: bool = True, sessions: int = 1) -> subprocess.Popen[str]:
        """Start a pytest session, or several in one process, in a process group of its own."""
        pytest = ["-m", "pytest"] if sessions == 1 else ["-c", _SEVERAL, str(sessions)]
        command = [sys.executable, *pytest, *(() if self.keeps_cache else ("-p", "no:cacheprovider"))]
        if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in self.environment:
            command += ["-p", "xdist"]  # the plugin for reruns looks for xdist's by the name of its entry point
            if self.reruns or any("reruns" in argument for argument in arguments):
                command += ["-p", "pytest_rerunfailures"]
        command += ["-n", str(workers)] if workers else []
        command += ["--platform-report"] if report else []
        has_workers = workers or any(_WORKERS.fullmatch(argument) for argument in arguments)
        self.modes.add("xdist" if has_workers else "plain")
        return self._start([*command, *arguments])

    def run(self, *arguments: str, workers: int = 0, report: bool = True) -> Ended:
        """Run a pytest session to its end."""
        return finish(self.start(*arguments, workers=workers, report=report))

    def start_command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command ``platform-report``."""
        return self._start([str(Path(sys.executable).with_name("platform-report")), *arguments])

    def command(self, *arguments: str) -> Ended:
        """Run the command ``platform-report`` to its end."""
        return finish(self.start_command(*arguments))

    def status(self, folder: Path | None = None) -> dict[str, Any]:
        """Return what the uploader of a run folder last told; nothing before it has."""
        try:
            status: dict[str, Any] = json.loads(((folder or self.run_folder) / "status.json").read_text())
        except FileNotFoundError:
            return {}
        return status

    def wait_for_uploader(self, folder: Path | None = None) -> None:
        """Wait until the uploader of a run folder has delivered all and is gone."""
        wait_for(lambda: self.status(folder).get("state") == "done", "the uploader finished")
        wait_for(lambda: not self.uploader_lives(folder), "the uploader left")

    def uploader_lives(self, folder: Path | None = None) -> bool:
        process = self.status(folder).get("process")
        if process is None:
            return False
        watched = Watched(process)
        try:
            return watched.is_alive()
        finally:
            watched.close()

    def kill_uploader(self, folder: Path | None = None) -> None:
        """Kill the uploader of a run folder, and wait until it is gone."""
        if self.uploader_lives(folder):
            os.kill(self.status(folder)["process"]["pid"], signal.SIGKILL)
            wait_for(lambda: not self.uploader_lives(folder), "the uploader was gone")

    def close(self) -> None:
        """Leave no uploader behind."""
        for folder in self.run_folders:
            self.kill_uploader(folder)

    def _start(self, command: list[str]) -> subprocess.Popen[str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return subprocess.Popen(
            [*self.under, *command],
            cwd=self.root,
            env={**inherited, **coverage, "PYTHONDONTWRITEBYTECODE": "1", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=_heed_signals,  # noqa: PLW1509 - the tests start no thread of their own
        )


def _heed_signals() -> None:
    """Let a process end by the signals that nohup, or a shell's ``&``, has these tests ignore."""
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return what a process prints up to the line with *text*, while it goes on."""
    assert process.stdout is not None
    last_resort = threading.Timer(TIMEOUT, process.kill)
    last_resort.start()
    try:
        said = ""
        while text not in said:
            line = process.stdout.readline()
            assert line, f"it ended without {text!r}:\n{said}"
            said += line
        return said
    finally:
        last_resort.cancel()


def wait_for_file(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a process has made a file; it may not end before."""
    wait_for(lambda: path.exists() or process.poll() is not None, f"{path.name} was made")
    assert path.exists(), finish(process).out


def finish(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a process and of all that hold its output."""
    try:
        out, _ = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        raise AssertionError(f"{process.args!r} did not end in {TIMEOUT:g} s:\n{out}") from None
    return Ended(process.returncode, out)
