"""Write a run as one file: a page that opens offline, JUnit XML, CTRF JSON or CSV."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import ConfigurationError
from . import _artifacts
from ._database import add_option
from ._store import opened
from ._terminal import safe, say

_FORMATS = ("html", "junit", "ctrf", "csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``export`` takes."""
    parser.add_argument("--run", metavar="ID", dest="run_id", help="by default the newest run of this directory")
    parser.add_argument("--format", choices=_FORMATS, default="html", help="of the file (html)")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write it, - for the standard output; by default a file here, named after the run",
    )
    add_option(parser)
    _artifacts.add_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export, and say what was written."""

    @contextmanager
    def begin(name: str) -> Iterator[BinaryIO]:
        if arguments.output == "-":
            yield sys.stdout.buffer
            return
        path = Path(arguments.output or name)
        draft = path.with_name(f"{path.name}.part")
        try:
            with draft.open("wb") as file:
                yield file
            draft.replace(path)
        except OSError as error:
            raise ConfigurationError(f"{path}: it cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        say(safe(path))

    with opened(arguments) as store:
        settings = store.served({}, **_artifacts.read_option(arguments))
        store.export.export_run(settings, store.project, arguments.run_id, arguments.format, begin)
    return 0
