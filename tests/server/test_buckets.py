"""Files in a bucket, and what keeps rows and contents together in every store of files."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from platform_report_server import file_check
from platform_report_server.backup import Copied, back_up, restore
from platform_report_server.clock import now_ms
from platform_report_server.db.engine import open_database
from platform_report_server.db.schema import incoming_content, stale_content
from platform_report_server.errors import SettingsError, StoreError, Unavailable
from platform_report_server.ids import IdMaker
from platform_report_server.ingest import contents
from platform_report_server.ingest.retention import Gone
from platform_report_server.ingest.writer import Write
from platform_report_server.prune import Pruned, prune
from platform_report_server.serve import Place, serve
from platform_report_server.settings import PostgresUrl, S3Url, Settings, read_artifacts
from platform_report_server.storage.presigned import Credentials, presigned
from platform_report_server.storage.store import name_of, open_artifacts
from pytest_platform_report.cli._artifacts import read_option
from pytest_platform_report.errors import ConfigurationError
from server.buckets import S3
from server.pictures import photo
from server.process import process
from server.support import (
    DEADLINE,
    KEY,
    OTHER_KEY,
    OTHER_PROJECT,
    PNG,
    ZIP,
    Api,
    checked,
    in_threads,
    opened,
    refused,
    served_settings,
    with_store,
)
from server.viewers import make_viewer

LARGE = ZIP + os.urandom(9 * 2**20)


@pytest.fixture
def bucket(s3: S3) -> S3Url:
    return S3Url(s3.new_bucket(), "of/the-platform")


@pytest.fixture
def in_bucket(settings: Settings, bucket: S3Url) -> Settings:
    return replace(settings, artifacts=bucket)


def test_a_bucket_does_as_a_folder_does(in_bucket: Settings, bucket: S3Url, s3: S3) -> None:
    with opened(in_bucket) as api, httpx.Client(base_url=api.http.base_url, headers={"X-API-Key": OTHER_KEY}) as http:
        other = Api(http, OTHER_PROJECT)
        run, elsewhere = api.new_run(), other.new_run()
        image = api.upload(run)
        checked(api.refer(run, PNG, "again.png"), 200)
        other.upload(elsewhere)
        trace = api.upload(run, "träce.zip", LARGE, "trace")
        nothing = api.upload(run, "nothing.html", b"", "attachment")
        expected = {f"{bucket.prefix}/{name_of(hashlib.sha256(each).digest())}" for each in (PNG, LARGE, b"")}
        assert set(s3.names(bucket.bucket)) == expected

        for made, content in ((image, PNG), (trace, LARGE), (nothing, b"")):
            response = httpx.get(made["url"])
            assert (response.status_code, response.content) == (200, content)
            assert response.headers["content-type"].partition(";")[0] == made["mimeType"]
            assert response.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in response.headers["content-security-policy"]
            head = httpx.head(made["url"])
            assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
        assert httpx.get(image["url"]).headers["content-disposition"] == 'inline; filename="shot.png"'
        assert httpx.get(trace["url"]).headers["content-disposition"] == "attachment; filename*=utf-8''tr%C3%A4ce.zip"

        size = len(LARGE)
        for wanted, start, stop in (("4-9", 4, 10), ("-5", size - 5, size), ("5000000-", 5_000_000, size)):
            response = httpx.get(trace["url"], headers={"Range": f"bytes={wanted}"})
            assert (response.status_code, response.content) == (206, LARGE[start:stop])
            assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
        etag = f'"{hashlib.sha256(LARGE).hexdigest()}"'
        for given, status in ((etag, 206), ('"another"', 200)):
            resumed = httpx.head(trace["url"], headers={"Range": "bytes=4-9", "If-Range": given})
            assert (resumed.status_code, resumed.headers["etag"]) == (status, etag)
        for wanted in ("bytes=9-4", f"bytes={size}-", "bytes=0-1,3-4", "bytes=-0", "lines=1-2"):
            response = httpx.head(trace["url"], headers={"Range": wanted})
            assert (response.status_code, response.headers["content-length"]) == (200, str(size))

        checked(api.http.delete(f"/api/runs/{run['id']}"), 200)
        assert s3.names(bucket.bucket) == [f"{bucket.prefix}/{name_of(hashlib.sha256(PNG).digest())}"]
        refused(httpx.get(trace["url"]), 404, "NOT_FOUND")
        checked(other.http.delete(f"/api/runs/{elsewhere['id']}"), 200)
        assert s3.names(bucket.bucket) == []
        assert list(in_bucket.staging.iterdir()) == []

        run = api.new_run()
        lost = api.upload(run)
        s3.delete(f"{bucket.bucket}/{bucket.prefix}/{name_of(hashlib.sha256(PNG).digest())}")
        refused(httpx.get(lost["url"]), 404, "NOT_FOUND")
        s3.delete(bucket.bucket)
        assert "cannot be reached; try again" in refused(api.post_file(run), 500, "INTERNAL_ERROR")
    assert with_store(in_bucket, "SELECT count(*) FROM artifact") == [(1,)]
    assert with_store(in_bucket, "SELECT count(*) FROM incoming_content") == [(1,)]


def test_a_bucket_is_pruned_and_left_by_backups(
    in_bucket: Settings, bucket: S3Url, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_check, "_DAY_SECONDS", 0)
    monkeypatch.setattr(file_check, "_SKEW_MS", 0)
    place, folder = tmp_path / "monday", tmp_path / "of_a_folder"
    with opened(in_bucket) as api:
        run, another = api.new_run(), api.new_run()
        image, lost = api.upload(run, "photo.jpg", photo()), api.upload(another, "lost.png")
        small = httpx.get(image["thumbnailUrl"]).content
        assert back_up(in_bucket, place) == Copied(True, False, 0, 0)
        assert sorted(path.name for path in place.rglob("*")) == ["manifest.json", "platform.db", "signing.key"]
        checked(api.http.delete(f"/api/runs/{another['id']}"), 200)
    in_folder = served_settings(tmp_path / "folder")
    with opened(in_folder) as api:
        api.upload(api.new_run(), "trace.zip", ZIP, "trace")
    back_up(in_folder, folder)
    # into the bucket; what that brings belongs to nothing of the other store
    elsewhere = replace(served_settings(tmp_path / "elsewhere"), artifacts=bucket, staging=in_bucket.staging)
    assert restore(elsewhere, folder) == Copied(True, True, 1, 0)
    assert len(s3.names(bucket.bucket)) == 2
    assert prune(in_bucket, is_dry=True).orphans == 1
    assert len(s3.names(bucket.bucket)) == 2

    assert restore(in_bucket, place, force=True) == Copied(True, False, 0, 0)
    assert prune(in_bucket) == Pruned(Gone(), 1, [f"lost.png of {another['id']}"])
    assert s3.names(bucket.bucket) == [f"{bucket.prefix}/{name_of(hashlib.sha256(photo()).digest())}"]
    with opened(in_bucket) as api:
        shown, gone = (api.get("/api/artifacts", runId=each["id"])["data"][0] for each in (run, another))
        assert httpx.get(shown["url"]).content == photo()
        assert httpx.get(shown["thumbnailUrl"]).content == small
        refused(httpx.get(gone["url"]), 404, "NOT_FOUND")
        assert gone["id"] == lost["id"]


def test_browsers_are_sent_to_a_public_bucket(in_bucket: Settings, bucket: S3Url, s3: S3, tmp_path: Path) -> None:
    public = replace(bucket, public=f"{s3.address}/{bucket.bucket}")
    with opened(replace(in_bucket, artifacts=public, viewer_files=make_viewer(tmp_path / "viewer"))) as api:
        run = api.new_run()
        page = api.upload(run, 'ein "träce".html', b"<script>", "attachment")
        shown = api.upload(run)
        assert httpx.get(shown["url"]).content == PNG  # from the platform itself
        redirect = httpx.get(page["url"])
        assert (redirect.status_code, redirect.headers["cache-control"]) == (307, "no-store")
        assert s3.environment["AWS_SECRET_ACCESS_KEY"] not in redirect.headers["location"]
        found = httpx.get(page["url"], follow_redirects=True)
        assert (found.content, found.headers["content-type"]) == (b"<script>", "text/html")
        assert found.headers["content-disposition"].startswith("attachment; filename*=utf-8''ein%20%22tr%C3%A4ce")
        part = httpx.get(page["url"], headers={"Range": "bytes=1-6"}, follow_redirects=True)
        assert (part.status_code, part.content) == (206, b"script")
        changed = page["url"].replace("signature=", "signature=0")
        refused(httpx.get(changed), 403, "FORBIDDEN")
        told = api.http.get(f"/artifacts/{page['id']}")  # read by the platform
        assert "&lt;script&gt;" in told.text
        assert f"media-src 'self' {s3.address};" in told.headers["content-security-policy"]
        trace = api.upload(run, "trace.zip", ZIP, "trace")
        viewed = urlsplit(api.http.get(f"/artifacts/{trace['id']}/trace").headers["location"])
        path = dict(parse_qsl(viewed.query))["trace"].removeprefix(f"http://{viewed.netloc}")
        assert api.http.get(path, headers={"Host": viewed.netloc}).content == ZIP  # the viewer asks nobody else


def test_links_are_signed_as_amazon_has_it(s3: S3, bucket: S3Url) -> None:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    now = datetime(2013, 5, 24, tzinfo=timezone.utc)
    link = presigned(credentials, "GET", "https://examplebucket.s3.amazonaws.com/test.txt", {}, now=now, seconds=86400)
    assert link.endswith("=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")

    import obstore

    said = s3.environment
    store = obstore.store.S3Store(bucket.bucket, token="the+token/=", client_options={"allow_http": True})
    theirs = obstore.sign(store, "GET", "a b+c/ä", timedelta(hours=1))
    query = dict(parse_qsl(urlsplit(theirs).query))
    ours = presigned(
        Credentials(said["AWS_ACCESS_KEY_ID"], said["AWS_SECRET_ACCESS_KEY"], "the+token/="),
        "GET",
        f"{s3.address}/{bucket.bucket}/a b+c/ä",
        {},
        now=datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc),
        seconds=3600,
    )
    assert dict(parse_qsl(urlsplit(ours).query)) == query


@pytest.mark.parametrize("kind", ["folder", "bucket"])
def test_what_is_there_is_listed(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    where = tmp_path / "files" if kind == "folder" else request.getfixturevalue("bucket")
    store = open_artifacts(where, tmp_path / "staging")
    kept: dict[bytes, int] = {}
    for number in range(3):
        with store.draft() as draft, store.draft():
            draft.write(b"x" * number)
            store.keep(draft)
            kept[draft.sha256()] = number
    shelves = {sha256[0] for sha256 in kept}
    found = [each for shelf in shelves for each in store.list(shelf)]
    assert {each.sha256: each.size for each in found} == kept
    assert all(abs(each.modified - time.time()) < 60 for each in found)
    store.remove([*kept, bytes(32)])
    assert [each for shelf in shelves for each in store.list(shelf)] == []


@pytest.mark.both_stores
def test_a_content_is_expected_or_deleted_never_both(settings: Settings) -> None:
    one, two = bytes(32), bytes(range(32))
    database, ids = open_database(settings.database), IdMaker()

    def at(minutes: float, job: Callable[..., Any], *told: Any) -> Any:
        with database.writing() as connection:
            return job(Write(connection, ids, now_ms() + round(minutes * 60_000)), *told)

    def rows(write: Write) -> list[int]:
        tables = (incoming_content, stale_content)
        return [write.connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]

    at(0, contents.forget_contents, [one, two])
    note = at(0, contents.expect_content, one)
    assert at(1, contents.take_stale) == [two]
    assert at(2, contents.take_stale) == []  # another process is at it
    at(2, contents.settle_stale, [one, two])
    assert at(2, rows) == [1, 1]
    at(59, contents.take_content, note)
    assert at(60, contents.take_stale) == [one]
    assert at(61, contents.expect_content, one) is None
    late = at(66, contents.expect_content, one)  # who was at it is dead
    assert at(67, contents.take_stale) == []
    assert at(127, contents.take_stale) == [one]  # and so is this one
    with pytest.raises(Unavailable, match="given up"):
        at(128, contents.take_content, late)
    assert at(133, contents.take_stale) == [one]  # killed while it deleted
    at(134, contents.settle_stale, [one])
    assert at(134, rows) == [0, 0]
    database.close()


class TestTwoServers:
    """On one database and one bucket, in folders of their own, as on two machines."""

    @pytest.fixture
    def store(self) -> str:
        return "postgresql"

    @pytest.fixture
    def machines(self, in_bucket: Settings, tmp_path: Path) -> list[Settings]:
        key = tmp_path / "key"
        key.write_bytes(os.urandom(32))
        machines = []
        for name in ("one", "two"):
            here = tmp_path / name
            here.mkdir()
            (here / "signing.key").write_bytes(key.read_bytes())
            machines.append(
                replace(in_bucket, staging=here / "artifacts" / "staging", signing_key=here / "signing.key")
            )
        return machines

    def test_share_files_and_one_is_killed(self, machines: list[Settings], bucket: S3Url, s3: S3) -> None:
        settings = machines[0]
        assert isinstance(settings.database, PostgresUrl)
        name = f"{bucket.prefix}/{name_of(hashlib.sha256(LARGE).digest())}"
        with process(machines[0]) as (victim, one), process(machines[1]) as (_, two), _clients(one, two) as apis:
            run = apis[0].new_run()

            def upload(worker: int) -> Any:
                return apis[worker % 2].upload(run, f"{worker}.zip", ZIP, "trace")

            made = in_threads(4, upload)
            assert len(s3.names(bucket.bucket)) == 1
            for each in made:
                path = urlsplit(each["url"])._replace(scheme="", netloc="").geturl()
                assert [api.http.get(path).content for api in apis] == [ZIP, ZIP]

            def come_and_go(worker: int) -> None:
                api = apis[worker % 2]
                for _ in range(3):
                    mine = api.new_run()
                    assert api.http.get(api.upload(mine)["url"]).content == PNG
                    checked(api.http.delete(f"/api/runs/{mine['id']}"), 200)

            in_threads(4, come_and_go)
            assert len(s3.names(bucket.bucket)) == 1

            import psycopg

            with psycopg.connect(settings.database.address) as lock:
                lock.execute("LOCK TABLE artifact IN SHARE MODE")  # so that the content is stored, and its row is not

                def send(_: int) -> None:
                    with pytest.raises(httpx.TransportError):
                        apis[0].post_file(run, "cut.zip", LARGE, "trace")

                def kill(_: int) -> None:
                    deadline = time.monotonic() + DEADLINE
                    while name not in s3.names(bucket.bucket):
                        assert time.monotonic() < deadline
                    victim.kill()

                in_threads(2, lambda number: (send, kill)[number](number))
            assert with_store(settings, "SELECT count(*) FROM artifact") == [(4,)]
            checked(apis[1].http.delete(f"/api/runs/{apis[1].new_run()['id']}"), 200)
            assert name in s3.names(bucket.bucket)  # it might still come
            with_store(settings, "UPDATE incoming_content SET since = since - 3600 * 1000")
            checked(apis[1].http.delete(f"/api/runs/{apis[1].new_run()['id']}"), 200)
            assert len(s3.names(bucket.bucket)) == 1
            assert apis[1].http.get(apis[1].upload(run, "whole.zip", LARGE, "trace")["url"]).content == LARGE
        assert with_store(settings, "SELECT count(*) FROM incoming_content") == [(0,)]

    def test_have_one_signing_key(self, machines: list[Settings], tmp_path: Path) -> None:
        with opened(machines[0]) as api:
            link = urlsplit(api.upload(api.new_run())["url"])
        key = tmp_path / "two" / "signing.key"
        given = replace(machines[1], makes_signing_key=False)
        with opened(given) as api:
            assert api.http.get(f"{link.path}?{link.query}").content == PNG
        for content, error, said in (
            (None, SettingsError, "cannot be read"),
            (b"short\n", SettingsError, "found 5 bytes, expected a signing key of at least 32"),
            (b"another key, as text\n" * 3, StoreError, "another signing key: .*PLATFORM_REPORT_SIGNING_KEY_FILE"),
        ):
            key.unlink(missing_ok=True)
            if content is not None:
                key.write_bytes(content)
            with pytest.raises(error, match=said):
                serve(given, Place(), pytest.fail)
        with_store(given, "DELETE FROM signing_key")
        with opened(given) as api:
            assert "not signed" in refused(api.http.get(f"{link.path}?{link.query}"), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3://b",
        "s3:///prefix",
        "s3://key:secret@bucket/prefix",
        "s3://bucket?secret=x",
        "s3://bucket/../x y",
        "s3://bucket?public=javascript:alert(1)",
        "s3://bucket?public=https://files.example.com/?x",
        "gs://bucket",
    ],
)
def test_wrong_addresses_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_artifacts(address)
    assert "secret" not in str(refusal.value)


def test_places_are_read() -> None:
    assert read_artifacts("files") == Path.cwd() / "files"
    assert read_artifacts("s3://bucket") == S3Url("bucket")
    read = read_artifacts("s3://bucket/of/ours/?public=https://files.example.com/bucket/")
    assert read == S3Url("bucket", "of/ours", "https://files.example.com/bucket")
    assert str(read) == "s3://bucket/of/ours"


def test_the_command_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = tmp_path / "key", tmp_path / "secret"
    secret.write_text("of a file\n")
    for name, value in (
        ("PLATFORM_REPORT_ARTIFACTS", "s3://bucket/of/ours"),
        ("PLATFORM_REPORT_SIGNING_KEY_FILE", str(key)),
        ("AWS_ACCESS_KEY_ID", "of a variable"),
        ("AWS_ACCESS_KEY_ID_FILE", "/no/such/file"),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_SECRET_ACCESS_KEY_FILE", str(secret)),
    ):
        monkeypatch.setenv(name, value)
    told = {"artifacts": S3Url("bucket", "of/ours"), "signing_key": key, "makes_signing_key": False}
    assert read_option(Namespace(artifacts=None)) == told
    assert read_option(Namespace(artifacts=str(tmp_path))) == told | {"artifacts": tmp_path}
    assert (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]) == ("of a variable", "of a file")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ConfigurationError, match=r"^AWS_ACCESS_KEY_ID_FILE: /no/such/file: cannot be read"):
        read_option(Namespace(artifacts=None))


def test_what_lacks_is_told_when_the_server_starts(
    in_bucket: Settings, bucket: S3Url, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoreError, match=r"s3://not-there: the bucket cannot be used: .*NoSuchBucket"):
        serve(replace(in_bucket, artifacts=S3Url("not-there")), Place(), pytest.fail)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingsError, match="AWS_SECRET_ACCESS_KEY"):
        open_artifacts(replace(bucket, public="https://files.example.com"), in_bucket.staging)
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "platform_report_server.storage.s3")
    with pytest.raises(SettingsError, match=r"pip install 'pytest-platform-report\[s3\]'"):
        open_artifacts(bucket, in_bucket.staging)


@contextmanager
def _clients(*links: str) -> Iterator[list[Api]]:
    with ExitStack() as stack:
        urls = [link.partition("/?")[0] for link in links]
        clients = [httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=DEADLINE) for url in urls]
        yield [Api(stack.enter_context(client)) for client in clients]
