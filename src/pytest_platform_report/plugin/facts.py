"""What a session says of itself: its interpreter, its plugins, its command, what it was asked to run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ..redact import Redact
from .command_line import describe_command
from .playwright import describe_browsers
from .problems import Problems


def _describe_platform() -> str:
    if not hasattr(os, "uname"):  # Windows
        return sys.platform
    system = os.uname()
    return f"{system.sysname}-{system.release}-{system.machine}"


def _describe_interpreter() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return version if sys.implementation.name == "cpython" else f"{sys.implementation.name}-{version}"


# Captured at import: conftest files and tests may patch what they come from.
_platform = _describe_platform()
_python = _describe_interpreter()


def describe_session(config: pytest.Config, redact: Redact, problems: Problems) -> dict[str, Any]:
    """Return the facts of *config*'s session, as JSON values."""
    patterns = [config.getoption("keyword", ""), config.getoption("markexpr", "")]
    facts = {
        "python": _python,
        "pytest": pytest.__version__,
        "platform": _platform,
        "rootdir": str(config.rootpath),
        "workers": _count_workers(config),
        "grep_patterns": [redact(pattern) for pattern in patterns if pattern],
    }
    for name, find in _FOUND_AMONG_THE_USERS.items():
        try:
            facts[name] = find(config, redact)
        except Exception as error:  # by other plugins, and whatever they are made of
            problems(error)
    return facts


def _count_workers(config: pytest.Config) -> int:
    """Return how many xdist workers run the tests, such as 3 for ``--tx 3*popen``; 1 without xdist."""
    if config.getoption("dist", "no") == "no":
        return 1
    counts = (str(spec).partition("*") for spec in config.getoption("tx", None) or ())
    return sum(int(count) if star and count.isdecimal() else 1 for count, star, _ in counts) or 1


def _list_plugins(config: pytest.Config) -> list[str]:
    """Return the installed plugins that are loaded, such as ``pytest-xdist 3.8.0``."""
    return sorted({_name(distribution) for _, distribution in config.pluginmanager.list_plugin_distinfo()})


def _name(distribution: Any) -> str:
    # Its folder's name tells at once what parsing its metadata takes a millisecond for, plugin by plugin.
    folder = os.path.basename(str(getattr(distribution, "_path", "")))
    if not folder.endswith(".dist-info"):
        return f"{distribution.project_name} {distribution.version}"
    name, _, version = folder.removesuffix(".dist-info").rpartition("-")
    return f"{name.replace('_', '-')} {version}"


_FOUND_AMONG_THE_USERS: dict[str, Callable[[pytest.Config, Redact], Any]] = {
    "command": lambda config, redact: describe_command(config.invocation_params.args, redact),
    "plugins": lambda config, _: _list_plugins(config),
    "playwright": lambda config, _: describe_browsers(config),
}
