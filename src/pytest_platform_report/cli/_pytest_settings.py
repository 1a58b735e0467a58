"""The settings that a session started here would have: pytest itself is asked, so that its files and rules hold."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from ..errors import ConfigurationError
from ..settings import Settings, read_settings


class _Probe:
    """Takes pytest's configuration and stops it there."""

    def __init__(self) -> None:
        self.config: pytest.Config | None = None
        self.settings: Settings | None = None
        self.error: ConfigurationError | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        self.config = config
        try:
            self.settings = read_settings(
                lambda name: getattr(config.option, name, None), config.getini, os.environ, config.rootpath, Path.cwd()
            )
        except ConfigurationError as error:
            self.error = error
        return 0


def ask_pytest(arguments: argparse.Namespace) -> Settings:
    """Return the effective settings of this directory, the command's own options over all others.

    :raises ConfigurationError: an option is wrong, or pytest cannot read its configuration.
    """
    given = {name: value for name, value in vars(arguments).items() if name.startswith("platform_") and value}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    probe = _Probe()
    pytest.main(["--quiet", "-p", "pytest_platform_report.plugin", *flags], plugins=[probe])
    if probe.error is not None:
        raise probe.error
    if probe.settings is None:
        raise ConfigurationError(f"pytest cannot read its configuration in {Path.cwd()}: see its own words above")
    return probe.settings
