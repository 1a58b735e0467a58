"""The command ``platform-report``, as a person types it."""

from __future__ import annotations

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from end_to_end.gate import Fault
from end_to_end.platforms import Target
from end_to_end.sessions import Project, finish, read_until
from end_to_end.waiting import wait_for

_SUITE = """
    import pytest

    from pytest_platform_report import step

    class TestCart:
        def test_passes(self): pass

        def test_fails(self):
            with step("add it up"):
                assert 1 + 1 == 3

    @pytest.mark.skip(reason="not now")
    def test_skipped(): pass
"""

_KEY = "a-key-that-is-long-enough"

embedded = pytest.mark.parametrize("target", ["embedded"], indirect=True)


@pytest.mark.parametrize("target", ["embedded", "served", "plain"], indirect=True)
def test_show(target: Target, project: Project) -> None:
    project.write("test_cart.py", _SUITE)
    project.run("--platform-run-title=nightly")
    shown = project.command("show")
    assert shown.exit == 0
    head, counts, *rest = shown.out.splitlines()
    assert head.startswith("✗ failed  run_")
    assert "nightly" in head
    assert counts == "3 tests: 1 passed, 1 failed, 1 skipped, 0 flaky; 1 worker"
    assert (target.kind != "plain") == rest[0].startswith("$ pytest -p no:cacheprovider ")
    body = "\n".join(rest)
    assert "  test_cart  ✓ 1 ✗ 1 - 1\n    - test_skipped  " in body
    assert re.search(
        r"✗ test_cart > TestCart > test_fails  test_\w+\n    test_cart\.py:\d+\n(?:    .*\n)*? +✗ .*add it up", body
    )
    assert "    assert (1 + 1) == 3" in body
    assert "test_passes" not in body
    assert "✓ test_passes" in project.command("show", "--all").out

    run_id = head.split()[2]
    assert project.command("show", run_id).out == shown.out
    if target.kind != "embedded":
        address = f"{target.address}/runs/{run_id}\n"
        assert project.command("open", "--print").out == address
        assert project.command("open", "--print", run_id).out == address
    if target.kind == "embedded":
        written = project.command("export", "--run", run_id)
        assert (written.exit, written.out) == (0, f"nightly-{run_id}.html\n")
        assert "assert (1 + 1) == 3" in (project.root / written.out.strip()).read_text()
    missing = project.command("show", "run_of_nobody")
    assert missing.exit == 1
    assert "404" in missing.out
    assert "Traceback" not in missing.out


@embedded
def test_show_before_the_first_run(target: Target, project: Project) -> None:
    shown = project.command("show")
    assert shown.exit == 1
    assert "no run is kept here: 'pytest --platform-report' makes one" in shown.out
    assert "platform.db: there is no store" in project.command("export").out
    for arguments in (("open",), ("open", "run_0")):
        refused = project.command(*arguments)
        assert refused.exit == 1
        assert "no run is kept here: 'pytest --platform-report' makes one" in refused.out
    assert not project.spool.exists()


def test_doctor_shows_values_and_where_they_come_from(target: Target, project: Project) -> None:
    project.write("pytest.ini", "[pytest]\nplatform_report = true\nplatform_tag =\n    nightly\n    smoke\n")
    told = project.command("doctor", "--platform-spool=elsewhere")
    assert told.exit == 0
    rows = {line.split()[0]: line.split()[1:] for line in told.out.splitlines() if line.startswith("platform_")}
    assert rows["platform_report"] == ["on", "ini", "platform_report"]
    assert rows["platform_tag"] == ["nightly,", "smoke", "ini", "platform_tag"]
    assert rows["platform_url"] == [f"{target.address}/api", "PLATFORM_URL"]
    assert rows["platform_spool"] == [str(project.root / "elsewhere"), "--platform-spool"]
    assert rows["platform_drain_timeout"] == ["60", "default"]
    assert target.key not in told.out
    assert f"****{target.key[-4:]}" in told.out
    assert told.out.splitlines()[-1] == (
        f"✓ {target.address}, project {target.project}: it answers, and the key is accepted"
    )


def test_doctor_tells_of_a_refused_key(target: Target, project: Project) -> None:
    project.environment["PLATFORM_API_KEY"] = "a-key-that-is-long-enough-and-wrong"
    told = project.command("doctor")
    assert told.exit == 1
    assert "✗" in told.out
    assert "answered 401 UNAUTHORIZED" in told.out
    assert "a-key-that-is-long-enough" not in told.out


def test_doctor_tells_of_what_is_no_platform(target: Target, project: Project) -> None:
    target.will(Fault("answer", "GET", status=200, headers={"content-type": "text/html"}, body=b"<p>Hello"))
    told = project.command("doctor")
    assert told.exit == 1
    assert "answered 200 with text/html" in told.out


