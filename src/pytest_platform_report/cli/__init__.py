"""The command ``platform-report``: show, serve, deliver and examine what sessions reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..errors import PlatformReportError
from ..options import OPTIONS
from . import backup, doctor, export, key, migrate, open_run, prune, restore, run, serve, show, sync, user

_SHARED = ("url", "project", "api-key-file", "spool")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0 done, 1 something is wrong with the reports, 2 with the call."""
    arguments = _make_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except PlatformReportError as error:
        print(f"platform-report: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has left: platform-report show | head
        sys.stderr.close()
        return 1


def _make_parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    group = shared.add_argument_group("options of the plugin, which are otherwise read as pytest reads them")
    for option in OPTIONS:
        if option.name in _SHARED:
            group.add_argument(option.flag, dest=option.ini, metavar=option.metavar, help=option.help)
    parser = argparse.ArgumentParser(prog="platform-report", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (show, export, serve, sync, migrate, prune, backup, restore, doctor):
        summary = (module.__doc__ or "").strip()
        first_line = summary.partition("\n")[0]
        command = commands.add_parser(
            module.__name__.rpartition(".")[2], help=first_line, description=summary, parents=[shared]
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    for part in (open_run, run, user, key):
        part.add_command(commands, shared)
    return parser
