"""A server in a process of its own, which first prints its address: FOLDER FILES LIMITS [DATABASE]."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from platform_report_server.serve import Place, serve
from platform_report_server.settings import PostgresUrl, read_artifacts
from server.support import served_settings

if __name__ == "__main__":
    folder, files, limits, *database = sys.argv[1:]
    settings = served_settings(Path(folder), *map(PostgresUrl, database))
    settings = replace(settings, artifacts=read_artifacts(files))
    if limits == "contract":
        settings = replace(settings, limits="contract")
    serve(settings, Place(), lambda url: print(url, flush=True))  # noqa: T201  the tests read it
    print("ended", flush=True)  # noqa: T201
