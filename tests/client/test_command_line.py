"""The command line, as it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_platform_report.plugin.command_line import describe_command
from pytest_platform_report.redact import make_redactor

redact = make_redactor(["the value of a secret"], [r"--login (\S+)"])


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], "pytest"),
        (["-n", "2", "-k", "a or b", "tests"], "pytest -n 2 -k 'a or b' tests"),
        ([Path("tests"), 1], "pytest tests 1"),
        (["--password", "hunter2", "tests"], "pytest --password '[redacted]' tests"),
        (["--token=hunter=2"], "pytest '--token=[redacted]'"),
        (["--db-password=a b", "-v"], "pytest '--db-password=[redacted]' -v"),
        (["--api_key", "--verbose"], "pytest --api_key --verbose"),
        (["--override-ini=api_token=x"], "pytest '--override-ini=api_token=[redacted]'"),
        (["-o", "secret=x"], "pytest -o 'secret=[redacted]'"),
        (["-p", "no:randomly", "-k", "password", "x"], "pytest -p no:randomly -k password x"),
        (["--platform-run-key=build-7"], "pytest --platform-run-key=build-7"),
        (["--platform-run-key", "build-7"], "pytest --platform-run-key build-7"),
        (["test_it.py::test_x[key=1-a=b]"], "pytest 'test_it.py::test_x[key=1-a=b]'"),
        (["--header", "the value of a secret"], "pytest --header '[redacted]'"),
        (["--base-url=https://jane:hunter2@shop.example"], "pytest '--base-url=https://jane:[redacted]@shop.example'"),
        (["--login", "jane"], "pytest --login [redacted]"),
        (["\udcff\x1b[31m"], "pytest '\\udcff'"),
    ],
)  # fmt: skip
def test_describe_command(arguments: list[object], shown: str) -> None:
    assert describe_command(arguments, redact) == shown
