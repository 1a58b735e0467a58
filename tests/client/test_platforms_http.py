"""What becomes of a request, against servers that behave badly."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import DEADLINE, KEY, Server, hang_up, reply, reset, serve, unused_port

from pytest_platform_report.errors import Busy, DeliveryError, NotSent, OutcomeUnknown, Refused
from pytest_platform_report.platforms._http import LARGEST_ANSWER, Answer, Http, Timeouts, Upload
from pytest_platform_report.platforms.limits import group_of

SHORT = Timeouts(answer=0.3)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def send(server: Server | str, *, timeouts: Timeouts | None = None, expect: str = "id") -> Answer:
    http = Http(server if isinstance(server, str) else server.url, KEY, timeouts=timeouts)
    try:
        return http.request("POST", "/runs", json={"a": 1}, idempotency_key="once", expect=expect)
    finally:
        http.close()


def trickle(server: Server, head: bytes) -> Callable[[socket.socket], None]:
    def send_slowly(connection: socket.socket) -> None:
        connection.sendall(head)
        while not server.ended.wait(0.02):
            connection.sendall(b"x")

    return send_slowly


class TestAnswered:
    def test_request_carries_key_agent_and_idempotency_key(self, server: Server) -> None:
        server.will(reply(201, {"id": "run_1"}, headers={"Platform-Capabilities": "attempts"}))
        answer = send(server)
        assert (answer.status, answer.body) == (201, {"id": "run_1"})
        assert answer.headers["platform-capabilities"] == "attempts"
        (seen,) = server.seen
        assert (seen.method, seen.path, seen.json) == ("POST", "/api/runs", {"a": 1})
        assert seen.headers["x-api-key"] == KEY
        assert seen.headers["idempotency-key"] == "once"
        assert seen.headers["content-type"] == "application/json"
        assert seen.headers["user-agent"].startswith("pytest-platform-report/")

    def test_compressed_answer(self, server: Server) -> None:
        server.will(reply(200, gzip.compress(b'{"id": "run_1"}'), headers={"Content-Encoding": "gzip"}))
        assert send(server).body == {"id": "run_1"}

    def test_lone_surrogate_costs_one_character(self, server: Server) -> None:
        server.will(reply(200, {"id": "run_1"}))
        http = Http(server.url, KEY)
        http.request("POST", "/tests", json={"title": "a\udc80b é"})
        http.close()
        assert server.seen[0].json == {"title": "a?b é"}

    @pytest.mark.parametrize(
        ("content", "type_", "said"),
        [
            (b"<html><title>Sign in</title>", "text/html", r"text/html .*'<html><title>Sign in</title>'"),
            (b"", "application/json", "an empty body"),
            (b'{"ok": true}', "application/json", r"where JSON with 'id' was expected: '{\"ok\": true}'"),
            (b'{"id": 7}', "application/json", "JSON with 'id'"),
            (b"[1]", "application/json", r"'\[1\]'"),
            (b"\xff\xfe" + b"x" * 500, "application/octet-stream", r"x{70}\.\.\.'"),
            (b"[" * 100_000, "application/json", "JSON with 'id'"),
        ],
    )
    def test_success_that_is_none(self, server: Server, content: bytes, type_: str, said: str) -> None:
        server.will(reply(200, content, type_=type_))
        with pytest.raises(OutcomeUnknown, match=said) as caught:
            send(server)
        assert caught.value.permanent
        assert "is PLATFORM_URL the platform's own address?" in str(caught.value)

    def test_redirect_is_not_followed(self, server: Server) -> None:
        server.will(reply(302, b"", headers={"Location": "https://login.example/?next=/api"}))
        with pytest.raises(Refused, match=r"answered 302, a redirect to https://login\.example/") as caught:
            send(server)
        assert caught.value.status == 302
        assert len(server.seen) == 1

    def test_refusal_tells_the_platforms_own_words(self, server: Server) -> None:
        error = {"code": "VALIDATION_ERROR", "message": "Field 'projectId'\n is \x1b[31mrequired\x1b[0m"}
        server.will(reply(400, {"error": error}))
        with pytest.raises(Refused, match="answered 400 VALIDATION_ERROR: Field 'projectId' is required") as caught:
            send(server)
        assert (caught.value.status, caught.value.code, caught.value.permanent) == (400, "VALIDATION_ERROR", True)
        assert str(caught.value).startswith(f"POST {server.url}/runs: ")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b'{"detail": "no such run"}', "answered 404: no such run"),
            (b'{"error": "gone"}', "answered 404: gone"),
            (b'{"message": "nothing here"}', "answered 404: nothing here"),
            (b"<h1>Not Found</h1>", "answered 404: '<h1>Not Found</h1>'"),
            (b"", "answered 404$"),
            (b'{"error": {"message": "' + b"long " * 500 + b'"}}', r"(long ){90,98}\w*\.\.\.$"),
        ],
    )
    def test_other_forms_of_an_error(self, server: Server, content: bytes, said: str) -> None:
        server.will(reply(404, content))
        with pytest.raises(Refused, match=said):
            send(server)

    def test_key_is_masked_and_its_place_named(self, server: Server) -> None:
        server.will(reply(401, {"error": {"code": "UNAUTHORIZED", "message": f"unknown key {KEY}"}}))
        with pytest.raises(Refused, match="PLATFORM_API_KEY") as caught:
            send(server)
        assert KEY not in str(caught.value)

    def test_error_whose_text_breaks_off_keeps_its_status(self, server: Server) -> None:
        server.will(b'HTTP/1.1 413 Too Large\r\nContent-Length: 900\r\n\r\n{"error"')
        with pytest.raises(Refused) as caught:
            send(server)
        assert caught.value.status == 413


class TestLimits:
    @pytest.mark.parametrize(
        ("headers", "told"),
        [
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}, [12.0]),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "0"}, [0.0]),
            ({"X-RateLimit-Remaining": " 0 ", "X-RateLimit-Reset": "86400"}, [300.0]),
            (
                {
                    "Date": "Fri, 01 Jan 2010 00:00:00 GMT",
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": "1262304030",
                },
                [30.0],
            ),
            ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "12"}, []),
            ({"X-RateLimit-Remaining": "0"}, []),
            ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, []),
            ({"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "12"}, []),
            ({"X-RateLimit-Limit": "60"}, []),
            ({}, []),
        ],
    )
    def test_last_request_that_is_allowed(self, server: Server, headers: dict[str, str], told: list[float]) -> None:
        server.will(reply(201, {"id": "test_1"}, headers=headers))
        waits: list[tuple[str, float]] = []
        http = Http(server.url, KEY, told=lambda group, wait: waits.append((group, wait)))
        http.request("POST", "/tests", json={})
        http.close()
        assert waits == [("tests write", wait) for wait in told]

    @pytest.mark.parametrize(
        ("method", "path", "group"),
        [
            ("POST", "/runs", "runs write"),
            ("PATCH", "/runs/run_1", "runs write"),
            ("DELETE", "/runs/run_1", "runs write"),
            ("GET", "/runs", "runs read"),
            ("GET", "/runs/run_1", "runs read"),
            ("POST", "/tests", "tests write"),
            ("POST", "/tests/bulk", "tests write"),
            ("POST", "/test-suites", "tests write"),
            ("GET", "/test-suites", "tests read"),
            ("GET", "/tests/test_1/steps", "tests read"),
            ("POST", "/upload", "uploads"),
        ],
    )
    def test_error_names_the_group_that_is_limited(self, server: Server, method: str, path: str, group: str) -> None:
        server.will(reply(429, headers={"Retry-After": "1"}))
        http = Http(server.url, KEY)
        with pytest.raises(Busy) as caught:
            http.request(method, path)
        http.close()
        assert caught.value.group == group == group_of(method, path)


class TestBusy:
    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_statuses(self, server: Server, status: int) -> None:
        server.will(reply(status, {"error": {"code": "X", "message": "later"}}))
        with pytest.raises(Busy, match=f"answered {status} X: later") as caught:
            send(server)
        assert (caught.value.status, caught.value.wait, caught.value.permanent) == (status, None, False)

    @pytest.mark.parametrize(
        ("headers", "wait"),
        [
            ({"Retry-After": "7"}, 7.0),
            ({"Retry-After": " 1.5 "}, 1.5),
            ({"Retry-After": "0"}, 0.5),
            ({"Retry-After": "86400"}, 300.0),
            ({"Retry-After": "-3"}, None),
            ({"Retry-After": "inf"}, None),
            ({"Retry-After": "nan"}, None),
            ({"Retry-After": "soon"}, None),
            ({"Retry-After": ""}, None),
            # The clock of the reply counts, which may be years away from ours.
            ({"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "Retry-After": "Fri, 01 Jan 2010 00:00:42 GMT"}, 42.0),
            ({"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "Retry-After": "Thu, 31 Dec 2009 23:00:00 GMT"}, 0.5),
            ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, 300.0),
            ({"Retry-After": "Fri, 99 Jan 2100 00:00:00 GMT"}, None),
            ({"X-RateLimit-Reset": "12"}, 12.0),
            ({"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "X-RateLimit-Reset": "1262304030"}, 30.0),
            ({"Date": "Fri, 01 Jan 2010 00:00:00 GMT", "X-RateLimit-Reset": "1262304030000"}, 30.0),
            ({"Retry-After": "3", "X-RateLimit-Reset": "12"}, 3.0),
            ({"X-RateLimit-Reset": "tomorrow"}, None),
        ],
    )
    def test_forms_of_the_wait(self, server: Server, headers: dict[str, str], wait: float | None) -> None:
        server.will(reply(429, headers=headers))
        with pytest.raises(Busy) as caught:
            send(server)
        assert caught.value.wait == wait

    def test_reset_moment_counts_on_429_only(self, server: Server) -> None:
        server.will(reply(503, headers={"X-RateLimit-Reset": "12"}))
        with pytest.raises(Busy) as caught:
            send(server)
        assert caught.value.wait is None


class TestUnknown:
    def test_reset_after_the_request(self, server: Server) -> None:
        server.will(reset)
        with pytest.raises(OutcomeUnknown, match="no usable answer") as caught:
            send(server)
        assert not caught.value.permanent

    def test_reset_before_the_request_was_read(self, server: Server) -> None:
        # It looks the same from here as one that was carried out, so it must not be taken for unsent.
        def reset_unread(connection: socket.socket) -> None:
            connection.recv(1, socket.MSG_PEEK)
            reset(connection)

        server.reads = False
        server.will(reset_unread)
        with pytest.raises(OutcomeUnknown):
            send(server)

    def test_closed_without_an_answer(self, server: Server) -> None:
        server.will(hang_up)
        with pytest.raises(OutcomeUnknown, match="RemoteProtocolError"):
            send(server)

    def test_silence(self, server: Server) -> None:
        server.will(lambda connection: server.ended.wait(DEADLINE))
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            send(server, timeouts=Timeouts(read=0.2))

    def test_half_an_answer(self, server: Server) -> None:
        server.will(b'HTTP/1.1 201 Created\r\nContent-Length: 900\r\n\r\n{"id": "run_1"}')
        with pytest.raises(OutcomeUnknown) as caught:
            send(server)
        assert not caught.value.permanent

    @pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", b""])
    def test_trickle(self, server: Server, head: bytes) -> None:
        server.will(trickle(server, head or b"HTTP/1.1 200 OK\r\nX-Slow: "))
        with pytest.raises(OutcomeUnknown, match=r"no whole answer in 0\.3 s"):
            send(server, timeouts=SHORT)

    def test_answer_without_end(self, server: Server) -> None:
        def flood(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not server.ended.is_set():
                connection.sendall(b"x" * 65536)

        server.will(flood)
        with pytest.raises(OutcomeUnknown, match="more than 16,777,216 bytes"):
            send(server)

    def test_small_answer_that_unpacks_to_a_large_one(self, server: Server) -> None:
        packed = gzip.compress(b" " * (LARGEST_ANSWER + 1))
        server.will(reply(200, packed, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(OutcomeUnknown, match="more than 16,777,216 bytes"):
            send(server)

    def test_answer_that_cannot_be_unpacked(self, server: Server) -> None:
        server.will(reply(200, b"no gzip", headers={"Content-Encoding": "gzip"}))
        with pytest.raises(OutcomeUnknown, match="DecodingError"):
            send(server)

    def test_no_http_at_all(self, server: Server) -> None:
        server.will(b"SSH-2.0-OpenSSH_9.6\r\n")
        with pytest.raises(OutcomeUnknown, match="RemoteProtocolError"):
            send(server)


class TestNotSent:
    def test_nobody_listens(self) -> None:
        with pytest.raises(NotSent, match="not sent \\(ConnectError") as caught:
            send(f"http://127.0.0.1:{unused_port()}/api")
        assert not caught.value.permanent

    @pytest.mark.parametrize("url", ["http://a..b/api", f"http://{'a' * 70}.example/api", "ftp://127.0.0.1/api"])
    def test_address_that_is_none(self, url: str) -> None:
        with pytest.raises(NotSent, match="cannot be sent") as caught:
            send(url)
        assert caught.value.permanent

    def test_number_that_json_cannot_say(self, server: Server) -> None:
        http = Http(server.url, KEY)
        with pytest.raises(NotSent, match="cannot be sent \\(ValueError") as caught:
            http.request("POST", "/tests", json={"duration": float("nan")})
        http.close()
        assert caught.value.permanent
        assert not server.seen

    def test_file_that_is_gone(self, server: Server, tmp_path: Path) -> None:
        http = Http(server.url, KEY)
        with pytest.raises(NotSent, match="FileNotFoundError"):
            http.request("POST", "/upload", upload=Upload(tmp_path / "gone.png", "gone.png", "image/png", {}))
        http.close()
        assert not server.seen

    def test_key_that_no_header_can_carry(self) -> None:
        with pytest.raises(NotSent, match="no HTTP client can be made") as caught:
            Http("http://127.0.0.1/api", "schlüssel-schlüssel-✓")
        assert caught.value.permanent
        assert "✓" not in str(caught.value)

    def test_certificate_file_that_is_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        path = tmp_path / "certificates.pem"
        path.write_text("no certificate")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with pytest.raises(NotSent, match=r"SSLError.*look at .*SSL_CERT_FILE") as caught:
            Http("https://127.0.0.1/api", KEY)
        assert caught.value.permanent
        assert isinstance(caught.value.__cause__, ssl.SSLError)

    def test_proxy_of_an_unknown_kind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")
        with pytest.raises(NotSent, match="no HTTP client can be made"):
            Http("https://platform.example/api", KEY)


class TestProxy:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    def test_loopback_goes_around_it(self, server: Server, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
        server.will(reply(200, {"id": "run_1"}))
        assert send(server.url.replace("127.0.0.1", host)).body == {"id": "run_1"}

    def test_other_hosts_go_through_it(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", server.address)
        server.will(reply(200, {"id": "run_1"}))
        assert send("http://platform.example/api").body == {"id": "run_1"}
        assert server.seen[0].headers["host"] == "platform.example"

    def test_refusing_one_is_before_the_request(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", server.address)
        server.will(reply(407))
        with pytest.raises(NotSent, match="ProxyError") as caught:
            send("https://platform.example/api")
        assert not caught.value.permanent
        assert server.seen[0].method == "CONNECT"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{path}.key", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


class TestTls:
    @pytest.fixture
    def server(self, certificate: Path) -> Iterator[Server]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, f"{certificate}.key")
        with serve(context) as server:
            yield server

    def test_unknown_issuer(self, server: Server) -> None:
        with pytest.raises(NotSent, match=r"not trusted .*set SSL_CERT_FILE") as caught:
            send(server)
        assert caught.value.permanent

    def test_issuer_from_the_environment(
        self, server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.will(reply(200, {"id": "run_1"}))
        assert send(server).body == {"id": "run_1"}

    def test_trickle(self, server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        server.will(trickle(server, b"HTTP/1.1 200 OK\r\nX-Slow: "))
        with pytest.raises(OutcomeUnknown, match=r"no whole answer in 0\.3 s"):
            send(server, timeouts=SHORT)

    def test_plain_http_where_tls_is_spoken(self, server: Server) -> None:
        with pytest.raises(DeliveryError):
            send(server.url.replace("https:", "http:"))


def test_upload_is_multipart(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "shot"
    path.write_bytes(b"\x89PNG" + b"x" * 300_000)
    server.will(reply(201, {"id": "artifact_1"}))
    http = Http(server.url, KEY)
    http.request("POST", "/upload", upload=Upload(path, "é.png", "image/png", {"type": "screenshot"}))
    http.close()
    (seen,) = server.seen
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert 'filename="é.png"\r\nContent-Type: image/png'.encode() in seen.body
    assert b'name="type"\r\n\r\nscreenshot' in seen.body
    assert path.read_bytes() in seen.body
