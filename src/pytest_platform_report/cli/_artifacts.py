"""Where the platform keeps files, and the key that its servers share, as a command is told."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ._database import lacks_server
from ._environment import read_secret

VARIABLE = "PLATFORM_REPORT_ARTIFACTS"
KEY_VARIABLE = "PLATFORM_REPORT_SIGNING_KEY_FILE"
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--artifacts``."""
    parser.add_argument(
        "--artifacts",
        metavar="PLACE",
        help="where files are kept: a folder, or s3://BUCKET/PREFIX, whose keys are given in AWS_ variables; "
        f"in the environment {VARIABLE} (a folder beside the store)",
    )


def read_option(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the server's settings for what is told, those that are usual left out.

    :raises ConfigurationError: a file with a secret cannot be read, or the server's packages are not installed.
    """
    try:
        from platform_report_server.settings import read_artifacts
    except ImportError as error:
        raise lacks_server(error) from error
    for name in _SECRETS:
        if secret := read_secret(name):
            os.environ[name] = secret
    rules: dict[str, Any] = {}
    place = arguments.artifacts or os.environ.get(VARIABLE, "").strip()
    if place:
        rules["artifacts"] = read_artifacts(place)
    key_file = os.environ.get(KEY_VARIABLE, "").strip()
    if key_file:
        rules |= {"signing_key": Path(key_file).absolute(), "makes_signing_key": False}
    return rules
