"""Artifacts: what is taken, how it is stored, how it is given out."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from platform_report_server.auth.signing import load_signer
from platform_report_server.clock import now_ms
from platform_report_server.storage.formats import MB
from server.support import DEADLINE, KEY, PNG, PROJECT, ZIP, Api, checked, refused

HEADS = {
    "png": PNG,
    "jpg": b"\xff\xd8\xff\xe0rest",
    "jpeg": b"\xff\xd8\xff\xe0rest",
    "webp": b"RIFF\0\0\0\0WEBPrest",
    "gif": b"GIF89arest",
    "webm": b"\x1a\x45\xdf\xa3rest",
    "mp4": b"\0\0\0\x18ftypisom",
    "avi": b"RIFF\0\0\0\0AVI rest",
    "mov": b"\0\0\0\x14moovrest",
    "zip": ZIP,
}
ALLOWED = {
    "screenshot": ["png", "jpg", "jpeg", "webp", "gif"],
    "video": ["webm", "mp4", "avi", "mov"],
    "trace": ["zip"],
    "report": ["zip"],
}


def test_an_upload_says_what_the_documentation_shows(api: Api) -> None:
    run = api.new_run()
    test = api.new_test(run)
    made = api.upload(run, testId=test["id"])
    assert re.fullmatch(r"artifact_[0-9a-z]{26}", made["id"])
    assert (
        made.items()
        >= {
            "type": "screenshot",
            "fileName": "shot.png",
            "fileSize": len(PNG),
            "mimeType": "image/png",
            "testId": test["id"],
        }.items()
    )
    response = httpx.get(made["url"])
    assert response.content == PNG
    expires = int(parse_qs(urlsplit(made["url"]).query)["expires"][0])
    assert 3590 < expires - now_ms() / 1000 <= 3600


@pytest.mark.both_stores
def test_artifacts_are_listed_by_run_and_by_test(api: Api) -> None:
    run, another = api.new_run(), api.new_run()
    test = api.new_test(run)
    of_run = api.upload(run, "report.zip", ZIP, "report")
    of_test = api.upload(run, testId=test["id"])
    api.upload(another)
    assert _stripped(api.get("/api/artifacts", runId=run["id"])["data"]) == _stripped([of_run, of_test])
    listed = api.get("/api/artifacts", runId=run["id"], testId=test["id"])["data"]
    assert _stripped(listed) == _stripped([of_test])
    assert httpx.get(listed[0]["url"]).content == PNG
    refused(api.http.get("/api/artifacts"), 400, "VALIDATION_ERROR", "runId")
    refused(api.http.get("/api/artifacts", params={"runId": run["id"], "projectId": "another"}), 404, "NOT_FOUND")
    refused(api.http.get("/api/artifacts", params={"runId": another["id"], "testId": test["id"]}), 404, "NOT_FOUND")


@pytest.mark.parametrize("kind", ALLOWED)
@pytest.mark.parametrize("extension", HEADS)
def test_each_type_takes_its_formats_only(standing: Api, kind: str, extension: str) -> None:
    run = standing.new_run()
    response = standing.post_file(run, f"file.{extension}", HEADS[extension], kind)
    if extension in ALLOWED[kind]:
        assert checked(response, 200)["type"] == kind
        renamed = standing.post_file(run, f"FILE.{extension.upper()}", b"not what the name says", kind)
        assert "is not" in refused(renamed, 400, "VALIDATION_ERROR", "file")
    else:
        assert "is one of" in refused(response, 400, "VALIDATION_ERROR", "file")


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("page.html", b"<script>alert(1)</script>", "text/html"),
        ("log.txt", b"hello", "text/plain"),
        ("picture.svg", b"<svg/>", "application/octet-stream"),
        ("no extension", b"", "application/octet-stream"),
        ("lies.png", b"<script>alert(1)</script>", "application/octet-stream"),
    ],
)
def test_attachments_take_everything_and_are_downloads(standing: Api, name: str, content: bytes, mime: str) -> None:
    made = standing.upload(standing.new_run(), name, content, "attachment")
    assert (made["fileName"], made["mimeType"], made["fileSize"]) == (name, mime, len(content))
    response = httpx.get(made["url"])
    assert response.content == content
    assert response.headers["content-type"].partition(";")[0] == mime
    assert response.headers["content-disposition"].startswith("attachment;")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]


def test_images_may_be_shown(api: Api) -> None:
    response = httpx.get(api.upload(api.new_run())["url"])
    assert response.headers["content-disposition"].startswith("inline;")
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("kind", "name", "head", "limit"),
    [
        ("screenshot", "a.png", PNG, 5),
        ("attachment", "a.png", PNG, 10),
        ("attachment", "a.bin", b"", 10),
        ("trace", "a.zip", ZIP, 50),
    ],
)
@pytest.mark.parametrize("type_first", [True, False])
def test_sizes_are_limited(
    api: Api, folder: Path, kind: str, name: str, head: bytes, limit: int, type_first: bool
) -> None:
    run = api.new_run()
    exact = head + bytes(limit * MB - len(head))
    parts: list[tuple[str, Any]] = [
        ("type", (None, kind)),
        ("runId", (None, run["id"])),
        ("projectId", (None, PROJECT)),
    ]
    for content, status in ((exact, 200), (exact + b"x", 413)):
        file: tuple[str, Any] = ("file", (name, content))
        response = api.http.post("/api/upload", files=[*parts, file] if type_first else [file, *parts])
        if status == 413:
            assert f"larger than {limit} MB" in refused(response, 413, "PAYLOAD_TOO_LARGE", "file")
        else:
            checked(response, status)
    assert list((folder / "artifacts" / "staging").iterdir()) == []


def test_what_is_larger_than_any_limit_is_refused_unread(api: Api, url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(300 * MB), "X-API-Key": KEY}
    connection.request("POST", "/api/upload", headers=headers)  # and nothing of the body
    response = connection.getresponse()
    assert (response.status, json.load(response)["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    connection.close()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../../etc/passwd.png", "passwd.png"),
        ("/etc/cron.d/x.png", "x.png"),
        (r"..\..\windows\x.png", "x.png"),
        ("C:\\x.png", "x.png"),
        ("new\tline\x00\x1b[31m.png", "newline[31m.png"),
        ('quo"te;.png', 'quo"te;.png'),
        ("ünïcode ✓.png", "ünïcode ✓.png"),
        ("\u202egnp.exe.png", "gnp.exe.png"),
        ("a" * 500 + ".png", "a" * 196 + ".png"),
        (".png", ".png"),
    ],
)
def test_names_never_become_paths(api: Api, folder: Path, tmp_path: Path, name: str, shown: str) -> None:
    run = api.new_run()
    made = _upload_named(api, run, name)
    assert made["fileName"] == shown
    response = httpx.get(made["url"])
    assert response.content == PNG
    assert "\n" not in response.headers["content-disposition"]
    assert _contents(folder) == {hashlib.sha256(PNG).hexdigest()}
    assert {path.name for path in tmp_path.rglob("*.png")} == set()


@pytest.mark.both_stores
def test_equal_content_is_stored_once_until_the_last_run_goes(api: Api, other: Api, folder: Path) -> None:
    runs = [api.new_run(), api.new_run()]
    elsewhere = other.new_run()
    for run in runs:
        for name in ("one.png", "two.png"):
            api.upload(run, name)
    last = other.upload(elsewhere)
    alone = api.upload(runs[0], "alone.gif", HEADS["gif"])
    png, gif = (hashlib.sha256(content).hexdigest() for content in (PNG, HEADS["gif"]))
    assert _contents(folder) == {png, gif}
    for run in runs:
        checked(api.http.delete(f"/api/runs/{run['id']}"), 200)
    assert _contents(folder) == {png}
    assert httpx.get(last["url"]).content == PNG
    refused(httpx.get(alone["url"]), 404, "NOT_FOUND")
    checked(other.http.delete(f"/api/runs/{elsewhere['id']}"), 200)
    assert _contents(folder) == set()
    assert httpx.get(api.upload(api.new_run())["url"]).content == PNG


class TestReferring:
    """An upload without a file stands for a content that its run has."""

    def test_makes_an_artifact_like_an_upload(self, api: Api, folder: Path) -> None:
        run = api.new_run()
        test = api.new_test(run)
        sent = api.upload(run, "dir/one.png")
        made = checked(api.refer(run, PNG, "dir/two.png", testId=test["id"]), 200)
        assert (made["fileName"], made["testId"], made["mimeType"]) == ("two.png", test["id"], "image/png")
        assert made["fileSize"] == sent["fileSize"]
        assert httpx.get(made["url"]).content == PNG
        assert _stripped(api.get("/api/artifacts", runId=run["id"])["data"]) == _stripped([sent, made])
        assert _contents(folder) == {hashlib.sha256(PNG).hexdigest()}
        checked(api.http.delete(f"/api/runs/{run['id']}"), 200)
        assert _contents(folder) == set()

    def test_to_what_the_run_does_not_have(self, api: Api, other: Api) -> None:
        """No answer tells whether another run, or another project's, has a content."""
        run, another, elsewhere = api.new_run(), api.new_run(), other.new_run()
        api.upload(another)
        other.upload(elsewhere)
        said = refused(api.refer(run, PNG), 404, "NOT_FOUND", "sha256")
        assert refused(api.refer(run, b"nobody has it"), 404, "NOT_FOUND", "sha256") == said
        refused(other.refer(another, PNG), 404, "NOT_FOUND")
        refused(other.refer(another, PNG, projectId=api.project), 403, "FORBIDDEN", "projectId")
        refused(api.refer(elsewhere, PNG), 404, "NOT_FOUND")
        stranger = api.new_test(another)
        api.upload(run)
        refused(api.refer(run, PNG, testId=stranger["id"]), 404, "NOT_FOUND")
        assert len(api.get("/api/artifacts", runId=run["id"])["data"]) == 1

    def test_keeps_to_the_rules_for_types(self, api: Api) -> None:
        run = api.new_run()
        api.upload(run, "text.bin", b"text", "attachment")
        large = PNG + bytes(6 * MB)
        api.upload(run, "large.png", large, "attachment")
        refused(api.refer(run, b"text"), 404, "NOT_FOUND", "sha256")
        refused(api.refer(run, large), 413, "PAYLOAD_TOO_LARGE", "file")
        refused(api.refer(run, large, "a.txt"), 400, "VALIDATION_ERROR", "file")
        refused(api.refer(run, large, kind="movie"), 400, "VALIDATION_ERROR", "type")
        for name, mime in (("a.txt", "text/plain"), ("a", "application/octet-stream")):
            assert checked(api.refer(run, b"text", name, "attachment"), 200)["mimeType"] == mime

    def test_says_what_is_wrong(self, api: Api) -> None:
        run = api.new_run()
        refused(api.refer(run, PNG, fileName=""), 400, "VALIDATION_ERROR", "fileName")
        refused(api.refer(run, PNG, sha256=""), 400, "VALIDATION_ERROR", "file")
        for digest in ("ab", "g" * 64, "A" * 64, "a" * 65):
            refused(api.refer(run, PNG, sha256=digest), 400, "VALIDATION_ERROR", "sha256")
        refused(api.post_file(run, sha256="0" * 64), 400, "VALIDATION_ERROR", "sha256")
        checked(api.post_file(run, sha256=hashlib.sha256(PNG).hexdigest()), 200)

    def test_and_sending_are_one_request(self, api: Api) -> None:
        run = api.new_run()
        api.upload(run)
        api.http.headers["Idempotency-Key"] = "key"
        made = checked(api.refer(run, PNG, "two.png"), 200)
        assert _stripped([checked(api.post_file(run, "two.png"), 200)]) == _stripped([made])
        assert len(api.get("/api/artifacts", runId=run["id"])["data"]) == 2


