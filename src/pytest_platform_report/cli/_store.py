"""The platform that the commands serve and write to, loaded where the server's packages are installed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ..settings import Settings
from ._database import lacks_server, read_option
from ._pytest_settings import ask_pytest


@dataclass(frozen=True)
class Store:
    """A store's folder, the server package's entrances, and the project that this directory reports to."""

    folder: Path
    database: Any
    """The server's value for it, or None for the file in the folder."""
    project: str
    settings: Any
    """Returns the settings of a served store: called with the keys of its projects."""
    reach: Any
    """Reads where webhooks may lead beside public addresses."""
    serve: Any
    manage: Any
    prune: Any
    backup: Any
    export: Any

    def described(self, artifacts: Any) -> str:
        """Where it is, in words, with its files where they are told to be."""
        if self.database is None and artifacts is None:
            return str(self.folder)
        return f"{self.database or self.folder}, files in {artifacts or self.folder}"

    def served(self, keys: dict[str, str], **rules: Any) -> Any:
        """Return the server's settings for this store, with rules that are other than usual."""
        if self.database is not None:
            rules["database"] = self.database
        return replace(self.settings.served(self.folder, keys=keys), **rules)


@contextmanager
def opened(arguments: argparse.Namespace, settings: Settings | None = None) -> Iterator[Store]:
    """Give out the store of this directory, whose settings are asked for where they are not given.

    :raises ConfigurationError: the server's packages are not installed, or it says why it cannot.
    """
    settings, database = settings or ask_pytest(arguments), read_option(arguments)
    try:
        from platform_report_server import backup, manage, prune, serve
        from platform_report_server.errors import ServerError
        from platform_report_server.exports import stored
        from platform_report_server.reach import Reach
        from platform_report_server.settings import Settings as ServerSettings
    except ImportError as error:
        raise lacks_server(error) from error
    try:
        given, entrances = (ServerSettings, Reach), (serve, manage, prune, backup, stored)
        yield Store(settings.spool / "platform", database, settings.project, *given, *entrances)
    except ServerError as error:
        raise ConfigurationError(str(error)) from error
