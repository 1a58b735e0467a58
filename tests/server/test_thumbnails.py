"""Thumbnails of images: what they are, who gets them, and what an image can do to the server."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image

from platform_report_server.clock import now_ms
from platform_report_server.settings import Settings
from server.pictures import GREEN, RED, encoded, photo
from server.support import PNG, Api, checked, in_threads, refused, with_store


def thumbnail(made: Any) -> Image.Image:
    response = httpx.get(made["thumbnailUrl"])
    assert (response.status_code, response.headers["content-type"]) == (200, "image/webp")
    return Image.open(BytesIO(response.content))


@pytest.mark.both_stores
def test_an_image_has_one(api: Api, settings: Settings, folder: Path) -> None:
    run, another = api.new_run(), api.new_run()
    made = api.upload(run, "photo.jpg", photo())
    again = api.upload(another, "again.jpeg", photo(), "attachment")
    none = api.upload(run, "page.html", b"<svg/>", "attachment")
    assert none["thumbnailUrl"] is None
    (listed, *_) = api.get("/api/artifacts", runId=run["id"])["data"]
    assert httpx.URL(listed["thumbnailUrl"]).path == httpx.URL(made["thumbnailUrl"]).path
    assert _count(settings) == 0

    for small in in_threads(4, lambda number: thumbnail((made, again)[number % 2])):
        assert small.size == (320, 128)
        left, right = (small.convert("RGB").getpixel((x, 64)) for x in (80, 240))
        assert (_near(left, RED), _near(right, GREEN)) == (True, True)
        assert not small.getexif()
    response = httpx.get(made["thumbnailUrl"])
    assert b"Jane" not in response.content
    headers = response.headers
    assert (headers["content-disposition"], headers["x-content-type-options"]) == ("inline", "nosniff")
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cache-control"] == "private, max-age=3600"
    unchanged = httpx.get(made["thumbnailUrl"], headers={"If-None-Match": headers["etag"]})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", headers["etag"])
    assert httpx.head(made["thumbnailUrl"]).headers["content-length"] == str(len(response.content))
    assert httpx.get(made["url"]).content == photo()
    assert _count(settings) == 1

    checked(api.http.delete(f"/api/runs/{run['id']}"), 200)
    refused(httpx.get(made["thumbnailUrl"]), 404, "NOT_FOUND")
    assert thumbnail(again).size == (320, 128)
    checked(api.http.delete(f"/api/runs/{another['id']}"), 200)
    assert _count(settings) == 0


def test_links_are_for_thumbnails_only(standing: Api) -> None:
    made = standing.upload(standing.new_run(), "photo.jpg", photo())
    url = made["thumbnailUrl"]
    expires = int(parse_qs(urlsplit(url).query)["expires"][0])
    assert 3600 <= expires - now_ms() / 1000 + 1 <= 7201
    for changed in (
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace(f"expires={expires}", f"expires={expires + 1}"),
        url.replace("/thumbnail?", "/content?"),
        made["url"].replace("/content?", "/thumbnail?"),
        url.partition("?")[0],
    ):
        assert "not signed" in refused(httpx.get(changed), 403, "FORBIDDEN")


def test_what_cannot_be_read_has_none(standing: Api) -> None:
    run, whole = standing.new_run(), encoded(Image.effect_noise((500, 500), 50))
    frame = encoded(Image.new("P", (8, 8)), "GIF")
    head = frame.index(b"\x2c")
    frames = frame[:head] + frame[head:-1] * 10_000 + b";"
    zeros = zlib.compress(bytes(2**26), 1)
    for name, content, is_made in (
        ("nonsense.png", PNG, False),
        ("cut.png", whole[: len(whole) // 2], False),
        ("bomb.png", _png(30_000, 30_000, zeros), False),
        ("huge.png", _png(0x7FFFFFFF, 0x7FFFFFFF, b""), False),
        ("lies.png", _png(6000, 6000, zlib.compress(bytes(100))), False),
        ("texts.png", _png(8, 8, b"", b"zTXt", b"a\0\0" + zeros), False),
        ("frames.gif", frames, True),
        ("slim.png", encoded(Image.new("RGB", (2, 30_000))), True),
        ("clear.webp", encoded(Image.new("RGBA", (640, 8), (0, 0, 0, 0)), "WEBP"), True),
        ("grey.png", encoded(Image.new("I;16", (640, 8))), True),
    ):
        made = standing.upload(run, name, content)
        for _ in range(2):
            if is_made:
                assert max(thumbnail(made).size) <= 320, name
            else:
                assert "no image that can be read" in refused(httpx.get(made["thumbnailUrl"]), 404, "NOT_FOUND"), name
        assert httpx.get(made["url"]).content == content
    assert "not PNG" in refused(standing.post_file(run, "drawing.png", b"<svg/>"), 400, "VALIDATION_ERROR", "file")
    drawing = standing.upload(run, "drawing.png", b"<svg onload='alert(1)'/>", "attachment")
    assert (drawing["mimeType"], drawing["thumbnailUrl"]) == ("application/octet-stream", None)


def _png(width: int, height: int, data: bytes, kind: bytes = b"tEXt", more: bytes = b"a\0b") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (kind, more), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


def _near(colour: Any, expected: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 30 for one, other in zip(colour, expected, strict=True))


def _count(settings: Settings) -> int:
    ((count,),) = with_store(settings, "SELECT count(*) FROM thumbnail")
    return int(count)
