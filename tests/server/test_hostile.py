"""A hostile client: whatever it sends is refused in words or taken as mere text, and the server stays up, and small."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import select
import socket
import threading
import time
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from platform_report_server.api.routes import api_routes
from platform_report_server.connection import LONGEST_HEAD, Connection
from platform_report_server.model import NewRun, NewSuite, NewTest
from platform_report_server.settings import Settings
from server.filled import texts_of
from server.process import process
from server.support import DEADLINE, KEY, PNG, PROJECT, ZIP, Api, checked, in_threads, serving

pytestmark = [pytest.mark.newest, pytest.mark.uncovered]

MB = 2**20
ALLOWED = {"X-API-Key": KEY}
TEXTS = [
    "'; DROP TABLE run; --",
    '" OR 1=1 --',
    "') UNION SELECT key_hash FROM api_key --",
    "%' ESCAPE '\\",
    "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %>#{7*7}",
    "../../../../etc/passwd",
    "..\\..\\x",
    "a\r\nX-Injected: yes\r\n\r\n<b>",
    "nul\0byte",
    "\u202e\u2066\ufeff\x1b[31m\x7f",
    "%00%0a%2e%2e%2f",
    "<script>alert(1)</script>\"'><svg onload=alert(1)>",
    "\U0010ffff\ud7ff\ufffe",
    "x" * 100_000,
]
OPERATIONS = [
    (route.path, method, operation) for route in api_routes() for method, operation in route.operations.items()
]


def spoken_to(response: httpx.Response) -> None:
    """Check that the server did not fail and that an error has the API's one shape."""
    assert response.status_code < 500, response.text
    assert "X-Injected" not in response.headers
    if response.status_code >= 400:
        (error,) = response.json().values()
        assert list(error) == ["code", "message", "details"]


@pytest.mark.both_stores
def test_texts_stay_texts_in_every_field(api: Api) -> None:
    for text in TEXTS:
        kept = text.replace("\0", "\ufffd")
        run = checked(api.http.post("/api/runs", json=texts_of(NewRun, text, projectId=PROJECT, status="running")), 201)
        assert (run["branch"], run["commitMessage"], run["tags"]) == (kept, kept, [text])
        fields = {"runId": run["id"], "projectId": PROJECT, "status": "failed", "duration": 1}
        body = texts_of(NewTest, text, **fields)
        test = checked(api.http.post("/api/tests", json=body), 201)
        assert (test["title"], test["fullTitle"]) == (text, text)
        shown = api.get(f"/api/tests/{test['id']}")
        assert (shown["stdout"], shown["error"]["message"], shown["filePath"]) == (text, text, kept)
        (entry,) = api.bulk([body])
        assert entry["id"]
        suite = texts_of(NewSuite, text, runId=run["id"], projectId=PROJECT)
        spoken_to(api.http.post("/api/test-suites", json=suite))
        del suite["parentSuiteId"]
        checked(api.http.post("/api/test-suites", json=suite), 200)  # the results have made it
        found = api.get(f"/api/tests?projectId={PROJECT}&runId={run['id']}&search={quote(text[:1000], safe='')}")
        assert found["total"] == 2
    assert api.get("/api/runs", projectId=PROJECT)["total"] == len(TEXTS)


def test_texts_stay_texts_in_every_body(tmp_path: Path) -> None:
    with serving(Settings.embedded(tmp_path)) as url, httpx.Client(base_url=url, timeout=60) as http:
        for path, method, operation in OPERATIONS:
            if operation.body is not None:
                for text in TEXTS:
                    body, place = texts_of(operation.body, text), re.sub(r"{\w+}", "x", path)
                    spoken_to(http.request(method, place, json=body))
                    spoken_to(http.request(method, place, json=body | {"projectId": PROJECT}))
                    if operation.is_form:
                        spoken_to(http.request(method, place, files={"file": (text, PNG)}, data=body))


