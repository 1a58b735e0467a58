"""Show each option's effective value and where it came from, and whether the platform can be reached."""

from __future__ import annotations

import argparse

from ..errors import ConfigurationError, DeliveryError
from ..options import OPTIONS
from ..platforms.client import open_platform
from ..settings import Settings
from ._pytest_settings import ask_pytest
from ._terminal import mark, safe, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``doctor`` takes nothing of its own."""


def run(arguments: argparse.Namespace) -> int:
    """Show the settings and try the platform; return 1 where it does not answer as it should."""
    settings = ask_pytest(arguments)
    rows = [(option.ini, safe(_value(settings, option.name)), settings.sources[option.name]) for option in OPTIONS]
    rows.append(("API key", _mask(settings.api_key), settings.sources["api-key"]))
    width, value_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, value, source in rows:
        say(f"{name:<{width}}  {value:<{value_width}}  {source}")
    say()
    try:
        with open_platform(settings) as platform:
            platform.ping()
    except (ConfigurationError, DeliveryError) as error:
        say(mark("failed", safe(f"{settings.destination}: {error}")))
        return 1
    key = ", and the key is accepted" if settings.url else ""
    say(mark("passed", safe(f"{settings.destination}: it answers{key}")))
    return 0


def _value(settings: Settings, name: str) -> str:
    values: dict[str, object] = {
        "report": settings.enabled,
        "tag": ", ".join(settings.tags),
        "artifact": ", ".join(f"{type_}:{glob}" for type_, glob in settings.artifacts),
        "shard": "/".join(map(str, settings.shard or ())),
        "drain-timeout": f"{settings.drain_timeout:g}",
        "api-key-file": "" if settings.api_key_file is None else settings.api_key_file,
    }
    value = values[name] if name in values else getattr(settings, name.replace("-", "_"))
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value) or "(none)"


def _mask(key: str) -> str:
    return f"****{key[-4:]}" if key else "(none)"
