"""What watches over a server: probes, metrics, the access log; and how it ends."""

from __future__ import annotations

import re
import signal
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from platform_report_server import ids
from platform_report_server.access_log import AccessLog, Entry
from platform_report_server.auth.tokens import digest
from platform_report_server.db._migrate import HEAD
from platform_report_server.errors import SettingsError
from platform_report_server.settings import LOOPBACK_NAMES, Settings
from server.cast import casting, with_key
from server.process import process
from server.support import KEY, PNG, PROJECT, Api, checked, refused, serving, with_store

TOKEN = "the-token-of-the-metrics"
_LINE = re.compile(r"(?P<name>[a-z_]+)(?P<labels>\{.*\})? (?P<value>[-+.e\d]+)")


@pytest.mark.both_stores
def test_probes_and_metrics(settings: Settings) -> None:
    settings = replace(settings, host_names=LOOPBACK_NAMES, metrics_token=digest(TOKEN))
    with serving(settings) as url, httpx.Client(base_url=url) as anybody, casting(settings, url) as cast:
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            api = Api(http)
            run = api.new_run()
            api.bulk([api.test_body(run)] * 3)
            api.upload(run)
            refused(http.get("/api/runs/run_of_nobody"), 404, "NOT_FOUND")
        by_address = {"Host": "10.0.0.7:8484"}
        assert checked(anybody.get("/healthz", headers=by_address), 200) == {"status": "ok"}
        assert checked(anybody.get("/readyz", headers=by_address), 200) == {"status": "ready"}

        measured = {line["name"] + (line["labels"] or ""): float(line["value"]) for line in _read(anybody)}
        assert measured['platform_report_requests_total{route="/api/tests/bulk",method="POST",status="2xx"}'] == 1
        assert measured['platform_report_requests_total{route="/api/runs/{run_id}",method="GET",status="4xx"}'] == 1
        assert measured['platform_report_request_seconds_bucket{route="/api/tests/bulk",le="+Inf"}'] == 1
        assert measured["platform_report_results"] == 3
        assert measured["platform_report_artifact_bytes"] == len(PNG)
        assert measured["platform_report_open_runs"] == 1
        assert measured["platform_report_store_bytes"] > 100_000
        assert measured["platform_report_writes_waiting"] == 0

        refused(anybody.get("/metrics", headers=by_address), 403, "FORBIDDEN")
        passed_on = {"X-Forwarded-For": "10.0.0.7"}
        refused(anybody.get("/metrics", headers=passed_on), 401, "UNAUTHORIZED")
        for authorization, status in ((f"Bearer {TOKEN}", 200), ("Bearer wrong", 401), (TOKEN, 401)):
            headers = passed_on | {"Authorization": authorization}
            assert anybody.get("/metrics", headers=headers).status_code == status
        for role, status in (("owner", 200), ("admin", 403)):
            key = with_key(cast.new_key(cast.new_project(), role))  # type: ignore[arg-type]
            assert anybody.get("/metrics", headers=passed_on | key).status_code == status

    with serving(settings) as url:
        with_store(settings, "UPDATE alembic_version SET version_num = '1000'")
        assert "has schema revision '1000'" in _unready(httpx.get(f"{url}/readyz"))
    with_store(settings, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    with serving(settings) as url:
        with_store(settings, "UPDATE alembic_version SET version_num = '0999'")  # a newer version has migrated it
        assert httpx.get(f"{url}/readyz").status_code == 200


def _read(http: httpx.Client) -> list[re.Match[str]]:
    response = http.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    found = [line for line in map(_LINE.fullmatch, lines) if line]
    assert len(found) == len(lines)
    return found


def _unready(response: httpx.Response) -> str:
    message: str = checked(response, 503)["error"]["message"]
    return message


def test_the_access_log(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    settings = replace(settings, access_log=log)
    with serving(settings) as url, casting(settings, url) as cast:
        with httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            artifact = Api(http).upload(Api(http).new_run())
            answered = http.get(artifact["url"], headers={"X-Request-Id": "from-the-proxy.1"})
            http.request("PROPFIND", "/pot?secret=1", headers={"X-Request-Id": "not fit for a log"})
        project = cast.new_project()
        key = cast.new_key(project, "viewer")
        cast.http.get("/api/runs", params={"projectId": project}, headers=with_key(key))
    moved = log.rename(tmp_path / "access.log.1")
    entries = [msgspec.json.decode(line, type=Entry) for line in moved.read_bytes().splitlines()]
    by_route = {entry.route: entry for entry in entries}
    uploaded = by_route["/api/upload"]
    assert (uploaded.method, uploaded.status, uploaded.project, uploaded.key) == ("POST", 200, PROJECT, None)
    assert uploaded.ms > 0
    sent = by_route["/api/artifacts/{artifact_id}/content"]
    assert (sent.request_id, sent.bytes, sent.project) == ("from-the-proxy.1", len(PNG), None)
    assert answered.headers["x-request-id"] == sent.request_id
    assert (by_route["(none)"].status, len(by_route["(none)"].request_id)) == (404, 16)
    user = by_route["/api/api-keys"].user
    assert user is not None
    assert ids.decode("user", user) is not None
    listed = by_route["/api/runs"]
    assert (listed.project, listed.user, listed.key is not None) == (project, None, True)
    written = moved.read_text()
    for secret in (KEY, key, "secret", "signature", artifact["url"].rpartition("signature=")[2]):
        assert secret not in written
    with pytest.raises(SettingsError, match="the access log cannot be written: Is a directory"):
        AccessLog(tmp_path)


def test_what_is_in_flight_is_finished(settings: Settings) -> None:
    with process(settings) as (server, link):
        place = urlsplit(link)
        with httpx.Client(base_url=f"http://{place.netloc}", headers={"X-API-Key": KEY}) as http:
            run = Api(http).new_run()
            body = http.build_request(
                "POST",
                "/api/upload",
                files={"file": ("shot.png", PNG)},
                data={"type": "screenshot", "runId": run["id"], "projectId": PROJECT},
            )
            content = body.read()
        head = "".join(f"{name}: {value}\r\n" for name, value in body.headers.items() if name != "connection")
        with socket.create_connection((place.hostname or "", place.port or 0)) as upload:
            upload.sendall(f"POST /api/upload HTTP/1.1\r\n{head}\r\n".encode() + content[:50])
            httpx.get(f"http://{place.netloc}/healthz")  # what was sent before is read before
            server.send_signal(signal.SIGTERM)
            while True:  # until nobody new is let in
                try:
                    socket.create_connection((place.hostname or "", place.port or 0)).close()
                except ConnectionError:
                    break
            upload.sendall(content[50:])
            answer = upload.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert server.communicate(timeout=30)[0] == "ended\n"
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
        assert len(Api(http).get("/api/artifacts", runId=run["id"])["data"]) == 1
