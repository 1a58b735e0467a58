"""A server in a process of its own: python -m server._process FOLDER [DATABASE]. First it prints its address."""

from __future__ import annotations

import sys
from pathlib import Path

from platform_report_server.serve import Place, serve
from platform_report_server.settings import PostgresUrl
from server.support import served_settings

if __name__ == "__main__":
    folder, *database = sys.argv[1:]
    settings = served_settings(Path(folder), *map(PostgresUrl, database))
    serve(settings, Place(), lambda url: print(url, flush=True))  # noqa: T201  the tests read it
    print("ended", flush=True)  # noqa: T201
