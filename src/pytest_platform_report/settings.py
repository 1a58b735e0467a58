"""Settings: each option's effective value and where it came from, read once and frozen.

A flag wins over the environment, the environment over pytest's configuration file. The API key has neither flag nor
ini: it comes from ``PLATFORM_API_KEY`` or from the file that ``--platform-api-key-file`` names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import _OFF_WORDS
from .artifacts import TYPES
from .ci import ci_build
from .errors import ConfigurationError
from .ids import is_run_key, shared_run_key
from .options import OPTIONS, Option

_ALIASES = {"project": "EURIQA_PROJECT_ID", "api-key": "EURIQA_API_KEY"}
_PLACEHOLDERS = ("your-api-key", "test-key", "your-api-key-here")
_SHORTEST_KEY = 16
_ON_WORDS = ("1", "true", "yes", "on")

_NOT_JOURNALED = ("api_key", "api_key_file", "sources", "enabled")

Lookup = Callable[[str], object]


@dataclass(frozen=True)
class Settings:
    """The effective options of a session.

    :ivar url: the platform's API, ending in ``/api``; empty for the embedded platform.
    :ivar spool: an absolute path.
    :ivar shard: (K, N), or None.
    :ivar drain_timeout: seconds.
    :ivar artifacts: pairs of type and glob, relative to rootdir.
    :ivar redact: regular expressions of what is masked besides what is masked anyway.
    :ivar sources: for each option's name, where its value came from.
    """

    enabled: bool = False
    url: str = ""
    project: str = "default"
    run_title: str = ""
    tags: tuple[str, ...] = ()
    spool: Path = Path(".platform-report")
    run_id: str = ""
    run_key: str = ""
    shard: tuple[int, int] | None = None
    drain_timeout: float = 60.0
    detach: bool = False
    strict: bool = False
    artifacts: tuple[tuple[str, str], ...] = ()
    redact: tuple[str, ...] = ()
    api_key_file: Path | None = None
    api_key: str = field(default="", repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def access(self) -> Access:
        """The key with the platform that it is for."""
        return Access(self.api_key, self.url)

    @property
    def destination(self) -> str:
        """Where the run goes, in words."""
        if self.url:
            return f"{self.url.removesuffix('/api')}, project {self.project}"
        return f"embedded platform in {self.spool}"

    def joint_key(self, environment: Mapping[str, str]) -> str:
        """Return by what shards on other machines know their common run; empty where these can know of none.

        They share the CI build that *environment* tells of, the run key that was given, or both.
        """
        build = ci_build(environment)
        facts = [build.provider, build.build_id] if build and build.build_id else []
        facts += [self.run_key] if self.run_key else []
        return shared_run_key(self.project, *facts) if facts else ""

    def to_journal(self) -> dict[str, Any]:
        """Return what an uploader must know, as JSON values and without the key."""
        kept = {key: value for key, value in asdict(self).items() if key not in _NOT_JOURNALED}
        return {**kept, "spool": str(self.spool)}

    @classmethod
    def from_journal(cls, values: Mapping[str, Any]) -> Settings:
        """Read back what :meth:`to_journal` returned; fields that this version does not know are passed over."""
        known = {name.name for name in fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        kept["spool"] = Path(kept["spool"])
        kept["tags"] = tuple(kept["tags"])
        kept["redact"] = tuple(kept.get("redact", ()))
        kept["shard"] = tuple(kept["shard"]) if kept["shard"] else None
        kept["artifacts"] = tuple((kind, glob) for kind, glob in kept["artifacts"])
        return cls(enabled=True, **kept)


@dataclass(frozen=True)
class Access:
    """An API key, and the platform that it is for.

    :ivar url: that platform's, as in :class:`Settings`; empty where nothing says which it is.
    """

    api_key: str = field(repr=False)
    url: str = ""

    def key_for(self, url: str) -> str:
        """Return the key, for what is to be sent to *url*; empty is the embedded platform.

        :raises ConfigurationError: the key is another platform's.
        """
        if url and self.url and url != self.url:
            raise ConfigurationError(
                f"it was recorded for {url}, and the API key found is that of {self.url}: "
                f"set PLATFORM_URL and PLATFORM_API_KEY to the address and the key of the former"
            )
        return self.api_key


def read_settings(
    flag: Lookup, ini: Lookup, environment: Mapping[str, str], rootdir: Path, directory: Path
) -> Settings:
    """Read every option of the table.

    :param flag: from an option's ini name to the flag's value, None where it was not given; an empty one asks for the
        default, whatever the environment says.
    :param ini: the same for the configuration file, where an empty one counts as not given.
    :param rootdir: what relative paths in the configuration file and the defaults start from.
    :param directory: what relative paths in flags and the environment start from.
    :raises ConfigurationError: where a value is wrong or something is missing.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for option in OPTIONS:
        raw, source = _find(option, flag, ini, environment)
        values[option.name] = _convert(option, raw, source, rootdir if source in ("ini", "default") else directory)
        sources[option.name] = _name_source(option, source, environment)
    url = _check_url(values["url"], sources["url"])
    api_key, sources["api-key"] = _read_key(environment, values["api-key-file"], sources["api-key-file"])
    if url:
        _check_access(url, api_key, values["project"], sources)
    if values["run-key"] and not is_run_key(values["run-key"]):
        raise ConfigurationError(
            f"{sources['run-key']}: {values['run-key']!r} cannot name a run folder: "
            f"use at most 64 letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    return Settings(
        enabled=values["report"],
        url=url,
        project=values["project"] or "default",
        run_title=values["run-title"],
        tags=tuple(values["tag"]),
        spool=values["spool"],
        run_id=values["run-id"],
        run_key=values["run-key"],
        shard=_parse_shard(values["shard"], sources["shard"]),
        drain_timeout=values["drain-timeout"],
        detach=values["detach"],
        strict=values["strict"],
        artifacts=tuple(_parse_artifact(text, sources["artifact"]) for text in values["artifact"]),
        redact=tuple(_check_pattern(text, sources["redact"]) for text in values["redact"]),
        api_key_file=values["api-key-file"],
        api_key=api_key,
        sources=sources,
    )


