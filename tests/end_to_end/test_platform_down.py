"""The platform cannot be reached while the session runs."""

from __future__ import annotations

import pytest

from end_to_end.platforms import Kind, serving_platform, unused_port
from end_to_end.readback import read_run
from end_to_end.sessions import Project
from end_to_end.waiting import wait_for

pytestmark = pytest.mark.uncovered


@pytest.mark.parametrize("kind", ["served", "plain"])
def test_sync_delivers_later_and_once(project: Project, kind: Kind, workers: int) -> None:
    project.write("test_it.py", "import pytest\n\n@pytest.mark.parametrize('n', range(7))\ndef test_it(n): pass\n")
    port = unused_port()
    project.environment["PLATFORM_URL"] = f"http://127.0.0.1:{port}"
    project.environment["PLATFORM_PROJECT"] = "proj_1"
    project.environment["PLATFORM_API_KEY"] = "the-secret-key-of-project-0001"

    ended = project.run("--platform-drain-timeout=2", workers=workers)
    assert ended.exit == 0
    assert "7 tests run, 0 acknowledged so far" in ended.out
    assert f"it is kept in {project.run_folder}; 'platform-report sync' delivers it" in ended.out
    assert ended.out.count("ConnectError") == 1
    wait_for(lambda: not project.uploader_lives(), "the uploader gave up")

    with serving_platform(kind, project.root / "store", port) as server:
        target = server.target()
        synced = project.command("sync")
        assert synced.exit == 0
        assert f"✓ {project.run_folder.name}: 7 tests, 7 acknowledged" in synced.out
        run = read_run(target)
        assert set(run.outcomes.values()) == {"passed"}
        assert (len(run.tests), run.status) == (7, "passed")
        run.check_totals()

        sent = [request for request in server.gate.requests if request.method != "GET"]
        again = project.command("sync")
        assert again.exit == 0
        assert [request for request in server.gate.requests if request.method != "GET"] == sent
        assert "7 tests, 7 acknowledged" in again.out


def test_nothing_to_deliver_is_said(project: Project) -> None:
    synced = project.command("sync")
    assert (synced.exit, synced.out) == (0, f"{project.spool / 'runs'}: nothing to deliver\n")


def test_a_run_folder_that_is_not_there_is_said(project: Project) -> None:
    synced = project.command("sync", "no-such-run")
    assert synced.exit == 1
    assert "no-such-run: no such run folder, run key or run id" in synced.out
