"""The commands of docs/operating.md, run in their order, and what examples/self_hosted says."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from end_to_end.sessions import Project, finish, read_until
from end_to_end.waiting import wait_for
from platform_report_server.manage import add_key
from platform_report_server.settings import PostgresUrl
from pytest_platform_report.cli import main, serve
from server import postgres
from server.postgres import Cluster
from server.support import served_settings, serving
from server.test_rolling import workers

pytestmark = pytest.mark.uncovered

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
_EXAMPLE = _ROOT / "examples" / "self_hosted"
_BLOCK = re.compile(r"(<!-- on postgresql -->\n)?```console\n(.*?)```", re.DOTALL)


def _commands(*, on_postgres: bool) -> Iterator[tuple[list[str], str]]:
    """Return each command with what the page says that it prints."""
    for marked, block in _BLOCK.findall(_PAGE):
        if bool(marked) == on_postgres:
            for part in block.split("$ ")[1:]:
                line, _, output = part.partition("\n")
                yield shlex.split(line), output


class Typist:
    """Types commands in a project; those that end by themselves run in this process, which saves much time."""

    def __init__(
        self,
        project: Project,
        said: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        programs: Path | None = None,
    ) -> None:
        self.project = project
        self._said = said
        monkeypatch.chdir(project.root)
        for name, value in project.environment.items():
            monkeypatch.setenv(name, value)
        self._programs = programs
        self._server: subprocess.Popen[str] | None = None
        self._url = ""

    def type_all(self, *, on_postgres: bool) -> None:
        for words, expected in _commands(on_postgres=on_postgres):
            said = self._type(*words)
            assert not expected or said.replace(f"{self.project.root}/", "") == expected.rstrip("\n") + "\n", words

    def _type(self, program: str, *arguments: str) -> str:
        if program == "curl":
            return self._get(*arguments)
        if program == "kill":
            return self._renew()
        if program != "platform-report":
            return self._run(program, *arguments)
        if arguments[0] == "serve":
            return self._serve(*arguments)
        if arguments[0] == "restore":
            self._end_server()
        self._said.readouterr()
        assert main(arguments) == 0
        return "".join(self._said.readouterr())

    def _serve(self, *arguments: str) -> str:
        self._end_server()
        self._server = self.project.start_command(*arguments)
        port = re.search(r"dashboard: http://[^/]*:(\d+)/", read_until(self._server, "Ctrl-C ends it."))
        assert port
        self._url = f"http://localhost:{port[1]}"
        return ""

    def _end_server(self) -> None:
        if self._server is not None:
            self._server.terminate()
            assert finish(self._server).exit == 0
            self._server = None

    def _renew(self) -> str:
        server = self._server
        assert server is not None
        old = workers(server)
        server.send_signal(signal.SIGHUP)
        wait_for(lambda: len(workers(server) - old) == len(old), "new workers were there")
        return ""

    def _get(self, option: str, address: str) -> str:
        assert option == "--fail"
        answered = httpx.get(f"{self._url}{urlsplit(address).path}", trust_env=False)
        assert answered.status_code == 200
        return answered.text + "\n"

    def _run(self, program: str, *arguments: str) -> str:
        assert self._programs is not None
        command = [str(self._programs / program), *arguments]
        environment = os.environ | self.project.environment
        return subprocess.run(
            command, cwd=self.project.root, env=environment, check=True, capture_output=True, text=True
        ).stdout


@pytest.mark.newest
def test_each_command_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path, {"PLATFORM_REPORT_PORT": "0"})
    project.write("password.txt", "correct horse battery\n")
    Typist(project, capsys, monkeypatch).type_all(on_postgres=False)
    assert '"route":"/readyz"' in (tmp_path / "access.log").read_text()


def test_each_command_for_postgresql(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    who = {"PGHOST": str(cluster.folder), "PGUSER": "postgres"}
    address = f"postgresql:///reports?host={cluster.folder}&user=postgres"
    project = Project(tmp_path, who | {"PLATFORM_REPORT_DATABASE": address})
    programs = postgres.find_programs()
    cluster.run("CREATE DATABASE reports")
    settings = replace(served_settings(tmp_path / ".platform-report" / "platform"), database=PostgresUrl(address))
    with serving(settings):
        add_key(settings, "web", "command line", "member")
    Typist(project, capsys, monkeypatch, programs).type_all(on_postgres=True)
    assert cluster.run("SELECT name FROM api_key", "reports") == [("command line",)]
    cluster.run("DROP DATABASE reports")


def test_each_setting_is_on_the_page() -> None:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    table = {flag for row in _PAGE.splitlines() if row.startswith("|") for flag in re.findall(r"`(--[a-z-]+)`", row)}
    assert table - {"--platform-spool"} == flags - {"--help"}


def test_the_example_says_what_is_known() -> None:
    known = set(re.findall(r"\bPLATFORM_[A-Z_]+", _PAGE))
    for path in _EXAMPLE.iterdir():
        assert set(re.findall(r"\bPLATFORM_[A-Z_]+", path.read_text())) <= known, path.name
    yaml: Any = importlib.import_module("yaml")  # it has no types
    compose = yaml.safe_load((_EXAMPLE / "compose.yaml").read_text())
    services = compose["services"]
    for service in services.values():
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert set(service.get("depends_on", ())) <= services.keys()
        named = {volume.partition(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")}
        assert named <= compose["volumes"].keys()
    assert set(re.findall(r"server-\d", (_EXAMPLE / "Caddyfile").read_text())) == {
        name for name in services if name.startswith("server-")
    }


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "platform-report.service"
    text = (_EXAMPLE / unit.name).read_text()
    unit.write_text(text.replace("/opt/platform-report/bin/platform-report", shutil.which("true") or ""))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    told = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])
