"""A server in a process of its own, which first prints its address: the tests' half, and the process's."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from platform_report_server.serve import Place, serve
from platform_report_server.settings import PostgresUrl, Settings, read_artifacts
from server.support import DEADLINE, served_settings


@contextmanager
def process(settings: Settings, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    database = [settings.database.address] if isinstance(settings.database, PostgresUrl) else []
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "server.process", str(settings.staging.parents[1]), str(settings.artifacts)),
            *(*database, f"--limits={settings.limits}", *options),
        ],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        yield server, server.stdout.readline().strip()
    finally:
        server.kill()
        server.communicate(timeout=DEADLINE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", type=read_artifacts)
    parser.add_argument("--limits", choices=("generous", "contract"), default="generous")
    parser.add_argument("database", type=PostgresUrl, nargs="?")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--drain", type=float, default=0)
    told = parser.parse_args()
    settings = replace(served_settings(told.folder, told.database), artifacts=told.files, limits=told.limits)
    place = Place(port=told.port, workers=told.workers, drain_seconds=told.drain)
    serve(settings, place, lambda url: print(url, flush=True))  # noqa: T201  the tests read it
    print("ended", flush=True)  # noqa: T201
