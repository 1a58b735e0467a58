"""Requests to addresses that somebody gave: what is public, or allowed, is connected to, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from platform_report_server.errors import SettingsError
from platform_report_server.ingest.deliveries import Outcome
from platform_report_server.reach import Reach
from platform_report_server.settings import Settings
from platform_report_server.webhooks.sending import Resolve, Sender, resolve
from server.receiver import receiving
from server.support import PROJECT, checked, opened

NOT_PUBLIC = [
    *("127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1"),
    *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:db8::1", "3fff::1"),
    *("fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "100::1", "no address", "127.1"),
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
HERE = ["localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.1"]
HERE += ["\uff11\uff12\uff17.0.0.1"]


def test_only_public_addresses_are_within_reach() -> None:
    assert [address for address in NOT_PUBLIC if Reach().allows("hooks.example", address)] == []
    assert [address for address in PUBLIC if Reach().allows("hooks.example", address)] == PUBLIC


def test_an_operator_allows_hosts_and_networks() -> None:
    reach = Reach.read(["10.1.0.0/16", "[fd12::1]", "Build.internal", "127.0.0.1"])
    assert reach.allows("any", "10.1.2.3")
    assert reach.allows("any", "::ffff:10.1.2.3")
    assert reach.allows("any", "fd12::1")
    assert reach.allows("build.internal.", "192.168.1.1")
    assert not reach.allows("any", "10.2.0.1")
    assert not reach.allows("x.build.internal", "192.168.1.1")
    for wrong in ("10.1.2.3/16", "host/8", "host:80", "", "10.0.0.0/33"):
        with pytest.raises(SettingsError, match="allowed to reach"):
            Reach.read([wrong])


@pytest.mark.parametrize("host", HERE)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        outcome = send(Sender(Reach()), f"http://{host}:{listening.getsockname()[1]}/")
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert outcome.error is not None
    assert "not public" in outcome.error or "cannot be found" in outcome.error or "cannot be read" in outcome.error


def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    asked = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    with receiving("127.0.0.2") as allowed:
        port = int(allowed.url.rpartition(":")[2])
        with receiving("127.0.0.1", port) as other:
            sender = Sender(Reach.read(["127.0.0.2"]), rebinding)
            first, second = send(sender, f"http://hooks.example:{port}/a?b", times=2)
            assert first == Outcome(None, 204, "")
            fallback = Sender(Reach.read(["127.0.0.0/29"]), at("127.0.0.3", "127.0.0.2"))
            assert send(fallback, f"http://hooks.example:{port}/c").status == 204
            (request,) = allowed.came("/a?b")
            assert request.headers["host"] == f"hooks.example:{port}"
            assert second.error is not None
            assert "the host hooks.example has the address 127.0.0.1, which is not public" in second.error
            assert asked == [("hooks.example", port)] * 2  # once a request
            assert other.count("/a?b") == 0

    outcome = send(Sender(Reach.read(["127.0.0.2"]), at("127.0.0.2", "127.0.0.1")), f"http://hooks.example:{port}/")
    assert outcome.error is not None
    assert "127.0.0.1, which is not public" in outcome.error


def test_environment_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(Sender(Reach.read(["127.0.0.1"])), f"{receiver.url}/x").status == 204
        assert receiver.count("/x") == 1


def test_a_certificate_is_held_to_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = "subjectAltName=DNS:hooks.example"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=hooks.example", "-addext", names]
    subprocess.run(made, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    asked: list[Any] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.sni_callback = lambda connection, name, context: asked.append(name)

    with receiving(tls=tls) as receiver:
        port = receiver.url.rpartition(":")[2]
        sender = Sender(Reach.read(["127.0.0.1"]), at("127.0.0.1"))
        right, wrong = send(sender, f"https://hooks.example:{port}/", f"https://other.example:{port}/")
    assert (right.status, asked) == (204, ["hooks.example", "other.example"])
    assert wrong.error is not None
    assert "certificate" in wrong.error.lower()


def test_who_does_not_answer_is_not_waited_for() -> None:
    with receiving() as receiver:
        receiver.held = {"/hangs"}
        outcome = send(Sender(Reach.read(["127.0.0.1"]), resolve, 0.2), f"{receiver.url}/hangs")
        assert outcome == Outcome("no answer within 0.2 s")
        receiver.let_go()
    assert "no connection to 127.0.0.1" in str(send(Sender(Reach.read(["127.0.0.1"])), f"{receiver.url}/").error)


def test_addresses_that_nobody_can_read_end_at_once() -> None:
    for url in (
        "ftp://example.com",
        "http://",
        "http://[::1",
        "http://exa mple\x00.com",
        "http://a:b",
        "http://\udcff",
    ):
        assert send(Sender(Reach()), url).is_final, url
    assert "cannot be found" in str(send(Sender(Reach()), f"http://{'a' * 70}.example/").error)


def test_a_server_refuses_what_its_operator_did_not_allow(settings: Settings) -> None:
    with receiving("127.0.0.2") as receiver, opened(settings) as api:
        body = {"projectId": PROJECT, "url": receiver.url, "events": ["run.failed"]}
        hook = checked(api.http.post("/api/webhooks", json=body), 201)["id"]
        ping = checked(api.http.post(f"/api/webhooks/{hook}/test"), 200)
        assert ping["status"] == "failed"
        assert "127.0.0.2, which is not public" in ping["error"]
        assert receiver.count("/") == 0


def at(*addresses: str) -> Resolve:
    async def known(host: str, port: int) -> Sequence[str]:
        return addresses

    return known


def send(sender: Sender, *urls: str, times: int = 1) -> Any:
    async def all_of_them() -> list[Outcome]:
        outcomes = [await sender.send(url, {"X-A": "b"}, b"{}") for url in urls * times]
        await sender.close()
        return outcomes

    outcomes = asyncio.run(all_of_them())
    return outcomes[0] if len(outcomes) == 1 else outcomes
