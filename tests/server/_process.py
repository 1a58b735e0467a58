"""A server in a process of its own, which first prints its address."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from platform_report_server.serve import Place, serve
from platform_report_server.settings import PostgresUrl, read_artifacts
from server.support import served_settings

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
