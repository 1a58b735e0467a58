"""Run a plugin, or several, against the faults, and tell what was delivered, lost and doubled.

From the folder ``tests``: ``python -m faults.run`` runs this plugin, ``python -m faults.run --plugin all`` its peers as
well, each in a virtual environment of its own. Another command line, or another plugin that speaks one of the server's
APIs, is tried with ``--plugin-args``, ``--env`` and ``--api``; ``{address}`` in them is the server's.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from faults.page import Results, page, table
from faults.plugins import OURS, PLUGINS, Plugin
from faults.scenarios import SCENARIOS, Scenario
from faults.server import APIS
from faults.sessions import Played, Stage, serving


def main() -> None:
    """Run what the command line asks for."""
    arguments = _parse()
    scenarios = [scenario for scenario in SCENARIOS if arguments.only in scenario.name]
    names = list(PLUGINS) if arguments.plugin == "all" else [arguments.plugin]
    plugins = [_changed(PLUGINS[name], arguments) for name in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(_run, plugin, scenarios, arguments) for plugin in plugins]
        results = [job.result() for job in jobs]
    if arguments.page:
        arguments.page.write_text(page(results), encoding="utf-8")
    else:
        print("\n\n".join(map(table, results)))  # noqa: T201  it is a command


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m faults.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plugin", choices=[*PLUGINS, "all"], default=OURS.name)
    parser.add_argument("--plugin-args", metavar="ARGUMENTS", help="of pytest, instead of the plugin's own")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the session; repeatable")
    parser.add_argument("--api", choices=APIS, help="what the server speaks, instead of the plugin's own")
    parser.add_argument("--only", default="", metavar="TEXT", help="the scenarios with this in their names")
    parser.add_argument("--limit", type=float, default=60.0, metavar="SECONDS", help="longest session (60)")
    parser.add_argument("--venvs", type=Path, default=Path(".peers"), metavar="DIR", help="environments of the peers")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write docs/faults.md, or another file like it")
    return parser.parse_args()


def _changed(plugin: Plugin, arguments: argparse.Namespace) -> Plugin:
    if arguments.plugin_args is not None:
        plugin = replace(plugin, arguments=tuple(shlex.split(arguments.plugin_args)))
    variables = dict(text.split("=", 1) for text in arguments.env)
    return replace(plugin, api=arguments.api or plugin.api, environment={**plugin.environment, **variables})


def _run(plugin: Plugin, scenarios: list[Scenario], arguments: argparse.Namespace) -> Results:
    python = find_python(plugin, arguments.venvs.absolute())
    played = list(_play(plugin, scenarios, python, arguments.limit))
    return Results(plugin, find_versions(plugin, python), arguments.limit, played)


def _play(plugin: Plugin, scenarios: list[Scenario], python: str, limit: float) -> Iterator[Played]:
    with tempfile.TemporaryDirectory() as folder, serving(plugin.api) as server:
        for number, scenario in enumerate(scenarios):
            print(f"{plugin.name}: {scenario.name}", file=sys.stderr)  # noqa: T201  it takes minutes
            yield Stage(Path(folder) / str(number), server, plugin, python, limit).play(scenario)


def find_python(plugin: Plugin, venvs: Path) -> str:
    """Return the Python of a plugin's virtual environment, which is made where there is none."""
    if not plugin.install:
        return sys.executable
    python = venvs / plugin.name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venvs / plugin.name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "pytest", *plugin.install], check=True)
    return str(python)


def find_versions(plugin: Plugin, python: str) -> str:
    """Return the versions of a plugin and of pytest, in words."""
    code = "import importlib.metadata as m, sys; print(' '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    told = subprocess.run([python, "-c", code, plugin.name, "pytest"], check=True, capture_output=True, text=True)
    return ", ".join(" ".join(pair) for pair in zip(*[iter(told.stdout.split())] * 2, strict=True))


if __name__ == "__main__":
    main()
