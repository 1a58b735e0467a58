"""The pages of files: how each is shown, and which pictures are compared."""

from __future__ import annotations

import re
from typing import Any

import pytest

from server.browsing import OUR_SCRIPTS, Page
from server.pictures import photo
from server.support import HOSTILE, ZIP, Api, checked

OGG, WEBM = b"OggS" + bytes(60), b"\x1a\x45\xdf\xa3" + bytes(60)


@pytest.fixture
def test(standing: Api) -> Any:
    run = standing.new_run()
    return standing.new_test(run) | {"run": run}


def test_files_are_shown_as_what_they_are(standing: Api, test: Any) -> None:
    def upload(name: str, content: bytes, kind: str = "attachment") -> str:
        return str(standing.upload(test["run"], name, content, kind, testId=test["id"])["id"])

    upload("cart.webm", WEBM, "video")
    upload("cart.jpg", photo())
    trace, sound = upload("trace.zip", ZIP, "trace"), upload("beep.ogg", OGG)
    upload("data.bin", bytes(9))
    page = read(standing, f"/tests/{test['id']}")
    assert re.search(r'<video .*preload="none" src="/api/artifacts/\S+" poster="\S+/thumbnail\S+"', page.source)
    assert {"video", "audio", "dialog"} <= page.tags
    assert page.text.count("playwright show-trace FILE") == 1
    assert len([link for link in page.links if link.startswith("/artifacts/")]) == 4  # all but data.bin
    assert "playwright show-trace FILE" in read(standing, f"/artifacts/{trace}").text
    assert "audio" in read(standing, f"/artifacts/{sound}").tags

    deep = b"[" * 5000 + b"]" * 5000
    for name, content, shown in (
        ("answer.json", b'{"paid":[1e400,"}"]}', '{\n  "paid": [\n    1e400,\n    "}"\n  ]\n}'),
        ("deep.json", deep, deep.decode()),
        ("broken.json", b'{"paid":', '{"paid":'),
        ("hostile.html", HOSTILE.replace("\0", "").encode(), "<script>alert('x')</script>"),
        ("latin.txt", b"caf\xe9 \xe2\x82\xac", "caf\N{REPLACEMENT CHARACTER} \N{EURO SIGN}"),
        ("long.log", b"x" * 300_000, "The first 256.0 KiB of it"),
        ("odd.txt", b"a\0b", "There is nothing to show"),
        ("empty.txt", b"", "0 Bytes"),
    ):
        page = read(standing, f"/artifacts/{upload(name, content)}")
        assert shown in page.text, name
        assert len(page.source) < 300_000
        assert page.scripts <= OUR_SCRIPTS
        assert page.handlers == set()


def test_pictures_are_compared_by_their_names(standing: Api, test: Any) -> None:
    names = (
        *("attempt-1-cart.png", "attempt-2-cart.png", "attempt-3-cart.png"),
        *("pay-expected.png", "pay-actual.png", "pay-diff.png", "Expected_list.png", "actual_list.png"),
        *("twice.png", "twice.png", "search.png", "search-result.png", "unexpected.png", "expected.txt"),
    )
    files = []
    for name in names:
        kind, content = ("screenshot", photo()) if name.endswith("png") else ("attachment", b"")
        files.append(standing.upload(test["run"], name.replace("png", "jpg"), content, kind, testId=test["id"])["id"])
    page = read(standing, f"/tests/{test['id']}")
    pairs = {tuple(link.split("/")[2::2]) for link in page.links if "/compare/" in link}
    at = {name: files[number] for number, name in enumerate(names)}
    twice = (files[names.index("twice.png")], at["twice.png"])
    assert pairs == {
        *((at[f"attempt-{number}-cart.png"], at["attempt-3-cart.png"]) for number in (1, 2)),
        (at["attempt-1-cart.png"], at["attempt-3-cart.png"]),
        *((at["pay-expected.png"], at["pay-actual.png"]), (at["Expected_list.png"], at["actual_list.png"])),
        twice,
    }

    page = read(standing, f"/artifacts/{at['pay-expected.png']}/compare/{at['pay-diff.png']}?view=swipe")
    assert "expected and diff" in page.text
    assert "Both are the same, byte for byte." in page.text
    assert f"/artifacts/{at['pay-expected.png']}/compare/{at['pay-actual.png']}?view=swipe" in page.links
    assert 'class="compared swipe"' in page.source
    path = "/artifacts/{}/compare/{}".format(*twice)
    assert "(1 of 2) and (2 of 2)" in read(standing, path).text
    assert 'class="compared side-by-side"' in read(standing, f"{path}?view=<b>").source
    for other in (at["attempt-1-cart.png"], at["expected.txt"], "artifact_nope"):
        answer = standing.http.get(f"/artifacts/{twice[0]}/compare/{other}")
        assert answer.status_code == 404
        assert "not two pictures of the same thing" in answer.text
    before = read(standing, f"/artifacts/{at['attempt-2-cart.png']}")
    assert {f"/artifacts/{at[f'attempt-{number}-cart.png']}" for number in (1, 3)} <= before.links


def test_what_belongs_to_the_run_has_pages_too(standing: Api) -> None:
    run = standing.new_run()
    made = [standing.upload(run, "shot.jpg", photo())["id"] for _ in range(2)]
    assert f"/artifacts/{made[0]}/compare/{made[1]}" in read(standing, f"/runs/{run['id']}").links
    assert "shot.jpg" in read(standing, f"/artifacts/{made[0]}").text
    checked(standing.http.delete(f"/api/runs/{run['id']}"), 200)
    assert standing.http.get(f"/artifacts/{made[0]}").status_code == 404


def read(api: Api, path: str) -> Page:
    response = api.http.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 200, response.text
    return Page(response.text)
