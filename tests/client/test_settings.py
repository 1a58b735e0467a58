"""Which value wins, where it came from, and what is refused in which words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_platform_report.errors import ConfigurationError
from pytest_platform_report.ids import is_run_key
from pytest_platform_report.native import to_json
from pytest_platform_report.options import OPTIONS, Option
from pytest_platform_report.plugin import is_on
from pytest_platform_report.settings import Settings, read_settings

KEY = "prk_live_0123456789abcdef"
URL = "https://platform.example"
BASE = Path("/base")


def read(
    flags: Mapping[str, object] | None = None,
    *,
    ini: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    base: Path = BASE,
) -> Settings:
    """Read settings in a project at ``root``, from a session started in ``here``."""
    return read_settings((flags or {}).get, (ini or {}).get, environment or {}, base / "root", base / "here")


class Case(NamedTuple):
    """One option: the field it ends up in, a value from each source, and what becomes of these and of none."""

    field: str
    flag: object
    variable: str
    ini: object
    expected: tuple[object, object, object, object]


CASES = {
    "report": Case("enabled", True, "yes", True, (True, True, True, False)),
    "url": Case("url", f"{URL}/f", f"{URL}/v/", f"{URL}/api", (f"{URL}/f/api", f"{URL}/v/api", f"{URL}/api", "")),
    "project": Case("project", "flag", "variable", " ini ", ("flag", "variable", "ini", "default")),
    "api-key-file": Case(
        "api_key",
        "flag.key",
        "variable.key",
        "ini.key",
        ("of flag.key in here", "of variable.key in here", "of ini.key in root", ""),
    ),
    "run-title": Case("run_title", "flag", "variable", "ini", ("flag", "variable", "ini", "")),
    "tag": Case("tags", ["a,b", "c"], "d, e,", ["f", " g "], (("a,b", "c"), ("d", "e"), ("f", "g"), ())),
    "spool": Case(
        "spool",
        "flag",
        "/absolute",
        "ini",
        (Path("here/flag"), Path("/absolute"), Path("root/ini"), Path("root/.platform-report")),
    ),
    "run-id": Case("run_id", "flag", "variable", "ini", ("flag", "variable", "ini", "")),
    "run-key": Case("run_key", "flag", "variable", "ini", ("flag", "variable", "ini", "")),
    "shard": Case("shard", "1/3", "2/3", "3/3", ((1, 3), (2, 3), (3, 3), None)),
    "drain-timeout": Case("drain_timeout", "1", "2.5", " 3 ", (1.0, 2.5, 3.0, 60.0)),
    "detach": Case("detach", True, "1", True, (True, True, True, False)),
    "strict": Case("strict", True, "on", True, (True, True, True, False)),
    "redact": Case("redact", ["a{1,2}", "b"], "c{1,2}\nd", ["e"], (("a{1,2}", "b"), ("c{1,2}", "d"), ("e",), ())),
    "artifact": Case(
        "artifacts",
        ["screenshot:a/*.png", "trace:b.zip"],
        "video:c.mp4",
        ["report:d.zip"],
        ((("screenshot", "a/*.png"), ("trace", "b.zip")), (("video", "c.mp4"),), (("report", "d.zip"),), ()),
    ),
}


class TestPrecedence:
    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_flag_then_environment_then_ini_then_default(self, option: Option, tmp_path: Path) -> None:
        case = CASES[option.name]
        access = {"PLATFORM_API_KEY": KEY, "EURIQA_PROJECT_ID": "p"} if option.name == "url" else {}
        for folder, names in {"here": ("flag.key", "variable.key"), "root": ("ini.key",)}.items():
            (tmp_path / folder).mkdir()
            for name in names:
                (tmp_path / folder / name).write_text(f"of {name} in {folder}")
        flags: dict[str, object] = {option.ini: case.flag}
        ini: dict[str, object] = {option.ini: case.ini}
        environment = {option.variable: case.variable}
        found = (
            read(flags, ini=ini, environment={**access, **environment}, base=tmp_path),
            read(ini=ini, environment={**access, **environment}, base=tmp_path),
            read(ini=ini, environment=access, base=tmp_path),
            read(environment=access, base=tmp_path),
        )
        sources = (option.flag, option.variable, f"ini {option.ini}", "default")
        for settings, source, expected in zip(found, sources, case.expected, strict=True):
            value = getattr(settings, case.field)
            assert value == (tmp_path / expected if isinstance(expected, Path) else expected)
            assert settings.sources[option.name] == source

    @pytest.mark.parametrize(
        "option",
        [each for each in OPTIONS if each.kind not in ("switch", "list", "lines")],
        ids=lambda option: option.name,
    )
    def test_empty_flag_asks_for_the_default(self, option: Option) -> None:
        environment = {option.variable: CASES[option.name].variable}
        for empty in ("", "  "):
            settings = read({option.ini: empty}, environment=environment)
            assert settings.sources[option.name] == "default"
            assert settings == read()

    @pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
    def test_blank_variable_and_ini_are_none(self, option: Option) -> None:
        settings = read(environment={option.variable: "  "}, ini={option.ini: "  "})
        assert settings == read()

    def test_switch_turned_off_by_the_environment(self) -> None:
        settings = read(environment={"PLATFORM_STRICT": "off"}, ini={"platform_strict": True})
        assert not settings.strict

    def test_home_directory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/someone")
        assert read({"platform_spool": "~/runs"}).spool == Path("/home/someone/runs")


class TestIsOn:
    @pytest.mark.parametrize(
        ("flag", "ini", "word", "expected"),
        [
            (True, None, "0", True),
            (None, None, None, False),
            (None, True, None, True),
            (None, True, "0", False),
            (None, True, "", True),
            (None, None, "1", True),
            (None, None, " No ", False),
            (None, None, "maybe", True),
        ],
    )
    def test_flag_then_environment_then_ini(self, flag: object, ini: object, word: str | None, expected: bool) -> None:
        assert is_on(flag, ini, {} if word is None else {"PLATFORM_REPORT": word}) is expected


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("url", "platform.example", r"'platform\.example' is no platform address: give one such as https://"),
            ("url", "ftp://platform.example", "'ftp://platform.example' is no platform address"),
            ("url", "https://", "'https://' is no platform address"),
            ("url", "https://[::1", "is no platform address"),
            ("url", "https://platform.example:port", "is no platform address"),
            ("url", "https://platform.example?a=b", "is no platform address"),
            ("url", "https://platform.example?", "is no platform address"),
            ("url", "https://platform.example/#a", "is no platform address"),
            ("url", "https://platform .example", "is no platform address"),
            ("redact", "a(", r"'a\(' is no regular expression: "),
            ("shard", "2", "'2' is no shard: give K/N with 1 <= K <= N, such as 2/5"),
            ("shard", "0/2", "'0/2' is no shard"),
            ("shard", "3/2", "'3/2' is no shard"),
            ("shard", "-1/2", "'-1/2' is no shard"),
            ("shard", "1/20000", "'1/20000' is no shard"),
            ("shard", "a/b", "'a/b' is no shard"),
            ("drain-timeout", "soon", "'soon' is no number of seconds from 0 to 86400"),
            ("drain-timeout", "-1", "'-1' is no number"),
            ("drain-timeout", "nan", "'nan' is no number"),
            ("drain-timeout", "inf", "'inf' is no number"),
            ("artifact", "a.png", r"'a\.png' is no artifact: give TYPE:GLOB, TYPE one of screenshot, video, trace, "),
            ("artifact", "picture:a.png", r"'picture:a\.png' is no artifact"),
            ("artifact", "screenshot:", "'screenshot:' is no artifact"),
            ("artifact", "screenshot:/a.png", "GLOB relative to the project's root directory"),
            ("run-key", "../up", r"'\.\./up' cannot name a run folder: use at most 64 letters, digits, "),
            ("report", "perhaps", "'perhaps' is neither on nor off: set it to true or false"),
        ],
    )
    def test_message_names_where_it_was_found_and_what_to_do(self, name: str, value: str, message: str) -> None:
        option = next(option for option in OPTIONS if option.name == name)
        with pytest.raises(ConfigurationError, match=rf"^{option.variable}: .*{message}"):
            read(environment={option.variable: value})
        if option.kind != "switch":
            with pytest.raises(ConfigurationError, match=rf"^{option.flag}: .*{message}"):
                read({option.ini: [value] if option.kind == "list" else value})

    def test_address_with_a_password_is_not_repeated(self) -> None:
        with pytest.raises(ConfigurationError, match=r"^--platform-url: the address holds a user") as caught:
            read({"platform_url": "https://user:hush@platform.example"})
        assert "hush" not in str(caught.value)


class TestKey:
    def read(self, key: str, **more: str) -> Settings:
        environment = {"PLATFORM_API_KEY": key, "PLATFORM_PROJECT": "p", **more}
        return read({"platform_url": URL}, environment=environment)

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            ("", r"--platform-url is https://platform\.example/api, but there is no API key: set PLATFORM_API_KEY"),
            ("your-api-key-here", "PLATFORM_API_KEY: 'your-api-key-here' is a placeholder: set the key"),
            ("Test-Key", "'Test-Key' is a placeholder"),
            ("prk_live_0123", "PLATFORM_API_KEY: the API key has 13 characters, fewer than 16: was it cut?"),
            (f"Bearer {KEY}", "the API key holds characters that no key has: was more than the key copied"),
            (f"{KEY}ü", "the API key holds characters"),
            (f"{KEY}\n{KEY}", "the API key holds characters"),
        ],
    )
    def test_what_is_no_key(self, key: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message) as caught:
            self.read(key)
        assert KEY not in str(caught.value)

    def test_line_break_at_its_end_is_stripped(self) -> None:
        assert self.read(f" {KEY}\n").api_key == KEY

    def test_fallbacks(self) -> None:
        environment = {"EURIQA_API_KEY": KEY, "EURIQA_PROJECT_ID": "p"}
        settings = read({"platform_url": URL}, environment=environment)
        assert (settings.api_key, settings.project) == (KEY, "p")
        assert (settings.sources["api-key"], settings.sources["project"]) == ("EURIQA_API_KEY", "EURIQA_PROJECT_ID")
        settings = self.read(KEY, EURIQA_API_KEY="another", EURIQA_PROJECT_ID="another")
        assert (settings.api_key, settings.project) == (KEY, "p")

    def test_from_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text(f"{KEY}\r\n")
        settings = read({"platform_api_key_file": str(file)})
        assert settings.api_key == KEY
        assert settings.sources["api-key"] == f"--platform-api-key-file ({file})"
        settings = read({"platform_api_key_file": str(file)}, environment={"PLATFORM_API_KEY": "of the environment"})
        assert settings.api_key == "of the environment"

    @pytest.mark.parametrize(
        ("content", "message"),
        [(None, "No such file or directory"), (b"\xff\xfe", "invalid start byte"), (b" \n", "it is empty")],
        ids=["missing", "no text", "empty"],
    )
    def test_file_that_holds_none(self, tmp_path: Path, content: bytes | None, message: str) -> None:
        file = tmp_path / "key"
        if content is not None:
            file.write_bytes(content)
        where = f"^--platform-api-key-file: the API key cannot be read from {file}: .*{message}"
        with pytest.raises(ConfigurationError, match=where):
            read({"platform_api_key_file": str(file)})

    def test_project_is_needed_with_an_address(self) -> None:
        with pytest.raises(ConfigurationError, match="but there is no project: set --platform-project, platform_proj"):
            read({"platform_url": URL}, environment={"PLATFORM_API_KEY": KEY})

    def test_is_shown_nowhere(self) -> None:
        settings = self.read(KEY)
        assert KEY not in repr(settings)
        assert KEY not in to_json(settings.to_journal())


class TestJournal:
    def test_comes_back_as_it_was(self) -> None:
        settings = read(
            {
                "platform_report": True,
                "platform_url": URL,
                "platform_project": "p",
                "platform_tag": ["a", "b"],
                "platform_shard": "2/5",
                "platform_artifact": ["screenshot:*.png"],
            },
            environment={"PLATFORM_API_KEY": KEY},
        )
        journaled = json.loads(to_json(settings.to_journal()))
        assert Settings.from_journal(journaled) == Settings(**{**vars(settings), "api_key": "", "sources": {}})

    def test_defaults_come_back(self) -> None:
        journaled = json.loads(to_json(read({"platform_report": True}).to_journal()))
        assert Settings.from_journal(journaled).spool == BASE / "root" / ".platform-report"

    def test_fields_of_later_versions_are_passed_over(self) -> None:
        journaled = {**Settings().to_journal(), "of_tomorrow": 1}
        assert Settings.from_journal(journaled) == Settings(enabled=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (URL, f"{URL}/api"),
        (f"{URL}/", f"{URL}/api"),
        (f"{URL}/api", f"{URL}/api"),
        (f"{URL}/api//", f"{URL}/api"),
        (f"{URL}/tests/", f"{URL}/tests/api"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/api"),
        ("http://[::1]:8000", "http://[::1]:8000/api"),
    ],
)
def test_address_ends_in_api(given: str, expected: str) -> None:
    settings = read({"platform_url": given}, environment={"PLATFORM_API_KEY": KEY, "PLATFORM_PROJECT": "p"})
    assert settings.url == expected
    assert settings.destination == f"{expected.removesuffix('/api')}, project p"


def test_destination_without_an_address() -> None:
    assert read().destination == "embedded platform in /base/root/.platform-report"


def test_shards_know_each_other_by_build_and_key() -> None:
    build = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "7"}
    keys = {
        Settings(project=project, run_key=run_key).joint_key(environment)
        for project in ("p", "q")
        for run_key in ("", "py3.10", "py3.14")
        for environment in ({}, build, {**build, "GITHUB_RUN_ATTEMPT": "2"})
    }
    assert len(keys) == 2 * 3 * 3 - 1
    assert Settings(project="p").joint_key({}) == ""
    assert all(is_run_key(key) for key in keys if key)
