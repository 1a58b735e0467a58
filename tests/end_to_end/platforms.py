"""Platforms to report to: embedded, served, and one that offers the documented API alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import uvicorn

from end_to_end.gate import App, Fault, Gate
from platform_report_server.app import create_app
from platform_report_server.settings import Settings
from server.running import running

Kind = Literal["embedded", "served", "plain"]
KINDS: tuple[Kind, ...] = ("embedded", "served", "plain")

_PROJECTS = 300


@dataclass(frozen=True)
class Target:
    """Where a session reports to, and how a test reads it back.

    :ivar folder: where the platform keeps its data.
    :ivar environment: the variables that a session needs.
    """

    kind: Kind
    folder: Path
    project: str = "default"
    key: str = "the-key-to-read-the-embedded-platform"
    address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    @property
    def gate(self) -> Gate:
        """What stands before the platform; only embedded ones have none."""
        (gate,) = self.gates
        return gate

    def will(self, *faults: Fault) -> None:
        """Let things go wrong, in this order."""
        self.gate.faults += faults


class Server:
    """A platform on a loopback port, with a project for each test that wants one."""

    def __init__(self, kind: Kind, folder: Path, address: str, gate: Gate) -> None:
        self.address = address
        self.gate = gate
        self._kind = kind
        self._folder = folder
        self._given = 0

    def target(self) -> Target:
        """Return a project of its own."""
        self._given += 1
        project, key = _project(self._given)
        environment = {"PLATFORM_URL": self.address, "PLATFORM_PROJECT": project, "PLATFORM_API_KEY": key}
        return Target(self._kind, self._folder, project, key, self.address, environment, (self.gate,))


@contextmanager
def serving_platform(kind: Kind, folder: Path, port: int = 0) -> Iterator[Server]:
    """Serve a platform that keeps its data in *folder*; port 0 takes a free one."""
    keys = dict(_project(number) for number in range(1, _PROJECTS + 1))
    gate = Gate(create_app(Settings.served(folder, keys)), is_plain=kind == "plain")
    with serving(gate, port) as address:
        yield Server(kind, folder, address, gate)


@contextmanager
def serving(app: App, port: int = 0) -> Iterator[str]:
    """Serve *app* from a thread; the address is given out."""
    config = uvicorn.Config(app, log_level="critical", lifespan="on", proxy_headers=False, timeout_keep_alive=60)
    with running(config, port) as address:
        yield address


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _project(number: int) -> tuple[str, str]:
    return f"proj_{number}", f"the-secret-key-of-project-{number:04}"
