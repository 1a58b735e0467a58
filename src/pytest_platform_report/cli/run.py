"""Create a run before its shards, and close it after them."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigurationError, DeliveryError
from ..ids import new_run_key
from ..model import STATUSES
from ..platforms.client import Platform, open_platform
from ..platforms.payload import REPORT_ID
from ..redact import make_redactor, secrets_in
from ..settings import Settings
from ..text import number_of
from ..uploader.facts import gather
from ..uploader.joining import Closing, Drive, Share, close, join, oldest
from ..uploader.joint_run import AWAITED, MAKER, JointEnd, JointRuns
from ..uploader.pace import Pace
from ._pytest_settings import ask_pytest
from ._terminal import mark, paint, safe, say

_LONGEST_SECONDS = 120.0

T = TypeVar("T")


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``run`` with its two commands."""
    parts = commands.add_parser("run", help=__doc__, description=__doc__).add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    create = parts.add_parser("create", help=_create.__doc__, description=_create.__doc__, parents=[shared])
    create.add_argument("--title", default="", help="title of the run")
    create.add_argument("--tag", action="append", default=[], help="tag of the run; may be repeated")
    create.add_argument("--shards", type=_count, default=0, metavar="N", help="how many shards will report into it")
    create.set_defaults(run=_create)
    finish = parts.add_parser("finish", help=_finish.__doc__, description=_finish.__doc__, parents=[shared])
    finish.add_argument(
        "run_id", nargs="?", metavar="RUN", help="id of the run; by default PLATFORM_RUN_ID, or this CI build's run"
    )
    finish.add_argument(
        "--expect-shards", type=_count, default=0, metavar="N", help="fail where one of the shards 1 to N is missing"
    )
    finish.add_argument("--fail-on-failures", action="store_true", help="fail where the run has not passed")
    finish.add_argument("--strict", action="store_true", help="fail where it has not passed or a shard is missing")
    finish.set_defaults(run=_finish)
    for part in (create, finish):
        part.add_argument("--json", action="store_true", help="print JSON")


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of shards: give one from 1 to 10000")
    return int(text)


def _create(arguments: argparse.Namespace) -> int:
    """Create a run, and print its id: with it in PLATFORM_RUN_ID, sessions report into this run."""
    settings = ask_pytest(arguments)
    redact = make_redactor([settings.api_key, *secrets_in(os.environ)], settings.redact)
    fields: dict[str, Any] = {
        **{name: redact(value) for name, value in gather(os.environ, Path.cwd()).items()},
        "runTitle": redact(arguments.title or settings.run_title) or Path.cwd().name,
        "tags": [*(redact(tag) for tag in (*settings.tags, *arguments.tag)), AWAITED],
    }
    if arguments.shards:
        fields["shardTotal"] = arguments.shards
    key = new_run_key()
    maker = f"{MAKER}:{key}"
    with open_platform(settings) as platform:
        runs = JointRuns(platform, fields, f"{REPORT_ID}:{key}", maker, key)
        # As shards do, it looks before it creates: so one whose answer was lost is found again.
        joining = Drive(lambda: join(maker))
        run_id = _insist(lambda: joining.run(runs.perform, platform.ping)).id
    if arguments.json:
        shown = {"id": run_id, "title": fields["runTitle"], "shards": arguments.shards or None}
        say(json.dumps(shown | _address(settings, run_id)))
    else:
        say(run_id)
    return 0


def _finish(arguments: argparse.Namespace) -> int:
    """Close a run with the totals that the platform counts, name the shards that are missing, and give the verdict."""
    settings = ask_pytest(arguments)
    share = Share(is_last=True, expected=arguments.expect_shards)
    with open_platform(settings) as platform:
        run_id = arguments.run_id or settings.run_id or _insist(lambda: _find(platform, settings))
        end, ending = JointEnd(platform, run_id), Drive(lambda: close(share))
        closing: Closing = _insist(lambda: ending.run(end.perform, platform.ping))
        _insist(lambda: [end.tell(f"{number}/{closing.expected} missing") for number in closing.missing])
    if arguments.json:
        _print_json(settings, run_id, closing)
    else:
        _print(run_id, closing)
    is_bad = closing.fields["status"] != "passed" and (arguments.fail_on_failures or arguments.strict)
    is_lacking = bool(closing.missing) and bool(arguments.expect_shards or arguments.strict)
    return int(is_bad or is_lacking)


def _find(platform: Platform, settings: Settings) -> str:
    """Return the run of this CI build's shards; those that lost the race to create it, and were left, are deleted."""
    key = settings.joint_key(os.environ)
    if not key:
        raise ConfigurationError(
            "there is no run to finish: give its id, set PLATFORM_RUN_ID to it, "
            "or call this in the CI build, or with the PLATFORM_RUN_KEY, that the shards had"
        )
    runs = JointRuns(platform, gather(os.environ, Path.cwd()), f"{REPORT_ID}:{key}", "", "")
    found = runs.list()
    if not found:
        raise ConfigurationError(
            f"{settings.destination}: no shard of this build has a run there: "
            f"did they have --platform-shard, and this project and PLATFORM_RUN_KEY?"
        )
    standing = oldest(found)
    for run in found:
        if run.id != standing.id and not platform.count_tests(run.id):
            runs.delete(run.id)
    return standing.id


def _insist(send: Callable[[], T]) -> T:
    """Return what *send* returns, which is tried again while the platform does not answer, for two minutes."""
    pace, deadline = Pace(), time.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            return send()
        except DeliveryError as error:
            pace.failed("runs", error)
            if error.permanent or time.monotonic() + pace.next_try() > deadline:
                raise
        time.sleep(pace.next_try())


def _print(run_id: str, closing: Closing) -> None:
    status = str(closing.fields["status"])
    say(f"{mark(status, status)}  {paint(safe(run_id), 'bold')}")
    counts = ", ".join(f"{closing.fields[f'{name}Tests']:,} {name}" for name in STATUSES)
    say(f"{number_of(closing.fields['totalTests'], 'test')}: {counts}")
    for name, end in sorted(closing.told.items()):
        say(f"  {mark(end, safe(f'shard {name}: {end}'))}")
    if closing.missing:
        say(f"  {mark('failed', closing.tell_missing())}")


def _print_json(settings: Settings, run_id: str, closing: Closing) -> None:
    totals: Mapping[str, int] = {name: closing.fields[f"{name}Tests"] for name in STATUSES}
    shown = {
        "id": run_id,
        "status": closing.fields["status"],
        "totals": {"total": closing.fields["totalTests"], **totals},
        "shards": closing.told,
        "missing": list(closing.missing),
    }
    say(json.dumps(shown | _address(settings, run_id)))


def _address(settings: Settings, run_id: str) -> dict[str, str]:
    return {"url": f"{settings.url.removesuffix('/api')}/runs/{run_id}"} if settings.url else {}
