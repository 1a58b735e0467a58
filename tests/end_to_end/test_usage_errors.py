"""Options that are wrong or missing: refused in words before the first test."""

from __future__ import annotations

import pytest

from end_to_end.platforms import Target
from end_to_end.sessions import Project

pytestmark = pytest.mark.uncovered

KEY = "the-secret-key-that-is-long-enough"
URL = "--platform-url=http://127.0.0.1:9"

WRONG = {
    "no key": ([URL, "--platform-project=p"], {}, "there is no API key: set PLATFORM_API_KEY"),
    "no project": ([URL], {"PLATFORM_API_KEY": KEY}, "there is no project: set --platform-project"),
    "placeholder": (
        [URL, "--platform-project=p"],
        {"PLATFORM_API_KEY": "your-api-key-here"},
        "PLATFORM_API_KEY: 'your-api-key-here' is a placeholder",
    ),
    "short key": (
        [URL, "--platform-project=p"],
        {"PLATFORM_API_KEY": "abcdefgh"},
        "PLATFORM_API_KEY: the API key has 8 characters, fewer than 16",
    ),
    "no address": (["--platform-url=platform.example"], {}, "'platform.example' is no platform address"),
    "bad shard": (["--platform-shard=3/2"], {}, "--platform-shard: '3/2' is no shard: give K/N"),
    "bad artifact": (["--platform-artifact=*.png"], {}, "--platform-artifact: '*.png' is no artifact: give TYPE:GLOB"),
    "bad run key": (["--platform-run-key=a/b"], {}, "--platform-run-key: 'a/b' cannot name a run folder"),
    "bad timeout": (["--platform-drain-timeout=soon"], {}, "--platform-drain-timeout: 'soon' is no number of seconds"),
    "bad word": ([], {"PLATFORM_STRICT": "maybe"}, "PLATFORM_STRICT: 'maybe' is neither on nor off"),
    "bad key file": (["--platform-api-key-file=absent.txt"], {}, "the API key cannot be read from"),
}


@pytest.fixture
def project(project: Project) -> Project:
    for name in [name for name in project.environment if name.startswith("PLATFORM_")]:
        del project.environment[name]
    project.write("test_it.py", "import pathlib\n\ndef test_it():\n    pathlib.Path('ran').touch()\n")
    return project


@pytest.mark.parametrize(("arguments", "environment", "message"), WRONG.values(), ids=list(WRONG))
def test_is_refused_before_the_first_test(
    target: Target, project: Project, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    project.environment |= environment
    ended = project.run(*arguments)
    assert ended.exit == 4
    assert message in ended.out
    assert "Traceback" not in ended.out
    assert not (project.root / "ran").exists()
    assert not project.spool.exists()
    assert environment.get("PLATFORM_API_KEY", KEY) not in ended.out or "placeholder" in ended.out


def test_a_wrong_switch_word_is_no_off(project: Project) -> None:
    project.environment["PLATFORM_REPORT"] = "maybe"
    ended = project.run(report=False)
    assert ended.exit == 4
    assert "PLATFORM_REPORT: 'maybe' is neither on nor off: set it to true or false" in ended.out


def test_a_wrong_word_in_the_ini_file(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nplatform_report = maybe\n")
    ended = project.run(report=False)
    assert ended.exit == 4
    assert "ini platform_report" in ended.out
    assert "set it to true or false" in ended.out


def test_under_xdist_it_is_said_once(project: Project) -> None:
    ended = project.run("--platform-shard=3/2", workers=2)
    assert ended.exit == 4
    assert ended.out.count("is no shard") == 1
