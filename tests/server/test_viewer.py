"""The trace viewer at an origin of its own: what is answered there, and that nothing of it is answered elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from platform_report_server.clock import now_ms
from platform_report_server.errors import SettingsError
from platform_report_server.serve import Place, serve
from platform_report_server.settings import LOOPBACK_NAMES
from platform_report_server.viewer.place import with_viewer
from pytest_platform_report.cli import main
from server.browsing import Page
from server.support import KEY, PNG, ZIP, Api, served_settings, serving
from server.viewers import make_viewer

NAME = "traces.localhost"
OF_NAME = {"Host": f"{NAME}:8484"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("viewing")
    settings = replace(served_settings(folder), host_names=LOOPBACK_NAMES, viewer_files=make_viewer(folder / "viewer"))
    with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=60) as http:
        yield Api(http)


@pytest.fixture
def trace(standing: Api) -> Any:
    return standing.upload(standing.new_run(), "trace.zip", ZIP, "trace")


def test_a_link_of_the_page_leads_to_the_viewer(standing: Api, trace: Any) -> None:
    page = Page(standing.http.get(f"/artifacts/{trace['id']}").text)
    assert f"/artifacts/{trace['id']}/trace" in page.links
    answer = standing.http.get(f"/artifacts/{trace['id']}/trace")
    assert (answer.status_code, answer.headers["referrer-policy"]) == (303, "no-referrer")
    link = urlsplit(answer.headers["location"])
    port = standing.http.base_url.port
    assert (link.scheme, link.netloc, link.path) == ("http", f"{NAME}:{port}", "/index.html")
    (signed,) = parse_qs(link.query)["trace"]
    assert signed.startswith(f"http://{NAME}:{port}/traces/{trace['id']}?expires=")
    expires = int(parse_qs(urlsplit(signed).query)["expires"][0])
    assert 3500 < expires - now_ms() / 1000 <= 3600

    path = signed.removeprefix(f"http://{NAME}:{port}")
    found = httpx.get(f"{standing.http.base_url}{path}", headers=OF_NAME)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, ZIP, "application/zip")
    assert "sandbox" in found.headers["content-security-policy"]
    for name, value in {
        "cross-origin-resource-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "cache-control": "private, max-age=3600",
    }.items():
        assert found.headers[name] == value
    assert not {"access-control-allow-origin", "set-cookie"} & set(found.headers)
    part = httpx.get(f"{standing.http.base_url}{path}", headers=OF_NAME | {"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, ZIP[:4])

    of_content = trace["url"].partition("?")[2]
    for wrong in (
        path.replace(f"expires={expires}", f"expires={expires + 1}"),
        path.replace(trace["id"], standing.upload(standing.new_run())["id"]),
        f"/traces/{trace['id']}?{of_content}",
        f"/traces/{trace['id']}",
        "/traces/artifact_nope?expires=1&signature=1",
    ):
        assert httpx.get(f"{standing.http.base_url}{wrong}", headers=OF_NAME).status_code == 403
    assert standing.http.get(path).status_code == 404  # of the platform's own name
    shot = standing.upload(standing.new_run(), "shot.png", PNG)
    assert standing.http.get(f"/artifacts/{shot['id']}/trace").status_code == 404


def test_under_its_name_there_is_nothing_else(standing: Api, trace: Any) -> None:
    with httpx.Client(base_url=standing.http.base_url, headers={"X-API-Key": KEY} | OF_NAME) as http:
        page = http.get("/index.html")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = page.headers["content-security-policy"]
        # echo -n 'let a;' | openssl dgst -sha256 -binary | base64
        assert "script-src 'self' 'sha256-81WALLbUROF1pWdYjuQYKuIcGgY/+TqVJr8UsV6Tkvo='" in f"{policy};"
        for said in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"):
            assert said in policy
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert page.headers["x-frame-options"] == "DENY"
        worker = http.get("/sw.bundle.js")
        assert worker.text.endswith("self.addEventListener('fetch', () => {});")
        assert "FetchEvent.prototype.respondWith = " in worker.text
        assert "connect-src 'self'" in worker.headers["content-security-policy"]
        assert http.get("/assets/a.js").headers["cache-control"] == "max-age=3600"
        assert http.head("/assets/a.js").status_code == 200
        content = trace["url"].partition("/api/")[2]
        for path in (
            *("/", "/api/runs", "/login", "/static/style.css", "/healthz", "/readyz", "/metrics", "/secret.txt"),
            *("/assets", "/assets/../secret.txt", "/%2e%2e/secret.txt", "//etc/passwd", f"/api/{content}"),
            f"/artifacts/{trace['id']}/trace",
        ):
            answer = http.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8"), path
            assert "set-cookie" not in answer.headers
        assert http.post("/api/runs", json={}).status_code == 405
        for name in ("TRACES.localhost", NAME):
            assert http.get("/index.html", headers={"Host": name}).status_code == 200
        for name in (f"x.{NAME}", f"{NAME}.", "evil.example"):
            assert http.get("/index.html", headers={"Host": name}).status_code == 403
    for path in ("/index.html", "/sw.bundle.js", "/assets/a.js"):
        assert standing.http.get(path).status_code == 404
    assert 'route="(trace viewer)",method="GET",status="2xx"' in standing.http.get("/metrics").text


def test_without_a_viewer_the_page_says_what_opens_a_trace(tmp_path: Path) -> None:
    files, origin = make_viewer(tmp_path / "viewer"), "https://traces.example.com"
    viewed = replace(served_settings(tmp_path), viewer_files=files, viewer_url=origin)
    for settings in (served_settings(tmp_path), viewed):
        with serving(settings) as url, httpx.Client(base_url=url, headers={"X-API-Key": KEY}) as http:
            trace = Api(http).upload(Api(http).new_run(), "trace.zip", ZIP, "trace")
            page = Page(http.get(f"/artifacts/{trace['id']}").text)
            answer = http.get(f"/artifacts/{trace['id']}/trace")
            if settings is viewed:
                assert answer.headers["location"].startswith(
                    "https://traces.example.com/index.html?trace=https%3A%2F%2F"
                )
                assert http.get("/index.html", headers={"Host": "traces.example.com"}).status_code == 200
                assert http.get("/index.html", headers=OF_NAME).status_code == 404
            else:
                assert "playwright show-trace FILE" in page.text
                assert answer.status_code == 404
                assert "show-trace" in answer.text


def test_it_has_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, settings = make_viewer(tmp_path / "viewer"), served_settings(tmp_path)
    named = replace(settings, viewer_files=folder)
    team = replace(named, viewer_url="https://traces.example.com", public_url="https://reports.example.com")
    nobody = frozenset[str]()
    for given, host, names, is_there in (
        (named, "127.0.0.1", nobody, True),
        (named, "[::1]", {"localhost"}, True),
        (settings, "0.0.0.0", nobody, False),
        (settings, "127.0.0.1", {"reports.example.com"}, False),
        (team, "reports.example.com", {"reports.example.com"}, True),
    ):
        assert (with_viewer(given, host, names).viewer_files == folder) == is_there
    for taken in ("localhost", "127.0.0.1", "reports.example.com", "0.0.0.0"):
        wrong = replace(team, viewer_url=f"https://{taken}")
        with pytest.raises(SettingsError, match="needs a name of its own, by which the platform is not reached"):
            with_viewer(wrong, "0.0.0.0", nobody)
    with pytest.raises(SettingsError, match="others reach this server, so the viewer needs --viewer-url"):
        serve(named, Place("0.0.0.0"), pytest.fail)
    with pytest.raises(SettingsError, match=r"found no index\.html and sw\.bundle\.js there"):
        with_viewer(replace(named, viewer_files=tmp_path), "127.0.0.1", nobody)
    monkeypatch.setitem(sys.modules, "playwright", None)
    with pytest.raises(SettingsError, match="there is no viewer to serve: 'pip install playwright' brings one"):
        with_viewer(replace(team, viewer_files=None), "0.0.0.0", nobody)
    assert with_viewer(settings, "127.0.0.1", nobody).viewer_files is None


@pytest.mark.parametrize(
    "url",
    ["http://traces.example.com", "https://traces.example.com/viewer", "traces.example.com", "http://notlocalhost"],
)
def test_its_address_is_an_origin_that_nobody_listens_in_on(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--viewer-url", url])
    assert f"found {url}, expected an " in capsys.readouterr().err
