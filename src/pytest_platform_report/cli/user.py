"""Make accounts of a served platform, and change their passwords."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from ._database import add_option
from ._store import opened
from ._terminal import say

ROLES = ("viewer", "member", "admin", "owner")


def add_command(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Add ``user`` with its two commands."""
    parts = commands.add_parser("user", help=__doc__, description=__doc__).add_subparsers(
        title="commands", required=True, metavar="COMMAND"
    )
    add = parts.add_parser("add", help=_add.__doc__, description=_add.__doc__, parents=[shared])
    role = add.add_mutually_exclusive_group()
    role.add_argument("--role", choices=ROLES, default="member", help="what the person is in the team (member)")
    role.add_argument("--owner", dest="role", action="store_const", const="owner", help="the same as --role owner")
    add.add_argument("--name", default="", help="the person's name; by default what stands before the @")
    add.add_argument("--team", action="append", default=[], metavar="NAME", help="where there is more than one")
    add.set_defaults(run=_add)
    password = parts.add_parser("password", help=_password.__doc__, description=_password.__doc__, parents=[shared])
    password.set_defaults(run=_password)
    for part in (add, password):
        add_option(part)
        part.add_argument("email", metavar="EMAIL", help="the person's email address")
        part.add_argument(
            "--password-file",
            metavar="FILE",
            help="file whose first line is the password, - for the standard input; by default it is asked for",
        )


def _add(arguments: argparse.Namespace) -> int:
    """Make an account."""
    with opened(arguments) as store:
        password = _read_password(arguments.password_file)
        teams = store.manage.add_user(
            store.served({}), arguments.email, arguments.name, arguments.role, password, arguments.team
        )
    say(f"{arguments.email} is {arguments.role} of {', '.join(teams)}")
    return 0


def _password(arguments: argparse.Namespace) -> int:
    """Change the password of an account; whoever is logged in with it is logged out."""
    with opened(arguments) as store:
        store.manage.set_password(store.served({}), arguments.email, _read_password(arguments.password_file))
    say(f"{arguments.email} has a new password")
    return 0


def _read_password(file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"--password-file: {file}: cannot be read: {error}") from error
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "there is no terminal to ask for the password: give --password-file FILE, or - for the standard input"
        )
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigurationError("the two passwords differ")
    return password
