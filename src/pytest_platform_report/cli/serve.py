"""Serve the embedded platform of this directory: to this machine, or to a team."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..ids import new_id
from . import _artifacts
from ._database import add_option
from ._environment import PREFIX, add_setting, is_on, names, one_of, read_secret
from ._serving import announcing
from ._store import opened
from ._terminal import say

_HOST = "127.0.0.1"
_PORT = 8484
_LONGEST = 525_600
_LONGEST_DRAIN = 3600
_MOST_WORKERS = 256
_SHORTEST_TOKEN = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``serve`` takes."""
    add_setting(
        parser,
        "--port",
        type=int,
        default=_PORT,
        metavar="PORT",
        help=f"port to listen on; 0 takes a free one ({_PORT})",
    )
    add_option(parser)
    _artifacts.add_option(parser)
    add_setting(
        parser,
        "--limits",
        type=one_of("generous", "contract"),
        default="generous",
        metavar="{generous,contract}",
        help="requests that a key may make in a minute: far more than are needed, or those that the API documents",
    )
    add_setting(
        parser,
        "--abandon-after",
        type=_minutes,
        default=60.0,
        metavar="MINUTES",
        help="close a run as cancelled that nobody ends or writes to for so long; 0 never does (60)",
    )
    add_setting(
        parser,
        "--host",
        default=_HOST,
        metavar="ADDRESS",
        help=f"address to listen on; all of them: 0.0.0.0 ({_HOST})",
    )
    add_setting(
        parser,
        "--allow-host",
        type=names,
        action="extend",
        default=[],
        metavar="NAME",
        help="answer requests to this name, such as that of a proxy in front; may be repeated, or hold several with "
        "commas between",
    )
    add_setting(
        parser,
        "--forwarded-allow-ips",
        default=_HOST,
        metavar="ADDRESSES",
        help=f"proxies whose X-Forwarded headers are believed, separated by commas ({_HOST})",
    )
    add_setting(
        parser,
        "--workers",
        type=_count,
        default=1,
        metavar="N",
        help="processes that share the port; another takes the place of one that dies (1)",
    )
    add_setting(
        parser,
        "--drain",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="after SIGTERM, answer everything for so long while /readyz says that others shall take over (0)",
    )
    add_setting(
        parser,
        "--access-log",
        default="",
        metavar="FILE",
        help="write a line of JSON for each request to this file, - for the standard output",
    )
    add_setting(
        parser,
        "--public-url",
        type=_address,
        default=None,
        metavar="URL",
        help="address by which people reach this server, for links in what webhooks are told",
    )
    add_setting(
        parser,
        "--viewer-url",
        type=_viewer_address,
        default=None,
        metavar="URL",
        help="address of this server for Playwright's trace viewer alone, of a name that nothing else is reached by",
    )
    add_setting(
        parser,
        "--viewer-files",
        default="",
        metavar="DIR",
        help="folder of the trace viewer; without it, that of the Python package playwright where it is installed",
    )
    add_setting(
        parser,
        "--webhook-allow",
        type=names,
        action="extend",
        default=[],
        metavar="HOST_OR_NETWORK",
        help="let webhooks lead to this host, address or network although it is not public; may be repeated, or hold "
        "several with commas between",
    )
    parser.add_argument(
        "--first-owner",
        action="store_true",
        help="as long as there is no account, print a link that makes the owner's, once, where this machine alone "
        f"reaches the server too; in the environment {PREFIX}FIRST_OWNER=on",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    given, token = read_secret("PLATFORM_API_KEY"), read_secret(f"{PREFIX}METRICS_TOKEN")
    if token and len(token) < _SHORTEST_TOKEN:
        raise ConfigurationError(
            f"{PREFIX}METRICS_TOKEN: found {len(token)} characters, expected at least {_SHORTEST_TOKEN}"
        )
    with opened(arguments) as store, announcing(store.folder) as tell:
        allowed = frozenset(arguments.allow_host)
        place = store.serve.Place(
            arguments.host,
            arguments.port,
            allowed,
            arguments.forwarded_allow_ips,
            arguments.workers,
            arguments.drain,
        )
        # workers come and go, and would have one each
        key = given or (f"prk_live_{new_id(32)}" if place.is_private and place.workers == 1 else "")

        rules = _artifacts.read_option(arguments)
        rules |= {"limits": arguments.limits, "abandon_after": arguments.abandon_after * 60}

        def on_started(address: str) -> None:
            if store.database is None and place.is_private and place.workers == 1:
                tell(address)
            say(f"serving {store.described(rules.get('artifacts'))}")
            say(f"  dashboard: {address}")
            if urlsplit(address).path == "/first-owner":
                say("  Nobody has an account yet: this link makes the owner's, once, within an hour.")
                if not place.is_private:
                    say("  Until then nothing else is served.")
            api = urlsplit(address)._replace(path="/api", query="").geturl()
            say(f"  reporting API: {api}, project {store.project}")
            if given:
                say("  API key: the one in PLATFORM_API_KEY")
            elif key:
                say(f"  API key, until this server ends: {key}")
            else:
                say("  API keys: 'platform-report key add' makes one")
            say("Ctrl-C ends it.")

        log = arguments.access_log
        rules["access_log"] = log if log == "-" else Path(log).absolute() if log else None
        rules["metrics_token"] = hashlib.sha256(token.encode()).digest() if token else None
        rules |= {"reach": store.reach.read(arguments.webhook_allow), "public_url": arguments.public_url or None}
        files = arguments.viewer_files
        rules |= {"viewer_url": arguments.viewer_url, "viewer_files": Path(files).absolute() if files else None}
        settings = store.served({store.project: key} if key else {}, **rules)
        store.serve.serve(settings, place, on_started, makes_first_owner=arguments.first_owner or is_on("FIRST_OWNER"))
    return 0


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 <= minutes <= _LONGEST:
        raise argparse.ArgumentTypeError(f"found {text}, expected 0 to {_LONGEST} minutes")
    return minutes


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LONGEST_DRAIN:
        raise argparse.ArgumentTypeError(f"found {text}, expected 0 to {_LONGEST_DRAIN} seconds")
    return seconds


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number from 1 to {_MOST_WORKERS}")
    return int(text)


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"found {text}, expected an address such as https://reports.example.com")
    return text.rstrip("/")


def _viewer_address(text: str) -> str:
    parts = urlsplit(_address(text))
    # what the viewer needs, browsers have only where nobody listens in
    is_secure = parts.scheme == "https" or f".{parts.hostname}".endswith(".localhost")
    if parts.path or not is_secure:
        raise argparse.ArgumentTypeError(f"found {text}, expected an origin such as https://traces.example.com")
    return _address(text)