def _find(option: Option, flag: Lookup, ini: Lookup, environment: Mapping[str, str]) -> tuple[object, str]:
    given = flag(option.ini)
    if _is_blank(given):
        return option.default, "default"
    if given not in (None, [], False):
        return given, "flag"
    for variable in (option.variable, _ALIASES.get(option.name)):
        if variable and environment.get(variable, "").strip():
            return environment[variable], "environment"
    given = ini(option.ini)
    if given not in (None, [], False) and not _is_blank(given):
        return given, "ini"
    return option.default, "default"


def _is_blank(given: object) -> bool:
    return isinstance(given, str) and not given.strip()


def _name_source(option: Option, source: str, environment: Mapping[str, str]) -> str:
    if source == "environment":
        return option.variable if environment.get(option.variable, "").strip() else _ALIASES[option.name]
    return {"flag": option.flag, "ini": f"ini {option.ini}"}.get(source, source)


def _convert(option: Option, raw: object, source: str, base: Path) -> Any:
    where = {"flag": option.flag, "ini": option.ini}.get(source, option.variable)
    if option.kind == "switch":
        return raw if isinstance(raw, bool) else _parse_switch(str(raw), where)
    if option.kind in ("list", "lines"):
        text = str(raw) if option.kind == "lines" else str(raw).replace(",", "\n")
        parts = raw if isinstance(raw, list) else text.split("\n")
        return [part.strip() for part in parts if part.strip()]
    text = str(raw).strip()
    if option.kind == "seconds":
        return _parse_seconds(text, where)
    if option.kind == "path":
        return base / Path(text).expanduser() if text else None
    return text


def _parse_switch(text: str, where: str) -> bool:
    lower = text.strip().lower()
    if lower in _ON_WORDS or lower in _OFF_WORDS:
        return lower in _ON_WORDS
    raise ConfigurationError(f"{where}: {text!r} is neither on nor off: set it to true or false")


def _parse_seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ConfigurationError(f"{where}: {text!r} is no number of seconds from 0 to 86400")
    return seconds


def _parse_shard(text: str, where: str) -> tuple[int, int] | None:
    if not text:
        return None
    current, slash, total = text.partition("/")
    if slash and current.isdecimal() and total.isdecimal() and 1 <= int(current) <= int(total) <= 10_000:
        return int(current), int(total)
    raise ConfigurationError(f"{where}: {text!r} is no shard: give K/N with 1 <= K <= N, such as 2/5")


def _parse_artifact(text: str, where: str) -> tuple[str, str]:
    kind, colon, glob = text.partition(":")
    if colon and kind in TYPES and glob and not Path(glob).is_absolute():
        return kind, glob
    raise ConfigurationError(
        f"{where}: {text!r} is no artifact: give TYPE:GLOB, TYPE one of {', '.join(TYPES)}, "
        f"GLOB relative to the project's root directory, such as screenshot:out/**/*.png"
    )


def _check_pattern(text: str, where: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ConfigurationError(f"{where}: {text!r} is no regular expression: {error}") from error
    return text


def _check_url(url: str, where: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or any(letter in "?#" or letter.isspace() for letter in url):
        raise ConfigurationError(f"{where}: {url!r} is no platform address: give one such as https://platform.example")
    if parts.username or parts.password:
        raise ConfigurationError(
            f"{where}: the address holds a user or password: give it without, and the key in PLATFORM_API_KEY"
        )
    url = url.rstrip("/")
    return url if url.endswith("/api") else f"{url}/api"


def _read_key(environment: Mapping[str, str], file: Path | None, where: str) -> tuple[str, str]:
    for variable in ("PLATFORM_API_KEY", _ALIASES["api-key"]):
        if key := environment.get(variable, "").strip():
            return key, variable
    if file is None:
        return "", "default"
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where}: the API key cannot be read from {file}: {error}") from error
    if not key:
        raise ConfigurationError(f"{where}: the API key cannot be read from {file}: it is empty")
    return key, f"{where} ({file})"


def _check_access(url: str, key: str, project: str, sources: Mapping[str, str]) -> None:
    if not key:
        raise ConfigurationError(
            f"{sources['url']} is {url}, but there is no API key: "
            f"set PLATFORM_API_KEY, or name a file that holds it with --platform-api-key-file"
        )
    where = sources["api-key"]
    if key.lower() in _PLACEHOLDERS:
        raise ConfigurationError(f"{where}: {key!r} is a placeholder: set the key that the platform showed you")
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"{where}: the API key has {len(key)} characters, fewer than {_SHORTEST_KEY}: was it cut?"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigurationError(
            f"{where}: the API key holds characters that no key has: was more than the key copied?"
        )
    if not project:
        raise ConfigurationError(
            f"{sources['url']} is {url}, but there is no project: set --platform-project, platform_project or "
            f"PLATFORM_PROJECT to the project's id"
        )
