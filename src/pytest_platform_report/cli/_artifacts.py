"""Where the platform keeps files, and the key that its servers share, as a command is told."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ._database import lacks_server

VARIABLE = "PLATFORM_REPORT_ARTIFACTS"
KEY_VARIABLE = "PLATFORM_REPORT_SIGNING_KEY_FILE"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--artifacts``."""
    parser.add_argument(
        "--artifacts",
        metavar="PLACE",
        help="where files are kept: a folder, or s3://BUCKET/PREFIX, whose keys are given in AWS_ variables; "
        f"in the environment {VARIABLE} (a folder beside the store)",
    )


def read_option(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the server's settings for what is told, those that are usual left out."""
    try:
        from platform_report_server.settings import read_artifacts
    except ImportError as error:
        raise lacks_server(error) from error
    rules: dict[str, Any] = {}
    place = arguments.artifacts or os.environ.get(VARIABLE, "").strip()
    if place:
        rules["artifacts"] = read_artifacts(place)
    key_file = os.environ.get(KEY_VARIABLE, "").strip()
    if key_file:
        rules |= {"signing_key": Path(key_file).absolute(), "makes_signing_key": False}
    return rules
