"""A server in a process of its own: python -m server._process FOLDER. Its address is its first line of output."""

from __future__ import annotations

import sys
from pathlib import Path

from platform_report_server.serve import serve
from server.support import served_settings

if __name__ == "__main__":
    serve(served_settings(Path(sys.argv[1])), "127.0.0.1", 0, lambda url: print(url, flush=True))  # noqa: T201  the tests read it
    print("ended", flush=True)  # noqa: T201
