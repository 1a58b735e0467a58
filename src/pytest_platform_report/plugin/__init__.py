"""The pytest plugin. This module only registers: every pytest session imports it, and most do not report."""

from __future__ import annotations

import os

import pytest

from ..options import OPTIONS, is_on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fixture import PlatformReport


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Called when this plugin is registered: add our hooks, which are known where we are off, too."""
    from .. import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Called when pytest reads its options: add ours."""
    group = parser.getgroup("platform-report", "reporting to a test platform")
    for option in OPTIONS:
        note = f" (ini: {option.ini}, environment: {option.variable})"
        if option.kind == "switch":
            group.addoption(option.flag, dest=option.ini, action="store_true", default=None, help=option.help + note)
            parser.addini(option.ini, option.help, type="bool", default=None)
        elif option.kind in ("list", "lines"):
            group.addoption(
                option.flag, dest=option.ini, action="append", metavar=option.metavar, help=option.help + note
            )
            parser.addini(option.ini, option.help, type="linelist", default=[])
        else:
            group.addoption(option.flag, dest=option.ini, metavar=option.metavar, help=option.help + note)
            parser.addini(option.ini, option.help, default="")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Called before the first conftest.py, which may patch what we hold on to: load what holds it."""
    if _is_on(early_config, early_config.known_args_namespace):
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


def _is_on(config: pytest.Config, options: object) -> bool:
    try:
        ini = config.getini("platform_report")
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"ini platform_report: {error}: set it to true or false") from error
    return is_on(getattr(options, "platform_report", None), ini, os.environ)
