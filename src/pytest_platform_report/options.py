"""The options as one table."""

from __future__ import annotations

from typing import Literal, NamedTuple

from . import _OPTIONS

Kind = Literal["switch", "text", "path", "seconds", "list", "lines"]


class Option(NamedTuple):
    """One option: ``--platform-NAME``, ini ``platform_NAME``, environment ``PLATFORM_NAME``."""

    name: str
    kind: Kind
    metavar: str
    default: str
    help: str

    @property
    def flag(self) -> str:
        """On the command line."""
        return f"--platform-{self.name}"

    @property
    def ini(self) -> str:
        """In pytest's configuration file; also the flag's destination."""
        return f"platform_{self.name.replace('-', '_')}"

    @property
    def variable(self) -> str:
        """In the environment."""
        return self.ini.upper()


OPTIONS: tuple[Option, ...] = tuple(Option(*row) for row in _OPTIONS)