@pytest.mark.both_stores
def test_texts_stay_texts_in_addresses_and_headers(api: Api) -> None:
    addresses = [
        *(quote(text[:3000], safe="") for text in TEXTS),
        "%ff%fe",
        "%ed%a0%80",
        "%",
        "%zz",
        "..%2f..%2fpasswd",
    ]
    for path, method, operation in OPERATIONS:
        for text in addresses:
            place = re.sub(r"{\w+}", text, path)
            others = "&".join(f"{each.name}={PROJECT}" for each in operation.query if each.required)
            for name in [each.name for each in operation.query] or ["unknown"]:
                for query in (f"{others}&{name}={text}", f"{text}={text}&{name}={text}&{name}="):
                    spoken_to(api.http.request(method, f"{place}?{query}"))
        place = re.sub(r"{\w+}", "x", path)
        for text in ("' OR 1=1 --", "x" * 20_000, "\u00fc", "a, b"):
            for name in ("X-API-Key", "Idempotency-Key", "Content-Type", "Content-Encoding", "Range", "Cookie"):
                headers = httpx.Headers({name: text}, encoding="utf-8")
                spoken_to(api.http.request(method, place, headers=headers, content=b"{}"))


@pytest.mark.both_stores
def test_numbers_without_measure_are_refused(api: Api) -> None:
    run = api.new_run()
    body = json.dumps(api.test_body(run)).replace('"duration": 12', '"duration": NUMBER')
    for number in ("1e999", "-1e999", "9" * 5000, "-1", "1e308", "0." + "1" * 5000, "0x10", "Infinity", "-0", "1e-999"):
        spoken_to(api.http.post("/api/tests", content=body.replace("NUMBER", number)))
        for name in ("limit", "offset"):
            spoken_to(api.http.get("/api/tests", params={"projectId": PROJECT, name: number}))
    assert api.get(f"/api/runs/{run['id']}")["totalTests"] <= 3