def test_doctor_tells_of_a_wrong_option(project: Project) -> None:
    project.environment["PLATFORM_SHARD"] = "9"
    told = project.command("doctor")
    assert told.exit == 1
    assert told.out == "platform-report: PLATFORM_SHARD: '9' is no shard: give K/N with 1 <= K <= N, such as 2/5\n"


@embedded
def test_open(target: Target, project: Project) -> None:
    project.write("test_cart.py", _SUITE)
    ended = project.run("--platform-run-title=nightly")
    run_id = project.status()["run_id"]
    assert f"run: {run_id}, shown by 'platform-report show {run_id}' and 'platform-report open'\n" in ended.out
    browser = project.write("browser", '#!/bin/sh\necho "$1" > written; mv written opened\n')
    browser.chmod(0o755)
    project.environment["BROWSER"] = str(browser)
    process = project.start_command("open")
    read_until(process, "Ctrl-C ends it.")
    opened = project.root / "opened"
    wait_for(opened.exists, "a browser was opened")
    first = opened.read_text().strip()
    opened.unlink()
    assert project.command("open", run_id).exit == 0
    addresses = {first, project.command("open", "--print").out.strip(), opened.read_text().strip()}
    assert len(addresses) == 3
    assert len({address.partition("?token=")[0] for address in addresses}) == 1, "one server is enough"
    for address in addresses:
        page = httpx.get(address, follow_redirects=True, trust_env=False)
        assert page.history
        assert page.url.path == f"/runs/{run_id}"
        assert "nightly" in page.text
        assert httpx.get(address, trust_env=False).status_code == 401, "it lets one browser in"
    process.terminate()
    assert finish(process).exit == 0
    assert not list((project.spool / "platform").glob("serving.json*"))

    project.write("password.txt", "correct horse battery\n")
    project.command("user", "add", "--owner", "jane@example.com", "--password-file=password.txt")
    served = project.start_command("serve", "--port=0")
    origin = re.search(r"dashboard: (\S+)/\n", read_until(served, "Ctrl-C ends it."))
    assert origin
    assert project.command("open", "--print").out == f"{origin[1]}/runs/{run_id}\n"
    served.kill()
    finish(served)
    del project.environment["BROWSER"]
    alone = project.start_command("open", "--print")
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/runs/{run_id}\n", read_until(alone, run_id))
    alone.terminate()
    assert finish(alone).exit == 0


@embedded
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve(target: Target, project: Project, ending: signal.Signals) -> None:
    project.write("test_cart.py", _SUITE)
    project.run()
    rules = ("--limits=contract", "--abandon-after=0", "--webhook-allow=127.0.0.1", "--public-url=https://r.example/")
    process = project.start_command("serve", "--port=0", "--artifacts=elsewhere", *rules)
    said = read_until(process, "Ctrl-C ends it.")
    assert re.search(r"serving \S+platform, files in /\S+/elsewhere\n", said)
    found = re.search(r"reporting API: (\S+), project (\S+)\n  API key, until this server ends: (\S+)\n", said)
    assert found, said
    api, project_id, key = found.groups()
    answer = httpx.get(f"{api}/runs", params={"projectId": project_id}, headers={"X-API-Key": key}, trust_env=False)
    assert [run["totalTests"] for run in answer.json()["data"]] == [3]
    assert answer.headers["X-RateLimit-Limit"] == "100"
    assert httpx.get(f"{api}/runs", params={"projectId": project_id}, trust_env=False).status_code == 401
    os.kill(process.pid, ending)
    assert finish(process).exit == 0


@embedded
def test_serve_to_a_team(target: Target, project: Project) -> None:
    project.write("password.txt", "correct horse battery\n")
    added = project.command("user", "add", "--owner", "jane@example.com", "--password-file=password.txt")
    assert added.out == "jane@example.com is owner of Default\n"
    made = project.command("key", "add", "--project=web", "--days=1")
    assert made.exit == 0
    key = made.out.strip()
    assert key.startswith("prk_live_")

    process = project.start_command("serve", "--host=0.0.0.0", "--port=0")
    said = read_until(process, "Ctrl-C ends it.")
    assert "token=" not in said
    port = re.search(r":(\d+)/api, project", said)
    assert port, said
    runs = f"http://127.0.0.1:{port[1]}/api/runs?projectId=web"
    assert httpx.get(runs, headers={"X-API-Key": key}, trust_env=False).json()["total"] == 0
    process.terminate()
    assert finish(process).exit == 0


