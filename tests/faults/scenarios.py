"""The scenarios of ``scenarios.json``: what goes wrong, in which suite, and what must hold.

What must hold always: the run, each suite and each test is there once, each file at least once, the totals are right,
and no request violates the API; what the session did not deliver, the command for that does once the server has
recovered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from faults.suites import SUITES, Suite


@dataclass(frozen=True)
class Scenario:
    """What goes wrong.

    :ivar faults: as :class:`faults.script.Fault` takes them.
    :ivar patience: how many seconds the session is told to wait at its end, where its plugin can be told.
    :ivar capabilities: what the server announces beyond the documented API.
    :ivar minute: seconds of the minute that rate limits are counted in; 0 for no limits.
    :ivar delivered: when all is: when the ``session`` has ended, or ``later``.
    :ivar waiting: whether the server keeps a request waiting when the session has ended.
    """

    name: str
    faults: tuple[Mapping[str, Any], ...] = ()
    suite_name: str = "small"
    patience: float = 60.0
    capabilities: str = ""
    minute: float = 0.0
    delivered: Literal["session", "later"] = "session"
    waiting: bool = False

    @property
    def suite(self) -> Suite:
        return SUITES[self.suite_name]

    def to_server(self) -> dict[str, Any]:
        """Return what the server takes at ``/-/begin``."""
        return {"faults": self.faults, "capabilities": self.capabilities, "minute": self.minute}


def _read(values: dict[str, Any]) -> Scenario:
    suite = values.pop("suite", "small")
    return Scenario(faults=tuple(values.pop("faults", ())), suite_name=suite, **values)


SCENARIOS = tuple(map(_read, json.loads(Path(__file__).with_name("scenarios.json").read_text(encoding="utf-8"))))
