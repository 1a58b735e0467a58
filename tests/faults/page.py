"""What came of the scenarios, as tables."""

from __future__ import annotations

import datetime
import platform
import re
from dataclasses import dataclass

from faults.plugins import Plugin
from faults.sessions import Held, Played

_HEAD = """\
# Under faults

What arrives when the platform, the network or a process fails. Each row is a session of pytest against a server that
does what its first column says: a program of its own, strict about the documented reporting API, which knows no
idempotency keys and announces nothing unless the row says so. This page is written by the runner of the fault kit:

```console
cd tests && python -m faults.run --plugin all --page ../docs/faults.md
```

A cell tells how many of the suite's tests were on the server in the end, which were there twice, what became of the
run, and how long the session took. *Silent*: results were lost and the session printed nothing that it does not print
when all goes well. · means that the row is none for a plugin, whose API has no such request. Where some were there only
after the session's end, the delivering process or `platform-report sync` brought them, once the server had recovered.
The suite has 9 tests, one of which fails, and one more where the session is killed. The seconds tell orders of
magnitude: other plugins ran at the same time.

"""

_AFTER = """\
## What the rows do to each plugin

A fault "of each kind" strikes a request that creates the run, a suite, a test, uploads a file, and closes the run;
for the peers it strikes the requests of their APIs that do the same. They run with the settings that they come with,
against servers that take whatever their own would take.

"""

_OTHERS = """\
## Your command line, or another plugin

```console
cd tests
python -m faults.run --plugin-args "--platform-report --platform-drain-timeout=5 -p xdist -n 2"
python -m faults.run --only "never answers"
python -m faults.run --plugin pytest-reportportal
python -m faults.server        # the server alone; --help says how it is told what goes wrong
```

The scenarios are data: `tests/faults/scenarios.json`. CI plays all of them with this plugin
(`tests/faults/test_faults.py`) and requires more than this table shows: suites and files too are there, run and tests
have the right statuses and totals, no request violates the API, and where the server never answers, the session ends
while it still does not.
"""


@dataclass(frozen=True)
class Results:
    """What a plugin made of the scenarios.

    :ivar versions: of the plugin and of pytest.
    :ivar limit: how many seconds a session might take.
    """

    plugin: Plugin
    versions: str
    limit: float
    played: list[Played]

    def says_nothing(self, played: Played) -> bool:
        """Tell whether a session printed nothing that the first one, which had no faults, did not print."""
        return not _lines(played.out) - _lines(self.played[0].out)


def table(results: Results) -> str:
    """Return a plugin's results in full."""
    rows = [("scenario", "exit", "seconds", "at the session's end", "in the end", "lost", "twice", "run")]
    for played in results.played:
        held = played.in_the_end
        rows.append(
            (
                played.scenario.name,
                "none" if played.exit is None else str(played.exit),
                f"{played.seconds:.1f}",
                _count(played.at_end),
                _count(held),
                " ".join(held.lost) if len(held.lost) < 4 else str(len(held.lost)),
                " ".join(held.doubled) if len(held.doubled) < 4 else str(len(held.doubled)),
                _run_state(held, results.plugin),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([results.versions, *lines])


def page(results: list[Results]) -> str:
    """Return docs/faults.md."""
    names = [each.plugin.name for each in results]
    lines = [f"| what goes wrong | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for number, played in enumerate(results[0].played):
        cells = " | ".join(_cell(each, each.played[number]) for each in results)
        lines.append(f"| {played.scenario.name} | {cells} |")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    made = f"Made on {today} with Python {platform.python_version()} on {platform.system()}: "
    made += "; ".join(each.versions for each in results) + "."
    notes = [f"- **{each.plugin.name}**: {each.plugin.note}" for each in results if each.plugin.note]
    return f"{_HEAD}{made}\n\n" + "\n".join(lines) + f"\n\n{_AFTER}" + "\n".join(notes) + f"\n\n{_OTHERS}"


def _cell(results: Results, played: Played) -> str:
    if not _applies(results.plugin, played):
        return "·"
    held = played.in_the_end
    there, before = _count(held), len(held.suite.expected) - len(played.at_end.lost)
    parts = [f"{there} ({before} at the session's end)" if len(played.at_end.lost) > len(held.lost) else there]
    if held.lost:
        parts[0] = f"**{parts[0]}**"
    if held.doubled:
        parts.append(f"**{len(held.doubled)} twice**")
    if (state := _run_state(held, results.plugin)) not in ("", "right", "closed"):
        parts.append(state)
    if played.exit is None:
        parts.append(f"did not end in {results.limit:g} s")
    elif played.exit != played.scenario.suite.exit:
        parts.append(f"exit {played.exit}")
    elif held.lost and played.exit >= 0 and results.says_nothing(played):
        parts.append("silent")
    if played.exit is not None:
        parts.append(f"{played.seconds:.0f} s")
    return ", ".join(parts)


def _applies(plugin: Plugin, played: Played) -> bool:
    """Tell whether a scenario is one for the plugin's API, and anything of it happened."""
    scenario = played.scenario
    if plugin.api != "reporting-api" and (scenario.minute or scenario.capabilities):
        return False
    return not scenario.faults or played.at_end.struck > 0


def _count(held: Held) -> str:
    expected = len(held.suite.expected)
    return f"{expected - len(held.lost)} of {expected}"


def _run_state(held: Held, plugin: Plugin) -> str:
    """Return what became of the run, in words; nothing where the plugin's API has none."""
    if plugin.api in ("", "buildkite"):
        return ""
    if len(held.runs) != 1:
        return f"{len(held.runs) or 'no'} runs"
    if plugin.api == "reporting-api":
        return "; ".join(held.problems()) or "right"
    return "run left open" if held.runs[0]["status"] == "running" else "closed"


def _lines(out: str) -> set[str]:
    return {re.sub(r"[\d.]+|=+", "", line).strip() for line in out.splitlines()}
