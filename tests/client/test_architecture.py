"""Imports point down only, and a session that does not report has next to nothing of ours in it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from children import run_pytest, run_python

PACKAGE = "pytest_platform_report"
FLOORS: list[set[str]] = [
    {"cli"},
    {"plugin", "uploader"},
    {"platforms"},
    {"settings", "journal", "hookspecs"},
    {"ids", "redact", "descriptions", "locking", "notes", "recording", "process", "captured", "ci"},
    {"errors", "model", "options", "native", "text", "artifacts"},
]
ENTERS_AT = {
    "httpx": {"platforms._http", "platforms._guard"},
    "filelock": {"locking"},
    "platform_report_server": {"platforms._embedded", "cli._store", "cli._database", "cli._artifacts"},
}
NOT_FOR_SESSIONS = (
    *("httpx", "httpcore", "filelock", "sqlite3", "sqlalchemy", "starlette", "platform_report_server"),
    "allure_commons",
)

SCAN = """
import os
from pathlib import Path

def uploaders():
    lines = [content_of(process / "cmdline") for process in Path("/proc").glob("[0-9]*")]
    return [str(line) for line in lines if b"uploader.main" in line and os.getcwd().encode() in line]

def content_of(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""
"""

# Writes down what there is when the session is over.
CONFTEST = """
import json, os, scan, sys
from pathlib import Path

def pytest_unconfigure():
    found = {"modules": sorted(sys.modules), "uploaders": scan.uploaders()}
    Path(os.environ["FOUND_IN"]).write_text(json.dumps(found))
"""


@cache
def graph() -> Any:
    return grimp.build_graph(PACKAGE, include_external_packages=True)


def chains(importer: str, imported: str) -> set[tuple[str, ...]]:
    """Return by which ways a part comes to import another one, or a library."""
    if imported not in graph().modules:
        return set()
    found: set[tuple[str, ...]] = graph().find_shortest_chains(
        importer=f"{PACKAGE}.{importer}", imported=imported, as_packages=imported.startswith(PACKAGE)
    )
    return found


class TestFloors:
    def test_every_part_has_one(self) -> None:
        parts = {module.rpartition(".")[2] for module in graph().find_children(PACKAGE)}
        assert parts == set().union(*FLOORS)

    def test_imports_point_down(self) -> None:
        up = []
        for number, floor in enumerate(FLOORS):
            for part in floor:
                for other in set().union(*FLOORS[: number + 1]) - {part}:
                    importer, imported = f"{PACKAGE}.{part}", f"{PACKAGE}.{other}"
                    if graph().direct_import_exists(importer=importer, imported=imported, as_packages=True):
                        up.append((part, other))
        assert up == []

    @pytest.mark.parametrize("imported", ["uploader", "platforms", "cli", "locking"])
    def test_plugin_does_not_reach_delivery(self, imported: str) -> None:
        assert chains("plugin", f"{PACKAGE}.{imported}") == set()

    @pytest.mark.parametrize("library", NOT_FOR_SESSIONS)
    def test_plugin_does_not_reach_heavy_libraries(self, library: str) -> None:
        modules = [module for module in graph().modules if module.startswith(f"{PACKAGE}.plugin")]
        assert [chains(module.removeprefix(f"{PACKAGE}."), library) for module in modules] == [set()] * len(modules)

    def test_only_the_plugin_its_hooks_and_the_command_know_pytest(self) -> None:
        importers = {
            module.split(".")[1]
            for library in ("pytest", "_pytest", "pluggy")
            for module in graph().find_modules_that_directly_import(library)
        }
        assert importers <= {"plugin", "hookspecs", "cli"}

    @pytest.mark.parametrize("library", ENTERS_AT)
    def test_libraries_enter_where_they_should(self, library: str) -> None:
        importers = {
            module.removeprefix(f"{PACKAGE}.") for module in graph().find_modules_that_directly_import(library)
        }
        assert importers
        assert importers <= ENTERS_AT[library]

    def test_server_is_not_loaded_before_it_is_needed(self) -> None:
        out = run_python(
            """
            import sys
            import filelock  # some versions of it load asyncio
            before = set(sys.modules)
            import pytest_platform_report.platforms.client, pytest_platform_report.uploader.main
            import pytest_platform_report.cli
            new = {name.partition(".")[0] for name in sys.modules.keys() - before}
            print(sorted(new & {"platform_report_server", "asyncio"}))
            """
        )
        assert out == "[]\n"


class TestPackage:
    def test_shows_what_it_offers(self) -> None:
        out = run_python(
            """
            import pytest_platform_report as package
            assert dir(package) == package.__all__ == sorted(package.__all__), dir(package)
            for name in package.__all__:
                getattr(package, name)
            print(*package.__all__)
            """
        )
        described = "Annotation ArtifactDescription AttemptDescription BegunTest EndedTest FailureDescription"
        functions = "annotate attach link step tag title"
        assert out == f"{described} RunDescription StepDescription __version__ {functions}\n"

    def test_is_light(self) -> None:
        out = run_python(
            f"""
            import sys
            before = set(sys.modules)
            import {PACKAGE}
            loaded = {{name for name in set(sys.modules) - before}}
            print(sorted(name for name in loaded if name.partition(".")[0] not in sys.stdlib_module_names))
            """
        )
        assert out == f"['{PACKAGE}']\n"

    def test_unknown_name(self) -> None:
        import pytest_platform_report

        with pytest.raises(AttributeError, match="module 'pytest_platform_report' has no attribute 'nothing'"):
            pytest_platform_report.nothing  # noqa: B018


class TestSession:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        project = tmp_path / "project"
        project.mkdir()
        (project / "scan.py").write_text(SCAN)
        (project / "conftest.py").write_text(CONFTEST)
        (project / "test_a.py").write_text(
            "from pytest_platform_report import attach, step\n"
            "def test_a(platform_report):\n"
            "    with step('a'), platform_report.step('b'):\n"
            "        attach(b'x', 'x.txt')\n"
        )
        return project

    def run(self, project: Path, *arguments: str) -> dict[str, list[str]]:
        found = project.parent / "found.json"
        # Other plugins that are installed would bring modules of their own.
        alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": f"{PACKAGE}.plugin"}
        alone |= {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}  # it would bring sqlite3
        out = run_pytest(project, "-q", *arguments, FOUND_IN=str(found), PYTHONDONTWRITEBYTECODE="1", **alone)
        assert "1 passed" in out
        loaded: dict[str, list[str]] = json.loads(found.read_text())
        return loaded

    def test_that_does_not_report_makes_nothing(self, project: Path) -> None:
        before = sorted(project.rglob("*"))
        found = self.run(project)
        assert sorted(project.rglob("*")) == before
        assert found["uploaders"] == []

    def test_that_does_not_report_loads_next_to_nothing(self, project: Path) -> None:
        (project / "test_a.py").write_text("def test_a():\n    pass\n")
        ours = [name for name in self.run(project)["modules"] if name.startswith(PACKAGE)]
        assert ours == [PACKAGE, f"{PACKAGE}.plugin"]  # the plugin, and the package that Python cannot do without

    def test_that_reports_loads_nothing_of_delivery(self, project: Path) -> None:
        modules = self.run(project, "--platform-report")["modules"]
        assert f"{PACKAGE}.plugin.recorder" in modules
        loaded = [name for name in modules if name in NOT_FOR_SESSIONS]
        assert loaded == []
        assert [name for name in modules if name.startswith((f"{PACKAGE}.uploader", f"{PACKAGE}.platforms"))] == []
        assert (project / ".platform-report").is_dir()

    @pytest.mark.parametrize("loaded", ["by entry point", "by name"])
    def test_that_reports_loads_our_modules_as_they_are(self, tmp_path: Path, loaded: str) -> None:
        (tmp_path / "test_a.py").write_text(
            "import sys\n"
            "def test_a():\n"
            f"    loader = sys.modules['{PACKAGE}.plugin.recorder'].__loader__\n"
            "    assert type(loader) is type(sys.modules['json'].__loader__)\n"
            "    assert type(loader) is not type(__loader__)\n"
        )
        alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": f"{PACKAGE}.plugin"}
        run_pytest(tmp_path, "--platform-report", "--platform-detach", **(alone if loaded == "by name" else {}))

    def test_that_reports_is_no_parent_of_its_uploader(self, project: Path) -> None:
        (project / "test_a.py").write_text(
            "import os, pytest, scan\n"
            "def test_a():\n"
            "    assert len(scan.uploaders()) == 1\n"
            "    with pytest.raises(ChildProcessError):\n"
            "        os.waitpid(-1, os.WNOHANG)\n"
        )
        self.run(project, "--platform-report")
