"""A small SMTP server: it keeps the mail that it takes."""

from __future__ import annotations

import queue
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail in plain text, without a password; `refuses` are the addresses that it knows not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.taken: queue.SimpleQueue[tuple[list[str], EmailMessage]] = queue.SimpleQueue()
        self.refuses: set[str] = set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing where a client hangs up."""

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.server_address[1]
        return port


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        recipients: list[str] = []
        self._say("220 ready")
        for line in self.rfile:
            word, _, rest = line.decode("latin-1").strip().partition(" ")
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            if word.upper() == "RCPT":
                address = rest.partition("<")[2].partition(">")[0]
                if address in self.server.refuses:
                    self._say("550 no such box")
                    continue
                recipients.append(address)
            if word.upper() == "DATA":
                self._say("354 go on")
                data = b"".join(iter(self.rfile.readline, b".\r\n"))
                message = message_from_bytes(data.replace(b"\r\n..", b"\r\n."), policy=policy.default)
                self.server.taken.put((recipients, message))
            self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def taking_mail() -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