def test_links_end_and_cannot_be_changed(api: Api, folder: Path) -> None:
    run = api.new_run()
    one, two = api.upload(run), api.upload(run)
    url = one["url"]
    expires = parse_qs(urlsplit(url).query)["expires"][0]
    for changed in (
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace(f"expires={expires}", f"expires={int(expires) + 1}"),
        url.replace(one["id"], two["id"]),
        url.partition("?")[0],
        url.replace("signature=", "signature=%ff%00"),
        url + "&signature=x",
    ):
        assert "not signed" in refused(httpx.get(changed), 403, "FORBIDDEN")
    past = now_ms() // 1000 - 1
    signer = load_signer(folder / "signing.key", lambda: pytest.fail("the key is there"))
    old = f"{url.partition('?')[0]}?expires={past}&signature={signer.sign('artifact', one['id'], past)}"
    assert "expired" in refused(httpx.get(old), 403, "FORBIDDEN")


@pytest.mark.parametrize("missing", ["file", "type", "runId", "projectId"])
def test_missing_parts_are_named(standing: Api, missing: str) -> None:
    run = standing.new_run()
    parts = {
        "file": ("shot.png", PNG),
        "type": (None, "screenshot"),
        "runId": (None, run["id"]),
        "projectId": (None, PROJECT),
    }
    del parts[missing]
    refused(standing.http.post("/api/upload", files=parts), 400, "VALIDATION_ERROR", missing)


