"""The plugins that can be run against the faults: how each is installed, switched on and pointed at a server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from faults.reporting_api import KEY, PROJECT


@dataclass(frozen=True)
class Plugin:
    """A plugin; ``{address}`` in its texts is the server's, ``{patience}`` how many seconds a session may wait.

    :ivar install: what pip installs for it; nothing for what is installed here.
    :ivar api: which API it speaks; empty for none.
    :ivar conftest: what the project needs besides its tests.
    :ivar attach: a statement that attaches a file to the running test.
    :ivar then: a command that delivers what a session has left, once the server has recovered.
    :ivar results: where it leaves results that no server gets: a glob, one file a test.
    :ivar note: what is to be known of its row, in a sentence or two.
    """

    name: str
    install: tuple[str, ...]
    api: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    conftest: str = ""
    attach: str = ""
    then: tuple[str, ...] = ()
    results: str = ""
    note: str = ""


HOST = dedent("""\
    import importlib

    for version in (1, 2):
        try:
            module = importlib.import_module(f"qase.api_client_v{version}.configuration")
        except ImportError:
            continue
        address = f"{address}/v{version}"
        module.Configuration.host = module.Configuration.host.setter(lambda self, value: None).getter(
            lambda self, address=address: address
        )
""")

_CASES = dedent("""\

    import pytest


    def pytest_qase_browser_name():
        return "none"


    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.qase("https://app.qase.io/case/PROJ-" + item.name.rpartition("_")[2]))
""")

OURS = Plugin(
    "pytest-platform-report",
    (),
    "reporting-api",
    ("--platform-report", "--platform-drain-timeout={patience}"),
    {
        "PLATFORM_URL": "{address}",
        "PLATFORM_PROJECT": PROJECT,
        "PLATFORM_API_KEY": KEY,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "pytest_platform_report.plugin",
    },
    attach=r'__import__("pytest_platform_report").attach(b"\x89PNG\r\n\x1a\n", name="cup.png")',
    then=(str(Path(sys.executable).with_name("platform-report")), "sync"),
)

PEERS = (
    Plugin(
        "pytest-reportportal",
        ("pytest-reportportal",),
        "reportportal",
        ("--reportportal", "--rp-endpoint={address}", "--rp-project=default", "--rp-api-key=the-key-of-nobody"),
        # Without this it tells Google of each launch.
        {"AGENT_NO_ANALYTICS": "1"},
        note="It sends each request from the tests' own process while these run, and waits 3 s at the session's end.",
    ),
    Plugin(
        "pytest-qaseio",
        ("pytest-qaseio",),
        "qase",
        ("--qase-enabled", "--qase-file-storage=none"),
        {"QASE_TOKEN": "the-token-of-nobody", "QASE_PROJECT_CODE": "PROJ", "ENVIRONMENT": "test"},
        conftest=HOST + _CASES,
        note=(
            "It knows one address only, `https://api.qase.io`: a conftest.py gives its client another one, and each "
            "test the number of a test case, without which it does not start."
        ),
    ),
    Plugin(
        "qase-pytest",
        ("qase-pytest",),
        "qase",
        ("--qase-mode=testops",),
        {
            "QASE_MODE": "testops",
            "QASE_TESTOPS_API_TOKEN": "the-token-of-nobody",
            "QASE_TESTOPS_PROJECT": "PROJ",
        },
        conftest=HOST,
        note=(
            "Qase's own plugin. It speaks https only: a conftest.py gives its client an http address. Its results have "
            "ids by which the server knows one that is sent again, as Qase says that its own does."
        ),
    ),
    Plugin(
        "buildkite-test-collector",
        ("buildkite-test-collector",),
        "buildkite",
        (),
        {
            "BUILDKITE_ANALYTICS_TOKEN": "the-token-of-nobody",
            "BUILDKITE_ANALYTICS_API_URL": "{address}/v1",
            "CI": "true",
        },
        note="Its API has no runs that are opened and closed, and it sends all results in one request at the end.",
    ),
    Plugin(
        "allure-pytest",
        ("allure-pytest",),
        "",
        ("--alluredir=allure-results",),
        results="allure-results/*-result.json",
        note=(
            "It has no server to be pointed at: it writes files, which other programs bring elsewhere, and no fault of "
            "a platform concerns it. What is counted is its files, one a test."
        ),
    ),
)

PLUGINS = {plugin.name: plugin for plugin in (OURS, *PEERS)}
