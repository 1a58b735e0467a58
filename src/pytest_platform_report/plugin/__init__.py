"""The pytest plugin. This module only registers: every pytest session imports it, and most do not report."""

from __future__ import annotations

import os

import pytest

from .. import _OFF_WORDS, _OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fixture import PlatformReport

_PACKAGE = __name__.partition(".")[0]
_HOOKS = ("pytest_platform_run", "pytest_platform_begin", "pytest_platform_end", "pytest_platform_artifact")


def pytest_plugin_registered(manager: pytest.PytestPluginManager) -> None:
    """Called for each plugin: say what our hooks are once one has any, also where we are off."""
    hooks = vars(manager.hook)
    if not hooks.keys().isdisjoint(_HOOKS) and not all(hooks[name].has_spec() for name in _HOOKS if name in hooks):
        from .. import hookspecs

        manager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Called when pytest reads its options: add ours."""
    group = parser.getgroup("platform-report", "reporting to a test platform")
    for name, kind, metavar, _, told in _OPTIONS:
        flag, ini = f"--platform-{name}", f"platform_{name.replace('-', '_')}"
        text = f"{told} (ini: {ini}, environment: {ini.upper()})"
        if kind == "switch":
            group.addoption(flag, dest=ini, action="store_true", default=None, help=text)
            parser.addini(ini, told, type="bool", default=None)
        elif kind in ("list", "lines"):
            group.addoption(flag, dest=ini, action="append", metavar=metavar, help=text)
            parser.addini(ini, told, type="linelist", default=[])
        else:
            group.addoption(flag, dest=ini, metavar=metavar, help=text)
            parser.addini(ini, told, default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Called before the first conftest.py, which may patch what we hold on to: load what holds it."""
    if _is_on(early_config, early_config.known_args_namespace):
        _load_unchanged(early_config)
        from .session import prepare

        prepare(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Called when the options are known: start reporting where it is on."""
    if _is_on(config, config.option):
        from .session import start

        start(config)


@pytest.fixture
def platform_report() -> PlatformReport:
    """The running test's report: its ``step``, ``attach``, ``title``, ``tag``, ``annotate`` and ``link``."""
    from .fixture import PlatformReport

    return PlatformReport()


def _load_unchanged(config: pytest.Config) -> None:
    # pytest reads, and perhaps compiles, the source of each module of a plugin, to rewrite assertions. We have none.
    marked = getattr(config.pluginmanager.rewrite_hook, "_must_rewrite", None)
    if isinstance(marked, set):
        marked -= {name for name in marked if name.partition(".")[0] == _PACKAGE}


def _is_on(config: pytest.Config, options: object) -> bool:
    try:
        ini = config.getini("platform_report")
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"ini platform_report: {error}: set it to true or false") from error
    return is_on(getattr(options, "platform_report", None), ini, os.environ)


def is_on(flag: object, ini: object, environment: Mapping[str, str]) -> bool:
    """Tell whether reporting is on; a wrong word counts as on, to be refused when the settings are read."""
    if flag:
        return True
    word = environment.get("PLATFORM_REPORT", "").strip()
    return word.lower() not in _OFF_WORDS if word else bool(ini)
