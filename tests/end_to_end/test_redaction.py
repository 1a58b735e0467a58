"""Secrets that tests come across are in nothing that is kept, sent or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project, finish
from end_to_end.test_secrets import holders
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered

_OF_THE_ENVIRONMENT = "canary-of-the-environment"
_TOKEN = "ghp_" + 36 * "c"
_CANARIES = (
    _OF_THE_ENVIRONMENT,
    "canary-of-an-address",
    _TOKEN,
    "canary-of-a-header",
    "canary-of-a-cookie",
    "canary-in-a-url",
    "canary-of-a-pattern",
)

_TESTS = 14

_COMES_ACROSS = """
    import logging
    import os
    import sys

    import allure
    import pytest

    from pytest_platform_report import annotate, attach, link, step, tag, title

    CANARIES = {canaries!r}
    HEADERS = {{"Authorization": CANARIES[3], "Cookie": "id=" + CANARIES[4]}}
    ALL = " ".join([*CANARIES[:3], str(HEADERS), f"https://me:{{CANARIES[5]}}@host/", f"pin={{CANARIES[6]}}"])

    @pytest.fixture
    def broken():
        yield
        raise OSError(ALL)

    @pytest.mark.parametrize("value", [ALL], ids=[ALL])
    def test_parameter(value): pass

    def test_output(record_property):
        print(ALL)
        print(ALL, file=sys.stderr)
        logging.getLogger().warning(ALL)
        record_property("seen", ALL)

    def test_comparison():
        assert ALL == "nothing"

    def test_locals(broken):
        local = ALL
        raise ValueError(local)

    def test_steps():
        with step(ALL):
            raise KeyError(ALL)

    def test_files(tmp_path):
        for number, canary in enumerate(CANARIES[:3]):
            attach(b"content", name=f"{{canary}}-{{number}}.txt")
            path = tmp_path / f"{{canary}}.txt"
            path.write_text("content")
            attach(path)
            path.unlink()
            attach(path)

    def test_notes():
        title(ALL)
        tag(ALL)
        annotate(ALL, ALL)
        link(f"https://me:{{CANARIES[5]}}@host/", ALL)

    @allure.title(ALL)
    @allure.tag(ALL)
    @allure.link(f"https://me:{{CANARIES[5]}}@host/", name=ALL)
    @allure.description(ALL)
    def test_allure():
        with allure.step(ALL):
            allure.attach("content", name=CANARIES[2])
        allure.dynamic.parameter("seen", ALL)

    def test_logs_an_exception():
        try:
            raise ValueError(ALL)
        except ValueError:
            logging.getLogger(ALL).exception("failed with %s", ALL)

    def test_chain(subtests):
        with subtests.test(ALL, seen=ALL):
            pass
        try:
            raise KeyError(ALL)
        except KeyError as error:
            raise RuntimeError({{"headers": HEADERS}}) from error

    def test_skipped():
        pytest.skip(ALL)

    @pytest.mark.xfail(reason=ALL)
    def test_expected():
        assert 0

    def test_dies():
        print(ALL, flush=True)
        os._exit(3)
"""


@pytest.fixture
def secretive(target: Target, project: Project) -> Project:
    """A project whose tests come across the canaries in every place that there is."""
    project.write("test_it.py", _COMES_ACROSS.format(canaries=_CANARIES))
    project.write("test_broken.py", f"raise RuntimeError({_TOKEN!r})\n")
    project.write("pytest.ini", "[pytest]\nplatform_redact = pin=([\\w-]+)\n")
    project.environment |= {
        "SERVICE_PASSWORD": _OF_THE_ENVIRONMENT,
        "DATABASE_URL": "postgres://me:canary-of-an-address@db/it",
        "CI_COMMIT_MESSAGE": _TOKEN,
    }
    target.gate.canaries = tuple(canary.encode() for canary in _CANARIES)
    return project


@pytest.mark.parametrize("target", ["served", "plain"], indirect=True)
def test_canaries(target: Target, secretive: Project, workers: int) -> None:
    arguments = [
        "-l",
        "--continue-on-collection-errors",
        "-k",
        f"not {_TOKEN}cc",
        f"--platform-run-title={_OF_THE_ENVIRONMENT}",
        f"--platform-tag={_TOKEN}",
    ]
    target.will(Fault("held", path="/api/runs"))
    session = secretive.start(*arguments, workers=workers)
    wait_for(target.gate.is_held.is_set, "the run was asked for")
    told = Path(f"/proc/{secretive.status()['process']['pid']}/cmdline").read_bytes()
    target.gate.release()
    ended = finish(session)
    secretive.wait_for_uploader()
    run = read_run(target)
    assert len(run.tests) == _TESTS
    if workers:  # else the last test ends the session
        assert f"{_TESTS} tests run, {_TESTS} acknowledged" in ended.out
    died = run.test("test_dies")
    assert died["stdout"].startswith("[redacted] [redacted] [redacted] {'Authorization': '[redacted]'")
    said = ended.out.partition("= platform report =")[2]
    for canary in _CANARIES:
        assert canary not in repr(run), canary
        assert canary.encode() not in told, canary
        assert canary not in said.partition("short test summary")[0], canary
        assert holders(secretive.spool, canary) == [], canary
        assert holders(target.folder, canary) == [], canary
    assert target.gate.leaks == []
