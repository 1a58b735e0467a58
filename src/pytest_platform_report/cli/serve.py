"""Serve the embedded platform of this directory: to this machine, or to a team."""

from __future__ import annotations

import argparse
import os
from urllib.parse import urlsplit

from ..ids import new_id
from . import _artifacts
from ._database import add_option
from ._store import opened
from ._terminal import say

_HOST = "127.0.0.1"
_PORT = 8484
_LONGEST = 525_600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``serve`` takes."""
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="PORT", help=f"port to listen on; 0 takes a free one ({_PORT})"
    )
    add_option(parser)
    _artifacts.add_option(parser)
    parser.add_argument(
        "--limits",
        choices=("generous", "contract"),
        default="generous",
        help="requests that a key may make in a minute: far more than are needed, or those that the API documents",
    )
    parser.add_argument(
        "--abandon-after",
        type=_minutes,
        default=60.0,
        metavar="MINUTES",
        help="close a run as cancelled that nobody ends or writes to for so long; 0 never does (60)",
    )
    parser.add_argument(
        "--host", default=_HOST, metavar="ADDRESS", help=f"address to listen on; all of them: 0.0.0.0 ({_HOST})"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer requests to this name, such as that of a proxy in front; may be repeated",
    )
    parser.add_argument(
        "--forwarded-allow-ips",
        default=_HOST,
        metavar="ADDRESSES",
        help=f"proxies whose X-Forwarded headers are believed, separated by commas ({_HOST})",
    )
    parser.add_argument(
        "--public-url",
        type=_address,
        metavar="URL",
        help="address by which people reach this server, for links in what webhooks are told",
    )
    parser.add_argument(
        "--webhook-allow",
        action="append",
        default=[],
        metavar="HOST_OR_NETWORK",
        help="let webhooks lead to this host, address or network although it is not public; may be repeated",
    )
    parser.add_argument(
        "--first-owner",
        action="store_true",
        help="as long as there is no account, print a link that makes the owner's, once",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    given = os.environ.get("PLATFORM_API_KEY", "").strip()
    with opened(arguments) as store:
        names = frozenset(arguments.allow_host)
        place = store.serve.Place(arguments.host, arguments.port, names, arguments.forwarded_allow_ips)
        key = given or (f"prk_live_{new_id(32)}" if place.is_private else "")

        rules = _artifacts.read_option(arguments) | {
            "limits": arguments.limits,
            "abandon_after": arguments.abandon_after * 60,
            "reach": store.reach.read(arguments.webhook_allow),
            "public_url": arguments.public_url,
        }

        def on_started(address: str) -> None:
            say(f"serving {store.described(rules.get('artifacts'))}")
            say(f"  dashboard: {address}")
            api = urlsplit(address)._replace(path="/api", query="").geturl()
            say(f"  reporting API: {api}, project {store.project}")
            if given:
                say("  API key: the one in PLATFORM_API_KEY")
            elif key:
                say(f"  API key, until this server ends: {key}")
            else:
                say("  API keys: 'platform-report key add' makes one")
            say("Ctrl-C ends it.")

        settings = store.served({store.project: key} if key else {}, **rules)
        store.serve.serve(settings, place, on_started, makes_first_owner=arguments.first_owner)
    return 0


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 <= minutes <= _LONGEST:
        raise argparse.ArgumentTypeError(f"found {text}, expected 0 to {_LONGEST} minutes")
    return minutes


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"found {text}, expected an address such as https://reports.example.com")
    return text.rstrip("/")
