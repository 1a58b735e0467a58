"""Which requests bring the kept files to a platform, one that knows contents by their digests and one that does not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from journals import Author, Reader
from servers import Seen, Server, reply, serve

from pytest_platform_report.errors import Busy, Refused
from pytest_platform_report.platforms.capabilities import Capabilities
from pytest_platform_report.platforms.client import open_platform
from pytest_platform_report.settings import Settings
from pytest_platform_report.uploader.delivery import DeliveryRecord
from pytest_platform_report.uploader.files import FileSender

PLAIN, RICH = Capabilities(), Capabilities(digests=True)
PNG = b"\x89PNG\r\n\x1a\n" + b"content"
TAKEN = reply(201, {"id": "artifact_1"})


class Delivery:
    """A run folder with files in it, whose tests have arrived, and what the platform sees of them."""

    def __init__(self, folder: Path, server: Server, sender: FileSender, reader: Reader) -> None:
        self.author = Author(folder)
        self.record: DeliveryRecord = reader.record
        self._folder = folder
        self._server = server
        self._sender = sender
        self._reader = reader

    def attach(self, node: str, *names: str, differ: bool = False) -> None:
        """Let a test have files of the same content, or of one each."""
        self.author.begin(node)
        for name in names:
            content = PNG + name.encode() if differ else PNG
            (self._folder / "artifacts" / name).write_bytes(content)
            self.author.attach(name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        self.author.end()

    def send(self, capabilities: Capabilities, *replies: bytes) -> list[str]:
        """Send what is due; return what each request had: ``file`` or ``digest``, after the file's name."""
        return [told for together in self.send_together(capabilities, *replies) for told in together]

    def send_together(self, capabilities: Capabilities, *replies: bytes) -> list[list[str]]:
        """The same, of the requests that are under way together in any order."""
        self._reader.take_all()
        self._reader.acknowledge()
        self._server.will(*replies)
        told = []
        seen = len(self._server.seen)
        while self._sender.send(capabilities):
            told.append(sorted(map(_describe, self._server.seen[seen:])))
            seen = len(self._server.seen)
        return told


def _describe(seen: Seen) -> str:
    kind = "file" if PNG in seen.body else "digest"
    name = re.search(rb'(?:filename="|name="fileName"\r\n\r\n)([^"\r]+)', seen.body)
    assert name is not None
    return f"{name.group(1).decode()}: {kind}"


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    reader = Reader(tmp_path)
    reader.record.plan_run({})
    reader.record.set_run("acknowledged", "run_1")
    with serve() as server:
        settings = Settings(url=server.url, project="proj_1", api_key="prk_live_0123456789abcdef")
        with open_platform(settings) as platform:
            sender = FileSender(platform, tmp_path, reader.record, reader.journals, lambda *parts: "key", lambda: 3)
            yield Delivery(tmp_path, server, sender, reader)
    reader.close()


def test_content_goes_once_a_run_where_it_can_be_referred_to(delivery: Delivery) -> None:
    delivery.attach("t.py::a", "1.png", "2.png")
    delivery.attach("t.py::b", "3.png")
    assert delivery.send(RICH, *[TAKEN] * 3) == ["1.png: file", "2.png: digest", "3.png: digest"]
    assert not delivery.record.has_open()


def test_files_of_a_test_keep_their_order_while_those_of_others_are_under_way(delivery: Delivery) -> None:
    delivery.attach("t.py::a", "1.png", "2.png", differ=True)
    delivery.attach("t.py::b", "3.png", differ=True)
    knowing = Capabilities(idempotency=True)
    assert delivery.send_together(knowing, *[TAKEN] * 3) == [["1.png: file", "3.png: file"], ["2.png: file"]]


def test_content_goes_once_a_test_elsewhere(delivery: Delivery) -> None:
    delivery.attach("t.py::a", "1.png", "2.png")
    delivery.attach("t.py::b", "3.png")
    delivery.author.attach("3.png", to_run=True, sha256=hashlib.sha256(PNG).hexdigest(), size=len(PNG))
    assert delivery.send(PLAIN, *[TAKEN] * 3) == ["1.png: file", "3.png: file", "3.png: file"]
    assert not delivery.record.has_open()
    assert delivery.record.skipped_artifacts(9) == []


@pytest.mark.parametrize("status", [404, 409])
def test_platform_that_does_not_find_the_content_gets_it(delivery: Delivery, status: int) -> None:
    delivery.attach("t.py::a", "1.png", "2.png")
    assert delivery.send(RICH, TAKEN, reply(status), TAKEN) == ["1.png: file", "2.png: digest", "2.png: file"]
    assert not delivery.record.has_open()


def test_platform_that_is_busy_is_asked_again(delivery: Delivery) -> None:
    delivery.attach("t.py::a", "1.png", "2.png")
    with pytest.raises(Busy):
        delivery.send(RICH, TAKEN, reply(503))
    assert delivery.send(RICH, TAKEN) == ["2.png: digest"]


def test_run_that_is_gone_sets_nothing_aside(delivery: Delivery) -> None:
    delivery.attach("t.py::a", "1.png", "2.png")
    with pytest.raises(Refused):
        delivery.send(RICH, TAKEN, reply(404), reply(404))
    assert delivery.record.has_open()


def test_file_that_was_written_to_is_not_sent(delivery: Delivery, tmp_path: Path) -> None:
    delivery.attach("t.py::a", "1.png")
    with (tmp_path / "artifacts/1.png").open("ab") as file:
        file.write(b" and more")
    assert delivery.send(RICH) == []
    (told,) = delivery.record.skipped_artifacts(9)
    assert told == f"1.png ({len(PNG)} bytes): it was changed after it had been kept [t.py::a]"


def test_file_that_is_gone_is_told(delivery: Delivery, tmp_path: Path) -> None:
    delivery.attach("t.py::a", "1.png")
    (tmp_path / "artifacts/1.png").unlink()
    assert delivery.send(RICH) == []
    (told,) = delivery.record.skipped_artifacts(9)
    assert told == f"1.png: its copy {tmp_path}/artifacts/1.png is gone [t.py::a]"