@embedded
def test_serve_with_workers_as_the_environment_says(target: Target, project: Project) -> None:
    project.write("secrets/key", "a-key-that-is-long-enough\n")
    project.write("secrets/metrics", "a-token-that-is-long-enough\n")
    told = {"HOST": "0.0.0.0", "PORT": "0", "WORKERS": "2", "ALLOW_HOST": "a.example, b.example", "ACCESS_LOG": "-"}
    project.environment |= {f"PLATFORM_REPORT_{name}": value for name, value in told.items()}
    project.environment["PLATFORM_REPORT_METRICS_TOKEN_FILE"] = "secrets/metrics"
    project.environment["PLATFORM_API_KEY_FILE"] = "secrets/key"
    project.environment["PLATFORM_REPORT_LIMITS"] = "contract"
    process = project.start_command("serve", "--allow-host=c.example")
    said = read_until(process, "Ctrl-C ends it.")
    link = re.search(r"dashboard: http://a\.example:(\d+)(/first-owner\?token=\S+)\n  Nobody has an account yet", said)
    assert link, said
    assert "Until then nothing else is served" in said
    url = f"http://127.0.0.1:{link[1]}"

    def status(path: str, **headers: str) -> int:
        return httpx.get(f"{url}{path}", headers=headers, trust_env=False).status_code

    runs = f"/api/runs?projectId={target.project}"
    closed = httpx.get(f"{url}{runs}", headers={"Host": "a.example", "X-API-Key": _KEY}, trust_env=False)
    assert (closed.status_code, closed.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert "Nobody has an account here yet" in closed.text
    assert closed.headers["X-RateLimit-Limit"] == "60"
    assert [status(path, Host="a.example") for path in ("/", "/login", "/metrics", "/readyz")] == [401, 401, 401, 200]
    _make_first_owner(url, link[2], Host=f"a.example:{link[1]}", Origin=f"http://a.example:{link[1]}")
    workers = _children(process.pid)
    assert len(workers) == 2
    sent = time.monotonic()
    with ThreadPoolExecutor(8) as pool:  # one connection each, so that either worker gets some
        headers = {"Host": "a.example", "X-API-Key": _KEY}
        posts = [pool.submit(httpx.post, f"{url}/api/runs", headers=headers, trust_env=False) for _ in range(60)]
    allowed = [post for post in posts if post.result().status_code != 429]
    assert 30 <= len(allowed) <= 31 + (time.monotonic() - sent) / 2, "30 a minute, of both workers together"
    for host, expected in (("b.example", 200), ("c.example", 200), ("d.example", 403)):
        assert status(runs, Host=host, **{"X-API-Key": _KEY}) == expected
    assert status("/metrics", Host="a.example", Authorization="Bearer a-token-that-is-long-enough") == 200
    os.kill(min(workers), signal.SIGKILL)
    wait_for(lambda: len(_children(process.pid) - {min(workers)}) == 2, "another worker took its place")
    assert status("/readyz") == 200
    assert status("/metrics", Host="a.example") == 401  # a worker that is killed may not have logged its last answer
    workers = _children(process.pid)
    process.terminate()
    ended = finish(process)
    assert ended.exit == 0
    assert '"route":"/metrics","status":401' in said + ended.out
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    project.environment["PLATFORM_REPORT_WORKERS"] = "no"
    assert "found 'no', expected a number from 1 to" in project.command("serve").out


def _make_first_owner(url: str, link: str, **headers: str) -> None:
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as browser:
        token = re.search(r'name="form_token" value="(\w+)"', browser.get(link).text)
        assert token
        password = dict.fromkeys(("password", "password_again"), "correct horse battery")
        said = {"token": link.partition("token=")[2], "form_token": token[1], "email": "jane@example.com"}
        answer = browser.post("/first-owner", data=said | password | {"name": "Jane"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/teams")
        assert "used before" in browser.get(link).text


def _children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


@embedded
def test_serve_says_that_the_port_is_taken(target: Target, project: Project) -> None:
    first = project.start_command("serve", "--port=0")
    port = read_until(first, "/api,").rpartition("/api,")[0].rpartition(":")[2]
    second = project.command("serve", f"--port={port}")
    assert second.exit == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in second.out
    assert "Traceback" not in second.out
    for option, told in (
        ("--abandon-after=-1", "found -1, expected 0 to"),
        ("--public-url=r.example", "found r.example, expected an address such as https://"),
        ("--webhook-allow=10.0.0.1/8", "found '10.0.0.1/8' (10.0.0.1/8 has host bits set)"),
    ):
        wrong = project.command("serve", "--port=0", option)
        assert wrong.exit in (1, 2)
        assert told in wrong.out
    first.terminate()
    finish(first)
    project.environment["PLATFORM_REPORT_SIGNING_KEY_FILE"] = "/no/such/key"
    refused = project.command("serve", "--port=0")
    assert refused.exit == 1
    assert "/no/such/key: the signing key cannot be read" in refused.out


def test_the_command_explains_itself(project: Project) -> None:
    helped = project.command("--help")
    assert helped.exit == 0
    kept = ("migrate", "prune", "backup", "restore")
    for name in ("show", "open", "serve", "sync", *kept, "doctor", "run", "user", "key"):
        assert f"\n    {name} " in helped.out
        assert project.command(name, "--help").exit == 0
    assert project.command("no-such-command").exit == 2
    assert project.command().exit == 2