def test_wrong_fields_are_refused(api: Api, other: Api) -> None:
    run, another = api.new_run(), api.new_run()
    stranger = api.new_test(another)
    refused(api.post_file(run, kind="movie"), 400, "VALIDATION_ERROR", "type")
    refused(api.post_file(run, testId="test_nonsense"), 404, "NOT_FOUND")
    refused(api.post_file(run, testId=stranger["id"]), 404, "NOT_FOUND")
    refused(api.post_file({"id": "run_0000000000000"}), 404, "NOT_FOUND")
    refused(api.post_file(run, note="x" * 1001), 400, "VALIDATION_ERROR", "note")
    refused(other.post_file(run), 404, "NOT_FOUND")
    refused(api.post_file(run, projectId=other.project), 403, "FORBIDDEN", "projectId")
    twice = [("file", ("a.png", PNG)), ("file", ("b.png", PNG))]
    refused(api.http.post("/api/upload", files=twice), 400, "VALIDATION_ERROR", "file")
    assert api.get("/api/artifacts", runId=run["id"]) == {"data": []}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b""),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\nx",
        ),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: " + b"x" * 10_000),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=type\r\n\r\n\xff\r\n--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 20 + b"--b--\r\n",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--\r\n',
        ),
    ],
)
def test_broken_forms_are_refused(standing: Api, kind: str, body: bytes) -> None:
    refused(standing.http.post("/api/upload", content=body, headers={"Content-Type": kind}), 400, "VALIDATION_ERROR")


def test_a_download_can_be_resumed(api: Api) -> None:
    url = api.upload(api.new_run())["url"]
    response = httpx.get(url, headers={"Range": "bytes=4-9"})
    assert (response.status_code, response.content) == (206, PNG[4:10])
    changed = httpx.get(url, headers={"Range": "bytes=4-9", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, PNG)


def _upload_named(api: Api, run: Any, name: str) -> Any:
    # by hand: httpx would escape the name
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    if '"' in name:
        return api.upload(run, name)
    fields = {"type": "screenshot", "runId": run["id"], "projectId": PROJECT}
    tail = "".join(
        f'\r\n--b\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}' for field, value in fields.items()
    )
    body = head + PNG + tail.encode() + b"\r\n--b--\r\n"
    return checked(
        api.http.post("/api/upload", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}), 200
    )


def _contents(folder: Path) -> set[str]:
    return {path.name for path in (folder / "artifacts").rglob("*") if path.is_file()}


def _stripped(artifacts: list[Any]) -> list[Any]:
    links = ("url", "expiresAt", "thumbnailUrl")
    return [{name: value for name, value in each.items() if name not in links} for each in artifacts]
