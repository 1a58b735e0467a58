"""Keys, webhooks, teams and projects: what their endpoints keep to beyond who may call them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Table, func, select, update

from end_to_end.waiting import wait_for
from platform_report_server import ids
from platform_report_server.auth import keys
from platform_report_server.auth.signing import load_signer
from platform_report_server.clock import iso
from platform_report_server.db.schema import api_key, metadata, webhook
from platform_report_server.ingest.projects import delete_project
from platform_report_server.ingest.webhooks import SECRET
from platform_report_server.ingest.writer import Write
from platform_report_server.settings import Settings
from server.cast import Cast, casting, with_key
from server.support import KEY, PNG, PROJECT, Api, checked, in_store, refused, serving

pytestmark = pytest.mark.both_stores
MINUTE = 60_000


@pytest.fixture
def cast(settings: Settings, url: str) -> Iterator[Cast]:
    with casting(settings, url) as cast:
        yield cast


def test_a_key_is_shown_once_and_kept_as_a_hash(cast: Cast, folder: Path) -> None:
    key = cast.new_key(cast.new_project(), "member")
    assert len(key) == len("prk_live_") + 43
    assert not any(key.encode() in path.read_bytes() for path in folder.glob("platform.db*"))


def test_a_key_is_switched_off_and_on_at_once(cast: Cast, settings: Settings) -> None:
    project_id = cast.new_project()
    key = with_key(cast.new_key(project_id, "member"))
    (listed,) = checked(cast.owner.get("/api/api-keys", params={"projectId": project_id}), 200)["data"]
    place = f"/api/api-keys/{listed['id']}"

    def ask() -> httpx.Response:
        return cast.http.get("/api/runs", params={"projectId": project_id}, headers=key)

    checked(ask(), 200)
    checked(cast.owner.patch(place, json={"isActive": False}), 200)
    assert "switched off" in refused(ask(), 401, "UNAUTHORIZED")
    checked(cast.owner.patch(place, json={"isActive": True}), 200)
    checked(ask(), 200)
    in_store(settings, partial(_change, table=api_key, expires_at=1))
    checked(cast.owner.patch(place, json={"isActive": True}), 200)
    assert "has expired" in refused(ask(), 401, "UNAUTHORIZED")
    checked(cast.owner.delete(place), 200)
    assert "not known here" in refused(ask(), 401, "UNAUTHORIZED")


def test_the_use_of_a_key_is_noted_once_a_minute(cast: Cast, settings: Settings) -> None:
    project_id = cast.new_project()
    key = with_key(cast.new_key(project_id, "member"))
    asked = {"projectId": project_id}

    def listed() -> Any:
        return checked(cast.owner.get("/api/api-keys", params=asked), 200)["data"][0]

    def use_after(past: int) -> Any:
        def age(write: Write) -> int:
            before = write.now - past
            write.connection.execute(update(api_key).values(last_used_at=before))
            return before

        before = in_store(settings, age)
        checked(cast.owner.patch(f"/api/api-keys/{listed()['id']}", json={"isActive": True}), 200)  # looked up anew
        checked(cast.http.get("/api/runs", params=asked, headers=key), 200)
        return listed()["lastUsedAt"] != iso(before)

    assert listed()["lastUsedAt"] is None
    checked(cast.http.get("/api/runs", params=asked, headers=key), 200)
    assert listed()["lastUsedAt"] is not None
    assert not use_after(MINUTE // 2)
    assert use_after(2 * MINUTE)


def test_nobody_makes_a_key_that_is_stronger_than_themselves(cast: Cast) -> None:
    project_id = cast.new_project()
    body = {"projectId": project_id, "name": "CI", "role": "owner"}
    admin = cast.people["admin"]
    too_strong = cast.http.post("/api/api-keys", json=body, headers=admin)
    assert "stronger role" in refused(too_strong, 403, "FORBIDDEN", "role")
    owned = checked(cast.owner.post("/api/api-keys", json=body), 201)
    place = f"/api/api-keys/{owned['id']}"
    checked(cast.http.patch(place, json={"isActive": False}, headers=admin), 200)
    refused(cast.http.patch(place, json={"isActive": True}, headers=admin), 403, "FORBIDDEN", "role")
    key = checked(cast.http.post("/api/api-keys", json=body | {"role": "admin"}, headers=admin), 201)["key"]
    refused(cast.http.post("/api/api-keys", json=body, headers=with_key(key)), 403, "FORBIDDEN", "role")
    for expires_at in ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "2099-01-01T00:00:00", "tomorrow"):
        late = cast.owner.post("/api/api-keys", json=body | {"expiresAt": expires_at})
        refused(late, 400, "VALIDATION_ERROR", "expiresAt")


def test_what_is_a_secret_is_not_kept_for_a_second_answer(cast: Cast, folder: Path) -> None:
    project_id = cast.new_project()
    once = {"Idempotency-Key": "once"}
    for path, body, secret in (
        ("/api/api-keys", {"projectId": project_id, "name": "CI"}, "key"),
        ("/api/team-members", {"teamId": cast.team, "email": "new@example.com", "role": "viewer"}, "url"),
    ):
        made = checked(cast.owner.post(path, json=body, headers=once), 201)
        assert "shown once" in refused(cast.owner.post(path, json=body, headers=once), 400, "VALIDATION_ERROR")
        token = made[secret].rpartition("/")[2]
        assert not any(token.encode() in file.read_bytes() for file in folder.glob("platform.db*"))
    assert len(checked(cast.owner.get("/api/api-keys", params={"projectId": project_id}), 200)["data"]) == 1
    new = {"name": "Once", "teamId": cast.team}
    first, second = (checked(cast.owner.post("/api/projects", json=new, headers=once), 201) for _ in range(2))
    assert first == second


def test_keys_of_the_settings_make_their_project_and_those_of_the_store_do_not(
    api: Api, cast: Cast, settings: Settings
) -> None:
    api.new_run()
    assert api.get(f"/api/projects/{PROJECT}")["name"] == PROJECT
    (team,) = api.get("/api/teams")["data"]
    assert team["name"] == "Default"
    assert [each["id"] for each in api.get("/api/projects", teamId=team["id"])["data"]] == [PROJECT]
    refused(api.http.post("/api/teams", json={"name": "nobody's"}), 403, "FORBIDDEN")

    project_id = cast.new_project()
    key = with_key(cast.new_key(project_id, "member"))
    checked(cast.http.get("/api/runs", params={"projectId": project_id}, headers=key), 200)
    in_store(settings, partial(delete_project, project_id=ids.decode("proj", project_id) or 0))
    late = cast.http.post("/api/runs", json={"projectId": project_id, "status": "running"}, headers=key)
    assert late.status_code in (401, 404)  # whether the key is looked up again or was a moment ago
    refused(cast.owner.get(f"/api/projects/{project_id}"), 404, "NOT_FOUND")


def _change(write: Write, table: Table, **values: object) -> None:
    write.connection.execute(update(table).values(**values))


def test_the_store_keeps_an_owner_of_each_team(cast: Cast) -> None:
    members = checked(cast.owner.get("/api/team-members", params={"teamId": cast.team}), 200)["data"]
    place = {each["role"]: f"/api/team-members/{each['id']}" for each in members}
    assert list(place) == ["owner", "viewer", "member", "admin"]
    admin = cast.people["admin"]
    for response in (
        cast.http.patch(place["owner"], json={"role": "viewer"}, headers=admin),
        cast.http.delete(place["owner"], headers=admin),
        cast.http.patch(place["viewer"], json={"role": "owner"}, headers=admin),
    ):
        refused(response, 403, "FORBIDDEN", "role")
    refused(cast.owner.patch(place["owner"], json={"role": "admin"}), 400, "VALIDATION_ERROR", "role")
    refused(cast.owner.delete(place["owner"]), 400, "VALIDATION_ERROR", "role")
    assert checked(cast.owner.patch(place["viewer"], json={"role": "owner"}), 200)["role"] == "owner"
    checked(cast.owner.delete(place["owner"]), 200)
    refused(cast.owner.get("/api/team-members", params={"teamId": cast.team}), 403, "FORBIDDEN")
    for body, field in (
        ({"role": "owner"}, "role"),
        ({"email": "nobody"}, "email"),
        ({"email": "admin@example.com"}, "email"),
        ({"teamId": cast.other_team}, None),
    ):
        said = {"teamId": cast.team, "email": "a@example.com", "role": "viewer"} | body
        response = cast.http.post("/api/team-members", json=said, headers=admin)
        refused(response, 400 if field else 404, "VALIDATION_ERROR" if field else "NOT_FOUND", field)


WRONG: list[tuple[str, Any, str]] = [
    ("url", "ftp://example.com", "regex"),
    ("url", "https://user:password@example.com", "regex"),
    ("url", "https://exam ple.com", "regex"),
    ("url", "https://example.com/\r\nX: y", "regex"),
    ("url", "https://[::1", "expected an http"),
    ("url", "https://:80/", "expected an http"),
    ("url", "https://example.com:99999/", "expected an http"),
    ("url", "https://example.com/" + "x" * 2000, "length"),
    ("events", [], "length"),
    ("events", ["run.started"], "enum"),
    ("headers", {"X-A": "b\r\nX-C: d"}, "regex"),
    ("headers", {"X A": "b"}, "regex"),
    ("headers", {"": "b"}, "regex"),
    ("headers", {"Host": "b"}, "is set by this server"),
    ("headers", {"X-Webhook-Signature": "b"}, "is set by this server"),
    ("headers", {"X-A": "b", "x-a": "c"}, "twice"),
    ("headers", {f"X-{each}": "b" for each in range(21)}, "length"),
    ("headers", {"X-A": "b" * 1001}, "length"),
    ("secret", "", "length"),
    ("secret", "x" * 201, "length"),
]


def test_webhooks_are_checked(api: Api) -> None:
    body = {"projectId": PROJECT, "url": "https://example.com/hook", "events": ["run.failed", "run.failed"]}
    made = checked(api.http.post("/api/webhooks", json=body), 201)
    assert made["events"] == ["run.failed"]
    for field, value, words in WRONG:
        message = refused(api.http.post("/api/webhooks", json=body | {field: value}), 400, "VALIDATION_ERROR")
        assert words in message, (field, value)
        refused(api.http.patch(f"/api/webhooks/{made['id']}", json={field: value}), 400, "VALIDATION_ERROR")


def test_secrets_of_webhooks_are_sealed(api: Api, settings: Settings, folder: Path) -> None:
    secrets = {"headers": {"Authorization": "Bearer of-the-hook"}, "secret": "whsec_of-the-hook"}
    body = {"projectId": PROJECT, "url": "https://example.com/hook", "events": ["run.failed"]}
    made = checked(api.http.post("/api/webhooks", json=body | secrets), 201)
    (listed,) = api.get("/api/webhooks", projectId=PROJECT)["data"]
    assert listed["headers"] == secrets["headers"]
    assert "secret" not in listed

    def kept(write: Write) -> Any:
        return write.connection.execute(select(webhook.c.secret)).scalar_one()

    signer = load_signer(settings.signing_key, nullcontext)
    assert signer.unseal(SECRET, in_store(settings, kept)) == secrets["secret"]
    assert not any(b"of-the-hook" in path.read_bytes() for path in folder.glob("platform.db*"))
    checked(api.http.patch(f"/api/webhooks/{made['id']}", json={"secret": None, "headers": None}), 200)
    assert in_store(settings, kept) is None
    assert api.get("/api/webhooks", projectId=PROJECT)["data"][0]["headers"] == {}


def test_a_deleted_project_leaves_nothing(cast: Cast, settings: Settings, folder: Path) -> None:
    project_id, other_id = cast.new_project(), cast.new_project("Beside")
    theirs = Api(cast.owner, other_id)
    theirs.new_test(theirs.new_run())
    ours = Api(cast.owner, project_id)
    for _ in range(21):
        run = ours.new_run()
    ours.new_test(run, status="failed", error={"message": "no"})
    ours.end_run(run)
    ours.upload(run, content=PNG)
    ours.http.post("/api/runs", json={"projectId": project_id, "status": "running"}, headers={"Idempotency-Key": "x"})
    key = with_key(cast.new_key(project_id, "owner"))
    body = {"projectId": project_id, "url": "https://example.com/hook", "events": ["run.failed"]}
    checked(cast.owner.post("/api/webhooks", json=body), 201)

    def rows(write: Write) -> dict[str, int]:
        number = ids.decode("proj", project_id)
        tables = [table for table in metadata.sorted_tables if "project_id" in table.c]
        counted = {
            table.name: write.connection.execute(
                select(func.count()).select_from(table).where(table.c.project_id == number)
            ).scalar_one()
            for table in tables
        }
        return {name: count for name, count in counted.items() if count}

    assert {"run", "result", "detail", "test_case", "artifact", "api_key", "webhook"} <= in_store(settings, rows).keys()
    checked(cast.http.delete(f"/api/projects/{project_id}", headers=key), 200)
    assert in_store(settings, rows) == {}
    assert not [path for path in (folder / "artifacts").rglob("*") if path.is_file()]
    refused(cast.owner.get(f"/api/projects/{project_id}"), 404, "NOT_FOUND")
    refused(cast.http.get("/api/runs", params={"projectId": project_id}, headers=key), 401, "UNAUTHORIZED")
    assert theirs.get("/api/runs", projectId=other_id)["total"] == 1


def test_keys_of_another_process_are_known(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_KEPT_SECONDS", 300)
    monkeypatch.setattr(keys, "_AHEAD_SECONDS", 300)
    with casting(settings, url) as cast, serving(replace(settings, key_hashes={})) as other:
        project_id = cast.new_project()
        key = cast.new_key(project_id, "viewer")
        asked = f"{other}/api/runs?projectId={project_id}"
        checked(httpx.get(asked, headers=with_key(key)), 200)
        refused(httpx.get(asked, headers=with_key(KEY)), 401, "UNAUTHORIZED")
        (listed,) = checked(cast.owner.get("/api/api-keys", params={"projectId": project_id}), 200)["data"]
        checked(cast.owner.delete(f"/api/api-keys/{listed['id']}"), 200)
        # whoever uses it has it looked up meanwhile
        wait_for(lambda: httpx.get(asked, headers=with_key(key)).status_code == 401, "the other process knows of it")
