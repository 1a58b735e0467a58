"""The options as one table; imported in every pytest session, so it holds data and imports next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

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


OPTIONS: tuple[Option, ...] = (
    Option("report", "switch", "", "off", "report this session to the test platform"),
    Option("url", "text", "URL", "", "address of the platform (none: the embedded platform in the spool)"),
    Option("project", "text", "ID", "", "id of the project on the platform"),
    Option("api-key-file", "path", "FILE", "", "file that holds the API key, where PLATFORM_API_KEY is not set"),
    Option("run-title", "text", "TEXT", "", "title of the run"),
    Option("tag", "list", "TAG", "", "tag of the run; may be repeated"),
    Option("spool", "path", "DIR", ".platform-report", "where runs are kept until they are delivered"),
    Option("run-id", "text", "ID", "", "report into this run of the platform instead of a new one"),
    Option("run-key", "text", "KEY", "", "name of the run folder: sessions with the same key make one run"),
    Option("shard", "text", "K/N", "", "this session is shard K of N"),
    Option("drain-timeout", "seconds", "SECONDS", "60", "longest wait for the delivery at the session's end"),
    Option("detach", "switch", "", "off", "do not wait at the session's end: delivery goes on in the background"),
    Option("strict", "switch", "", "off", "exit with 1 where the tests passed but not every result was acknowledged"),
    Option("redact", "lines", "REGEX", "", "mask what this matches, or its groups, in all that is kept and sent"),
    Option("artifact", "list", "TYPE:GLOB", "", "files to send with the run when it ends; may be repeated"),
)

OFF_WORDS = ("", "0", "false", "no", "off")


def is_on(flag: object, ini: object, environment: Mapping[str, str]) -> bool:
    """Tell whether reporting is on; a wrong word counts as on, to be refused when the settings are read."""
    if flag:
        return True
    word = environment.get("PLATFORM_REPORT", "").strip()
    return word.lower() not in OFF_WORDS if word else bool(ini)
