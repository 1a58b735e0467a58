"""The published examples of the reporting API, sent as they stand and answered in their shape."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from platform_report_server.settings import Settings
from server.cast import Cast, casting, with_key
from server.published import PATCH, RUN, TEST
from server.support import PNG, PROJECT, Api, checked

pytestmark = pytest.mark.both_stores

RUN_LISTED = """id projectId status branch commitSha totalTests passedTests failedTests skippedTests flakyTests passRate
duration createdAt"""
RUN_SHOWN = f"""{RUN_LISTED} commitMessage commitAuthor ciProvider ciBuildId ciBuildUrl playwrightVersion workers
shardCurrent shardTotal browser os viewport hostname runTitle tags updatedAt"""
TEST_LISTED = "id runId title fullTitle filePath status duration isFlaky error createdAt"
TEST_SHOWN = f"{TEST_LISTED} projectId lineNumber retries attempt tags annotations stdout stderr"


def test_a_run_from_its_beginning_to_its_end(api: Api) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    assert run.items() >= RUN.items()
    assert {"id", "createdAt", "updatedAt"} <= run.keys()

    test = checked(api.http.post("/api/tests", json=TEST | {"runId": run["id"]}), 201)
    assert test.keys() == _names("id runId projectId title fullTitle status duration isFlaky createdAt")
    shown = api.get(f"/api/tests/{test['id']}")
    assert shown.keys() == _names(f"{TEST_SHOWN} isQuarantined")
    assert shown.items() >= {name: value for name, value in TEST.items() if name != "steps"}.items()
    assert api.get(f"/api/tests/{test['id']}/steps") == {"data": TEST["steps"]}

    changed = checked(api.http.patch(f"/api/runs/{run['id']}", json=PATCH), 200)
    assert changed.keys() == {"id", "updatedAt"} | PATCH.keys()
    final = api.get(f"/api/runs/{run['id']}")
    assert final.keys() >= _names(RUN_SHOWN)
    assert final.items() >= (RUN | PATCH | {"passRate": 97.18}).items()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/api/runs?projectId=proj_abc123&status=failed&limit=10", RUN_LISTED),
        ("/api/tests?projectId=proj_abc123&runId={run}&status=failed", TEST_LISTED),
    ],
)
def test_lists(api: Api, path: str, names: str) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    error = {"message": "Timed out waiting for selector '.dashboard'", "stack": "Error: Timed out..."}
    failed = TEST | {"runId": run["id"], "status": "failed", "error": error}
    checked(api.http.post("/api/tests", json=failed), 201)
    checked(api.http.patch(f"/api/runs/{run['id']}", json=PATCH), 200)
    listed = api.get(path.format(run=run["id"]))
    assert listed.keys() == {"data", "total", "limit", "offset"}
    assert listed["total"] == 1
    assert listed["data"][0].keys() >= _names(names)


def test_history(api: Api) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    test = checked(api.http.post("/api/tests", json=TEST | {"runId": run["id"]}), 201)
    history = api.get(f"/api/tests/{test['id']}/history")
    assert history["total"] == 1
    assert history["data"][0].keys() == _names("runId status duration branch createdAt")


def test_suites(api: Api) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    body = {"runId": run["id"], "projectId": PROJECT, "title": "Login Page", "filePath": "tests/auth/login.spec.ts"}
    suite = checked(api.http.post("/api/test-suites", json=body), 201)
    assert suite.keys() == _names("id runId projectId title filePath parentSuiteId createdAt")
    (branch,) = api.get("/api/test-suites", runId=run["id"], projectId=PROJECT)["data"]
    assert branch.keys() == _names("id title filePath parentSuiteId children")


def test_an_upload(api: Api) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    test = checked(api.http.post("/api/tests", json=TEST | {"runId": run["id"]}), 201)
    files = {
        "file": ("screenshot.png", PNG),
        "type": (None, "screenshot"),
        "runId": (None, run["id"]),
        "testId": (None, test["id"]),
        "projectId": (None, PROJECT),
    }
    artifact = checked(api.http.post("/api/upload", files=files), 200)
    assert artifact.keys() == _names("id type fileName fileSize mimeType url expiresAt createdAt testId thumbnailUrl")
    assert httpx.get(artifact["url"]).content == PNG


def test_flakiness(api: Api) -> None:
    run = checked(api.http.post("/api/runs", json=RUN), 201)
    test = checked(api.http.post("/api/tests", json=TEST | {"runId": run["id"]}), 201)
    body = {"testId": test["id"], "projectId": PROJECT, "isQuarantined": True}
    changed = checked(api.http.post("/api/flakiness", json=body), 200)
    assert changed.keys() == _names("testId isQuarantined updatedAt")
    found = api.get("/api/flakiness", projectId=PROJECT)
    assert found.keys() >= _names("data summary")
    assert found["summary"].keys() == _names("totalFlakyTests quarantinedTests averageFlakinessScore")
    (row,) = found["data"]
    assert row.keys() >= _names(
        "testId testTitle filePath flakinessScore totalRuns flakyRuns lastFlakyAt isQuarantined"
    )
    assert api.get("/api/flakiness?projectId=proj_abc123&minScore=0.3")["data"] == []


def test_settings_of_a_project(cast: Cast) -> None:
    project = cast.new_project()
    with _owner_key(cast, project) as http:
        names = _names("projectId dataRetentionDays flakinessThreshold autoQuarantineEnabled updatedAt")
        place = f"/api/projects/{project}/settings"
        assert checked(http.get(place), 200).keys() == names
        body = {"dataRetentionDays": 180, "flakinessThreshold": 0.5, "autoQuarantineEnabled": False}
        changed = checked(http.patch(place, json=body), 200)
        assert changed.keys() == names
        assert changed.items() >= body.items()


def test_projects(cast: Cast) -> None:
    new = {"name": "Mobile App E2E", "teamId": cast.team}
    project = checked(cast.owner.post("/api/projects", json=new), 201)
    assert project.keys() == _names("id name teamId createdAt updatedAt")
    assert project.items() >= new.items()
    place = f"/api/projects/{project['id']}"
    with _owner_key(cast, project["id"]) as http:
        listed = checked(http.get("/api/projects", params={"teamId": cast.team}), 200)
        assert listed == {"data": [project]}
        assert checked(http.get(place), 200) == project
        renamed = checked(http.patch(place, json={"name": "Web App E2E (Production)"}), 200)
        assert renamed.keys() == _names("id name teamId updatedAt")
        assert renamed["name"] == "Web App E2E (Production)"
        deleted = checked(http.delete(place), 200)
        assert deleted == {"success": True, "message": "Project deleted successfully"}
        assert http.get(place).status_code == 401


def test_teams(cast: Cast) -> None:
    team = checked(cast.owner.post("/api/teams", json={"name": "QA Automation Team"}), 201)
    assert team.keys() == _names("id name createdAt")
    listed = checked(cast.owner.get("/api/teams"), 200)["data"]
    assert [each["name"] for each in listed] == ["Acme Engineering", "QA Automation Team"]
    (owner,) = checked(cast.owner.get("/api/team-members", params={"teamId": team["id"]}), 200)["data"]
    assert owner.keys() == _names("id userId teamId role name email avatarUrl joinedAt")
    assert owner.items() >= {"role": "owner", "name": "Owner", "email": "owner@example.com", "avatarUrl": None}.items()


def test_team_members(cast: Cast) -> None:
    invitation = {"teamId": cast.team, "email": "newmember@example.com", "role": "member"}
    invited = checked(cast.owner.post("/api/team-members", json=invitation), 201)
    assert invited.keys() == _names("id teamId email role status expiresAt createdAt url")
    assert invited.items() >= (invitation | {"status": "pending"}).items()
    assert len(checked(cast.owner.get("/api/team-members", params={"teamId": cast.team}), 200)["data"]) == 4


def test_api_keys(cast: Cast) -> None:
    project = cast.new_project()
    new = {"projectId": project, "name": "GitLab CI", "expiresAt": "2099-12-31T23:59:59Z"}
    with _owner_key(cast, project) as http:
        made = checked(http.post("/api/api-keys", json=new), 201)
        assert made.keys() == _names("id name projectId key isActive expiresAt createdAt role")
        assert made["key"].startswith("prk_live_")
        assert made["expiresAt"] == "2099-12-31T23:59:59.000Z"
        _, listed = checked(http.get("/api/api-keys", params={"projectId": project}), 200)["data"]
        assert listed.keys() == _names("id name projectId maskedKey isActive expiresAt lastUsedAt createdAt role")
        assert listed["maskedKey"] == f"prk_live_****...****{made['key'][-4:]}"
        switched = checked(http.patch(f"/api/api-keys/{made['id']}", json={"isActive": False}), 200)
        assert switched.keys() == _names("id name isActive updatedAt")
        assert switched["isActive"] is False


def test_webhooks(cast: Cast) -> None:
    project = cast.new_project()
    new = {
        "projectId": project,
        "url": "https://hooks.slack.com/services/T00/B00/xxx",
        "events": ["run.completed", "run.failed"],
        "headers": {"X-Custom-Header": "value"},
        "secret": "whsec_your-webhook-secret",
    }
    shown = {name: value for name, value in new.items() if name != "secret"}
    with _owner_key(cast, project) as http:
        made = checked(http.post("/api/webhooks", json=new), 201)
        assert made.keys() == _names("id projectId url events isActive createdAt")
        (listed,) = checked(http.get("/api/webhooks", params={"projectId": project}), 200)["data"]
        assert listed == made | shown
        place = f"/api/webhooks/{made['id']}"
        change = {"url": "https://hooks.slack.com/services/T00/B00/new-url", "events": ["run.failed"], "isActive": True}
        changed = checked(http.patch(place, json=change), 200)
        assert changed.keys() == _names("id url events isActive updatedAt")
        assert changed.items() >= change.items()
        assert checked(http.delete(place), 200) == {"success": True, "message": "Webhook deleted successfully"}
        assert checked(http.get("/api/webhooks", params={"projectId": project}), 200) == {"data": []}


@pytest.fixture
def cast(settings: Settings, url: str) -> Iterator[Cast]:
    with casting(settings, url) as cast:
        yield cast


def _owner_key(cast: Cast, project: str) -> httpx.Client:
    return httpx.Client(base_url=cast.http.base_url, headers=with_key(cast.new_key(project, "owner")))


def _names(text: str) -> set[str]:
    return set(text.split())