def test_bodies_without_measure_are_refused_or_taken(api: Api) -> None:
    run = api.new_run()
    deep = "[" * 1_000_000 + "]" * 1_000_000
    plain = json.dumps(api.test_body(run))[:-1]
    for more in (deep, '{"a":' * 200_000 + "1" + "}" * 200_000):
        for body in (f'{plain}, "unknown": {more}}}', f'{plain}, "steps": {more}}}', more):
            spoken_to(api.http.post("/api/tests", content=body))
            spoken_to(api.http.post("/api/tests/bulk", content=f'{{"tests": [{body}]}}'))
    many = ",".join(f'"f{number}":{number}' for number in range(1_000_000))
    spoken_to(api.http.post("/api/tests", content=f"{plain},{many}}}"))
    spoken_to(api.http.post("/api/runs", json={"projectId": PROJECT, "status": "running", "tags": ["t"] * 1_000_000}))
    spoken_to(api.http.post("/api/tests", content=f"{plain}, {plain[1:]}}}"))
    boundary = {"Content-Type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n'
    spoken_to(api.http.post("/api/upload", content=part * 200_000, headers=boundary))
    spoken_to(api.http.post("/api/upload", content=b"--b\r\n" + b"A: b\r\n" * 200_000, headers=boundary))


def test_odd_ranges_are_passed_over(api: Api) -> None:
    made = api.upload(api.new_run())
    for wanted in ("bytes=" + "0-0,1-1," * 5000, "bytes=9999-", "bytes=5-1", "bytes=-", "lines=1", "bytes=-9999"):
        response = httpx.get(made["url"], headers={"Range": wanted})
        assert (response.status_code, len(response.content)) == (200, made["fileSize"])


def test_what_is_not_http_is_refused(url: str) -> None:
    get, post = (f"{method} /api/runs HTTP/1.1\r\nHost: x\r\n".encode() for method in ("GET", "POST"))
    for sent in (
        b"\0\xff\x16\x03\x01 nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"FOO /api/runs HTTP/1.1\r\nHost: x\r\n\r\n",
        get + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        post + b"Content-Length: -1\r\n\r\n",
        post + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        post + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        get + b"X: " + b"x" * (8 * LONGEST_HEAD) + b"\r\n",
        get + b"X: x\r\n" * LONGEST_HEAD,
        b"GET /" + b"x" * (8 * LONGEST_HEAD),
    ):
        answer = exchange(url, sent)
        status, _, rest = answer.partition(b"\r\n")
        assert re.fullmatch(rb"HTTP/1.1 40[0-9] .*", status), (sent[:100], answer)
        spoken_to(httpx.Response(int(status.split()[1]), content=rest.partition(b"\r\n\r\n")[2]))
    assert httpx.get(f"{url}/api/runs").status_code == 401


def test_requests_in_a_row_are_answered_each(url: str) -> None:
    one = f"GET /api/nothing HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n".encode()
    last = one.replace(b"Host", b"Connection: close\r\nHost")
    assert exchange(url, one * 50 + last).count(b"HTTP/1.1 404 ") == 51
    assert exchange(url, one + b"garbage\r\n\r\n").startswith(b"HTTP/1.1 40")


class Hurried(Connection):
    patience = 0.2


def test_what_trickles_is_ended(settings: Settings) -> None:
    known = f"Host: x\r\nX-API-Key: {KEY}\r\n".encode()
    trickles = [
        (b"", b""),
        (b"GET /api/runs HTTP/1.1\r\nHost: x\r\n", b"X: x\r\n"),
        (b"POST /api/runs HTTP/1.1\r\n" + known + b"Content-Length: 9999\r\n\r\n{", b" "),
        (b"POST /api/tests HTTP/1.1\r\n" + known + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"POST /api/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{", b" "),
    ]
    with serving(settings, Hurried) as url:
        in_threads(len(trickles), lambda number: trickle(url, *trickles[number]))
        with httpx.Client(base_url=url, headers=ALLOWED) as http:
            api = Api(http)
            assert api.upload(api.new_run(), "large.png", PNG + bytes(4 * MB))["fileSize"] > 4 * MB


class Unhurried(Connection):
    patience = 1.0


def test_a_download_that_is_hardly_read_is_ended(settings: Settings) -> None:
    with serving(settings, Unhurried) as url, httpx.Client(base_url=url, headers=ALLOWED) as http:
        content, is_over = ZIP + bytes(20 * MB), threading.Event()
        made = urlsplit(Api(http).upload(Api(http).new_run(), "large.zip", content, "trace")["url"])
        request = f"GET {made.path}?{made.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

        def read_hardly() -> int:
            deadline, end = time.monotonic() + DEADLINE, select.poll()
            with connected(url) as client:
                client.sendall(request)
                end.register(client, 0)
                while not end.poll(20):
                    assert time.monotonic() < deadline
                    client.recv(16)
                is_over.set()
                return len(drained(client))

        def read_slowly() -> int:
            came = 0
            with connected(url) as client:
                client.sendall(request)
                while part := client.recv(65536):
                    came += len(part)
                    is_over.wait(0.02)
            return came

        cut, whole = in_threads(2, lambda number: (read_hardly, read_slowly)[number]())
        assert cut < len(content) < whole


def trickle(url: str, sent: bytes, more: bytes) -> None:
    """Send more and more, until the server ends the connection."""
    with connected(url) as client:
        client.sendall(sent)
        client.settimeout(0.02)
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            try:
                client.sendall(more)
                if client.recv(65536) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    pytest.fail(f"the server still waits for the rest of {sent!r}")


def test_memory_stays_within_bounds(settings: Settings) -> None:
    with (
        process(settings) as (server, link),
        httpx.Client(base_url=link.partition("?")[0], headers=ALLOWED) as http,
    ):
        api = Api(http)
        run = api.new_run()
        before = resident(server.pid)
        bomb = gzip.compress(bytes(100 * MB), 1)
        for path in ("/api/runs", "/api/tests", "/api/tests/bulk") * 2:
            assert http.post(path, content=bomb, headers={"Content-Encoding": "gzip"}).status_code == 413
        assert api.post_file(run, "a.zip", b"PK\x03\x04" + bytes(60 * MB), "trace").status_code == 413
        for number in range(6):
            test = api.test_body(run, f"test_{number}", status="failed", stdout="x" * 8 * MB)
            checked(http.post("/api/tests", json=test | {"error": {"message": "x", "stack": "y" * 8 * MB}}), 201)
        listed = http.get("/api/tests", params={"projectId": PROJECT, "limit": 200})
        assert len(listed.content) < MB
        assert "characters cut" in checked(listed, 200)["data"][0]["error"]["stack"]
        assert resident(server.pid) - before < 250 * MB


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def connected(url: str) -> socket.socket:
    host, port = urlsplit(url).netloc.split(":")
    return socket.create_connection((host, int(port)), DEADLINE)


def drained(client: socket.socket) -> bytes:
    """Return what comes until the server ends the connection."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            came += part
    return came


def exchange(url: str, sent: bytes) -> bytes:
    with connected(url) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        return drained(client)
