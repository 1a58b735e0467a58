"""Settings of the served platform, as flags and as variables of the environment; secrets in variables or files only."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError

PREFIX = "PLATFORM_REPORT_"
_WORDS = {"1": True, "on": True, "true": True, "yes": True, "0": False, "off": False, "false": False, "no": False}


def add_setting(parser: argparse.ArgumentParser, flag: str, *, help: str, default: Any, **rules: Any) -> None:
    """Add a flag whose default is what its variable says."""
    variable = PREFIX + flag.lstrip("-").replace("-", "_").upper()
    told: Any = os.environ.get(variable, "").strip()
    if told and rules.get("action") == "extend":  # argparse itself reads the default of other actions only
        told = rules["type"](told)
    parser.add_argument(flag, default=told or default, help=f"{help}; in the environment {variable}", **rules)


def one_of(*choices: str) -> Any:
    """Return the type of a setting that is one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"found {text!r}, expected one of {', '.join(choices)}")
        return text

    return read


def names(text: str) -> list[str]:
    """Read names with commas between."""
    return [name for name in (each.strip() for each in text.split(",")) if name]


def is_on(name: str) -> bool:
    """Tell whether a variable switches something on.

    :raises ConfigurationError: it says neither.
    """
    told = os.environ.get(PREFIX + name, "").strip() or "off"
    if told.lower() not in _WORDS:
        raise ConfigurationError(f"{PREFIX}{name}: {told!r} is neither on nor off")
    return _WORDS[told.lower()]


def read_secret(variable: str) -> str:
    """Return a secret from a variable, or from the file that the variable with _FILE at its end names.

    :raises ConfigurationError: the file cannot be read.
    """
    told = os.environ.get(variable, "").strip()
    path = os.environ.get(f"{variable}_FILE", "").strip()
    if told or not path:
        return told
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{variable}_FILE: {path}: cannot be read: {error}") from error
