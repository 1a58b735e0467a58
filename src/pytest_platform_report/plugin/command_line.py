"""The command line of a session, fit to be shown."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from ..options import OPTIONS
from ..redact import MASK, Redact, is_secret_name

_OURS = frozenset(option.flag for option in OPTIONS)  # --platform-run-key among them, which holds no secret


def describe_command(arguments: Iterable[object], redact: Redact) -> str:
    """Return the command that has these arguments, without the values of options whose names look secret."""
    shown = ["pytest"]
    is_secret = False
    for argument in map(str, arguments):
        # An argument that begins with a dash is no option's value, or pytest would not have started.
        shown.append(MASK if is_secret and not argument.startswith("-") else redact(_mask_value(argument)))
        is_secret = argument.startswith("--") and _is_secret(argument)
    return redact(shlex.join(shown))


def _mask_value(argument: str) -> str:
    """Mask what stands after a secret's name, as in ``--token=x`` and ``--override-ini=token=x``."""
    parts = argument.split("=")
    for number, name in enumerate(parts[:-1], 1):
        if _is_secret(name):
            return "=".join([*parts[:number], MASK])
    return argument


def _is_secret(name: str) -> bool:
    return name not in _OURS and is_secret_name(name.lstrip("-"))
