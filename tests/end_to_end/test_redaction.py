"""Secrets that tests come across are in nothing that is kept, sent or said."""

from __future__ import annotations

from end_to_end.platforms import Target
from end_to_end.readback import read_run
from end_to_end.sessions import Project
from end_to_end.test_secrets import holders

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

_COMES_ACROSS = """
    import logging
    import os
    import sys

    import pytest

    from pytest_platform_report import attach, step

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

    def test_files():
        attach(b"content", name=ALL[:200])

    def test_skipped():
        pytest.skip(ALL)

    @pytest.mark.xfail(reason=ALL)
    def test_expected():
        assert 0

    def test_dies():
        print(ALL, flush=True)
        os._exit(3)
"""


def test_canaries(target: Target, project: Project, workers: int) -> None:
    project.write("test_it.py", _COMES_ACROSS.format(canaries=_CANARIES))
    project.write("test_broken.py", f"raise RuntimeError({_TOKEN!r})\n")
    project.write("pytest.ini", "[pytest]\nplatform_redact = pin=([\\w-]+)\n")
    project.environment |= {
        "SERVICE_PASSWORD": _OF_THE_ENVIRONMENT,
        "DATABASE_URL": "postgres://me:canary-of-an-address@db/it",
    }
    title = f"--platform-run-title={_OF_THE_ENVIRONMENT}"
    project.run("-l", "--continue-on-collection-errors", "-k", f"not {_TOKEN}cc", title, workers=workers)
    project.wait_for_uploader()
    run = read_run(target)
    assert len(run.tests) == 10
    assert run.test("test_dies")["stdout"].startswith("[redacted] [redacted] [redacted] {'Authorization': '[redacted]'")
    for canary in _CANARIES:
        assert canary not in repr(run), canary
        assert holders(project.spool, canary) == [], canary
