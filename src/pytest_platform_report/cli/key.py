"""Make API keys of a served platform."""

from __future__ import annotations

import argparse
from typing import Any

from ._database import add_option
from ._store import opened
from ._terminal import say
from .user import ROLES

_LONGEST_DAYS = 36_500


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``key`` with its command."""
    parts = commands.add_parser("key", help=__doc__, description=__doc__).add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    add = parts.add_parser("add", help=_add.__doc__, description=_add.__doc__, parents=[shared])
    add.add_argument("--project", metavar="ID", default="", help="by default what this directory reports to")
    add.add_argument("--role", choices=ROLES, default="member", help="what the key may do in the project (member)")
    add.add_argument("--name", default="command line", help="what the key is listed as")
    add.add_argument("--days", type=_days, metavar="N", help="the key expires after N days; by default never")
    add_option(add)
    add.set_defaults(run=_add)


def _add(arguments: argparse.Namespace) -> int:
    """Make a key and print it; it is not shown again."""
    with opened(arguments) as store:
        project = arguments.project or store.project
        say(store.manage.add_key(store.served({}), project, arguments.name, arguments.role, arguments.days))
    return 0


def _days(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _LONGEST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: give one from 1 to {_LONGEST_DAYS}")
    return int(text)
