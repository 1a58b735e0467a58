"""Open a run in the browser.

A run of the embedded platform is served to this machine, by a server that is there or by this command until Ctrl-C.
"""

from __future__ import annotations

import argparse
import threading
import webbrowser
from typing import Any
from urllib.parse import quote, urlsplit

from ..errors import ConfigurationError
from ..settings import Settings
from ..uploader.spool import Spool
from ..uploader.status import read_status
from . import _artifacts
from ._database import add_option
from ._pytest_settings import ask_pytest
from ._serving import announcing, find_server
from ._store import opened
from ._terminal import safe, say


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``open``."""
    first_line = (__doc__ or "").partition("\n")[0]
    parser = commands.add_parser("open", help=first_line, description=__doc__, parents=[shared])
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="id of the run; by default the last of this directory")
    parser.add_argument("--print", action="store_true", dest="prints", help="print the address, and open no browser")
    add_option(parser)
    _artifacts.add_option(parser)
    parser.set_defaults(run=_open)


def _open(arguments: argparse.Namespace) -> int:
    settings = ask_pytest(arguments)
    run_id, elsewhere = _find(settings, arguments.run_id)
    if elsewhere:
        _show(elsewhere, prints=arguments.prints)
        return 0
    if not (settings.spool / "platform").is_dir():
        raise _no_run(settings)
    path = f"/runs/{quote(run_id, safe='')}"
    with opened(arguments, settings) as store:
        served = store.served({}, **_artifacts.read_option(arguments))
        origin = find_server(store.folder) if store.database is None else None
        if origin is not None:
            _show(f"{origin}{path}{store.serve.entry_query(served)}", prints=arguments.prints)
            return 0
        with announcing(store.folder) as tell:

            def on_started(address: str) -> None:
                if store.database is None:
                    tell(address)
                _show(urlsplit(address)._replace(path=path).geturl(), prints=arguments.prints)
                if not arguments.prints:
                    say(f"serving {store.folder}")
                    say("Ctrl-C ends it.")

            store.serve.serve(served, store.serve.Place(), on_started)
    return 0


def _find(settings: Settings, run_id: str | None) -> tuple[str, str]:
    """Return the id of the run that is meant, and its address where that is on another platform."""
    if run_id is not None:
        return run_id, f"{settings.url.removesuffix('/api')}/runs/{quote(run_id, safe='')}" if settings.url else ""
    for folder in reversed(Spool(settings.spool).folders()):
        status = read_status(folder)
        if status.get("run_id"):
            address = str(status["run"])
            return str(status["run_id"]), address if urlsplit(address).scheme in ("http", "https") else ""
    raise _no_run(settings)


def _no_run(settings: Settings) -> ConfigurationError:
    return ConfigurationError(f"{settings.spool}: no run is kept here: 'pytest --platform-report' makes one")


def _show(address: str, *, prints: bool) -> None:
    if prints:
        say(safe(address))
    else:
        # a browser in the terminal lets go only when it is closed, and asks the server until then
        threading.Thread(target=_browse, args=(address,)).start()


def _browse(address: str) -> None:
    if not webbrowser.open(address):
        say(f"no browser can be opened here: {safe(address)} is the address, for one browser")
