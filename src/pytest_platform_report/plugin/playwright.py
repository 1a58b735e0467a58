"""pytest-playwright: what its options say of a run's browsers."""

from __future__ import annotations

from types import ModuleType

import pytest

_NAMES = ("playwright", "playwright-asyncio")
_MODULES = ("pytest_playwright.pytest_playwright", "pytest_playwright_asyncio.pytest_playwright")
_DEFAULT_VIEWPORT = "1280x720"


def describe_browsers(config: pytest.Config) -> dict[str, str]:
    """Return the fields that a run has by pytest-playwright; none where that is not loaded.

    The viewport is left out where only running tests would tell: for a device, and where a conftest.py makes contexts
    of its own.
    """
    plugin = _find(config)
    if plugin is None:
        return {}
    browsers = config.getoption("browser", None) or ["chromium"]
    fields = {"browser": ", ".join(dict.fromkeys(browsers)), "playwrightVersion": _find_version()}
    if not config.getoption("device", None) and not _is_overridden(config, plugin):
        fields["viewport"] = _DEFAULT_VIEWPORT
    return {name: value for name, value in fields.items() if value}


def _find(config: pytest.Config) -> object:
    found = (config.pluginmanager.get_plugin(name) for name in (*_NAMES, *_MODULES))
    return next((plugin for plugin in found if plugin is not None), None)


def _is_overridden(config: pytest.Config, plugin: object) -> bool:
    modules = (each for each in config.pluginmanager.get_plugins() if isinstance(each, ModuleType))
    return any("browser_context_args" in vars(each) for each in modules if each is not plugin)


def _find_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("playwright")
    except PackageNotFoundError:
        return ""
