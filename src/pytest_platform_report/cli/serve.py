"""Serve the embedded platform of this directory on the loopback interface."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..ids import new_id
from ._database import add_option, lacks_server, read_option
from ._pytest_settings import ask_pytest
from ._terminal import say

_HOST = "127.0.0.1"
_PORT = 8484
_LONGEST = 525_600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``serve`` takes."""
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="PORT", help=f"port to listen on; 0 takes a free one ({_PORT})"
    )
    add_option(parser)
    parser.add_argument(
        "--limits",
        choices=("generous", "contract"),
        default="generous",
        help="requests that a key may make in a minute: far more than are needed, or those that the API documents",
    )
    parser.add_argument(
        "--abandon-after",
        type=_minutes,
        default=60.0,
        metavar="MINUTES",
        help="close a run as cancelled that nobody ends or writes to for so long; 0 never does (60)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    given = os.environ.get("PLATFORM_API_KEY", "").strip()
    settings = ask_pytest(arguments)
    server = _load_server()
    database = read_option(arguments)
    folder = settings.spool / "platform"
    key = given or f"prk_live_{new_id(32)}"

    def on_started(address: str) -> None:
        say(f"serving {folder}" if database is None else f"serving {database}, files in {folder}")
        say(f"  dashboard: {address}")
        say(f"  reporting API: {address.partition('/?')[0]}/api, project {settings.project}")
        if given:
            say("  API key: the one in PLATFORM_API_KEY")
        else:
            say(f"  API key, until this server ends: {key}")
        say("Ctrl-C ends it.")

    try:
        rules = {"limits": arguments.limits, "abandon_after": arguments.abandon_after * 60}
        if database is not None:
            rules["database"] = database
        server(folder, {settings.project: key}, rules, arguments.port, on_started)
    except server.error as error:
        raise ConfigurationError(str(error)) from error
    return 0


class _Server:
    """The server package's entrance, loaded where it is installed."""

    def __init__(self, serve: Any, settings: Any, error: type[Exception]) -> None:
        self._serve = serve
        self._settings = settings
        self.error = error

    def __call__(self, folder: Path, keys: dict[str, str], rules: dict[str, Any], port: int, on_started: Any) -> None:
        self._serve(replace(self._settings.served(folder, keys=keys), **rules), _HOST, port, on_started)


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 <= minutes <= _LONGEST:
        raise argparse.ArgumentTypeError(f"found {text}, expected 0 to {_LONGEST} minutes")
    return minutes


def _load_server() -> _Server:
    try:
        from platform_report_server.errors import ServerError
        from platform_report_server.serve import serve
        from platform_report_server.settings import Settings
    except ImportError as error:
        raise lacks_server(error) from error
    return _Server(serve, Settings, ServerError)
