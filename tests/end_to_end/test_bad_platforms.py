"""What answers is no platform, or takes neither our key nor our project; and journals that we cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.readback import read_run, read_runs
from end_to_end.sessions import Ended, Project

pytestmark = pytest.mark.uncovered

_ALWAYS = 10**6
_HTML = b"<!doctype html><title>Sign in</title>"

ANSWERS = {
    "401": Fault("answer", "", times=_ALWAYS, status=401, body=b'{"error": {"code": "UNAUTHORIZED", "message": "no"}}'),
    "403": Fault("answer", "", times=_ALWAYS, status=403, body=b'{"error": {"code": "FORBIDDEN", "message": "no"}}'),
    "404": Fault("answer", "", times=_ALWAYS, status=404, body=b'{"error": {"code": "NOT_FOUND", "message": "no"}}'),
    "HTML": Fault("answer", "", times=_ALWAYS, status=200, headers={"content-type": "text/html"}, body=_HTML),
    "redirect": Fault("answer", "", times=_ALWAYS, status=302, headers={"location": "https://sso.example/in"}),
}
SAID = {
    "401": "answered 401 UNAUTHORIZED: no (is PLATFORM_API_KEY a key of this project?",
    "403": "answered 403 FORBIDDEN: no (is PLATFORM_API_KEY a key of this project?",
    "404": "answered 404 NOT_FOUND: no",
    "HTML": "answered 200 with text/html where JSON with",
    "redirect": "answered 302, a redirect to https://sso.example/in",
}


def write_suite(project: Project) -> None:
    project.write("test_it.py", "def test_one(): pass\ndef test_two(): pass\n")


def section(ended: Ended) -> list[str]:
    """Return the lines of the summary section."""
    head, _, rest = ended.out.partition(" platform report ===")
    assert head != ended.out, ended.out
    lines = rest.splitlines()[1:]
    end = next(number for number, line in enumerate(lines) if line.startswith("==="))
    return [line for line in lines[:end] if line]


def check_kept_and_delivered_later(target: Target, project: Project) -> None:
    synced = project.command("sync")
    assert synced.exit == 0
    assert "2 tests, 2 acknowledged" in synced.out
    run = read_run(target)
    assert set(run.outcomes.values()) == {"passed"}
    run.check_totals()


@pytest.mark.parametrize("name", ANSWERS)
def test_the_session_is_untouched_and_says_it_in_one_line(target: Target, project: Project, name: str) -> None:
    write_suite(project)
    target.will(ANSWERS[name])
    # Should it wait for better times, the process would not end in time.
    ended = project.run("--platform-drain-timeout=600")
    assert ended.exit == 0
    receipt, problem, left = section(ended)
    assert receipt == "2 tests run, 0 acknowledged"
    assert SAID[name] in problem
    assert "'platform-report sync' delivers it" in left
    assert read_runs(target) == []

    refused = project.command("sync")
    assert refused.exit == 1
    assert SAID[name] in refused.out

    target.gate.reset()
    check_kept_and_delivered_later(target, project)


def test_a_wrong_key(target: Target, project: Project, workers: int) -> None:
    write_suite(project)
    project.environment["PLATFORM_API_KEY"] = "a-key-that-is-long-enough-and-wrong"
    ended = project.run("--platform-drain-timeout=600", workers=workers)
    assert ended.exit == 0
    receipt, problem, _ = section(ended)
    assert receipt == "2 tests run, 0 acknowledged"
    assert "answered 401 UNAUTHORIZED" in problem
    project.environment["PLATFORM_API_KEY"] = target.key
    check_kept_and_delivered_later(target, project)


def test_a_project_that_the_key_does_not_open(target: Target, project: Project) -> None:
    write_suite(project)
    ended = project.run("--platform-project=proj_299", "--platform-drain-timeout=600")
    assert ended.exit == 0
    assert "answered 403 FORBIDDEN" in section(ended)[1]
    assert project.command("sync").exit == 1


def test_a_platform_that_fails_in_the_middle(target: Target, project: Project) -> None:
    write_suite(project)
    target.will(Fault("answer", path="/api/tests/bulk", times=_ALWAYS, status=401))
    ended = project.run("--platform-drain-timeout=600")
    assert ended.exit == 0
    assert "2 tests run, 0 acknowledged" in section(ended)
    target.gate.reset()
    check_kept_and_delivered_later(target, project)


def test_a_newer_journal_is_refused_and_kept(target: Target, project: Project) -> None:
    write_suite(project)
    target.will(ANSWERS["401"])
    project.run()
    target.gate.reset()
    (journal,) = (project.run_folder / "journal").iterdir()
    rewrite(journal, '"v":1,', '"v":99,')
    kept = journal.read_bytes()
    (project.run_folder / "delivery.sqlite").unlink()

    synced = project.command("sync")
    assert synced.exit == 1
    assert f"{journal}: format 99, but this pytest-platform-report reads formats up to 1" in synced.out
    assert "update pytest-platform-report" in synced.out
    assert journal.read_bytes() == kept
    assert target.gate.requests == []

    rewrite(journal, '"v":99,', '"v":1,')
    check_kept_and_delivered_later(target, project)


def rewrite(path: Path, before: str, after: str) -> None:
    content = path.read_text()
    assert before in content
    path.write_text(content.replace(before, after))
