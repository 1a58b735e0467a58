"""What the server must be told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from platform_report_server.errors import SettingsError
from platform_report_server.mail import MailSettings
from platform_report_server.model import Role
from platform_report_server.reach import Reach

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SHORTEST_KEY = 16

_SCHEMES = ("postgresql://", "postgres://")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")
_PUBLIC = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._/-]*)?")
_HOSTS = re.compile(r"(?:(?:\[[^]]*]|[^][:,]*)(?::[0-9]*)?(?:,|$))*")


@dataclass(frozen=True)
class PostgresUrl:
    """The address of a PostgreSQL database, as libpq reads it. As text it has no password."""

    address: str = field(repr=False)

    def __post_init__(self) -> None:
        scheme, _, rest = self.address.partition("://")
        if f"{scheme}://" not in _SCHEMES:
            raise SettingsError("a database is named by postgresql://USER@HOST/NAME; found another beginning")
        place = re.split("[/?#]", rest, maxsplit=1)[0]
        hosts = place.rpartition("@")[2]
        # what stands elsewhere than libpq looks for it might be a part of the password, and would be told
        if "@" in rest.replace(place, "", 1) or place.count("@") > 1 or "#" in rest or not _HOSTS.fullmatch(hosts):
            raise SettingsError(
                "the database's address cannot be read: expected postgresql://USER:PASSWORD@HOST:PORT/NAME, "
                "with the special characters of user and password percent-encoded"
            )

    @property
    def has_password(self) -> bool:
        """Tell whether the password is a part of it."""
        place, _, query = self.address.partition("?")
        user = place.partition("://")[2].rpartition("@")[0]
        return ":" in user or any("password" in name for name, _ in parse_qsl(query))

    def __str__(self) -> str:
        place, _, query = self.address.partition("?")
        scheme, _, rest = place.partition("://")
        user, at, rest = rest.rpartition("@")
        told = urlencode([(name, value) for name, value in parse_qsl(query) if "password" not in name], safe="/")
        return f"{scheme}://{user.partition(':')[0]}{at}{rest}" + (f"?{told}" if told else "")


@dataclass(frozen=True)
class S3Url:
    """The address of a place in a bucket: s3://BUCKET/PREFIX. Who may use it is said in obstore's AWS_ variables."""

    bucket: str
    prefix: str = ""
    public: str | None = None
    """Where browsers reach the bucket, and are sent to. Without it the server itself gives out what is in there."""

    @classmethod
    def read(cls, address: str) -> S3Url:
        """Return what an address says, with its public one as ``?public=https://...``."""
        place, _, query = address.partition("?")
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        told = dict(parse_qsl(query, keep_blank_values=True))
        public = told.pop("public", None)
        if not place.startswith("s3://") or told or not _BUCKET.fullmatch(bucket) or not _PREFIX.fullmatch(prefix):
            raise SettingsError(
                "a bucket's address cannot be read: expected s3://BUCKET or s3://BUCKET/PREFIX, of letters, digits, "
                "'-', '_', '.' and '/', and then ?public=https://... or nothing; keys are given in AWS_ACCESS_KEY_ID "
                "and AWS_SECRET_ACCESS_KEY"
            )
        if public is not None and not _PUBLIC.fullmatch(public):
            raise SettingsError(f"found the public address {public!r}, expected one such as https://files.example.com")
        return cls(bucket, prefix.strip("/"), public and public.rstrip("/"))

    def __str__(self) -> str:
        return "/".join(filter(None, (f"s3://{self.bucket}", self.prefix)))


def read_artifacts(place: str) -> Path | S3Url:
    """Return the folder or the bucket that is meant."""
    return S3Url.read(place) if "://" in place else Path(place).absolute()


@dataclass(frozen=True)
class Settings:
    """One server's settings; made by `embedded` or `served`."""

    database: Path | PostgresUrl
    """A SQLite file in the folder, unless it is replaced."""
    artifacts: Path | S3Url
    staging: Path
    """Where files arrive that are kept in a bucket."""
    signing_key: Path
    access: Literal["open", "keys"]
    key_hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """SHA-256 of a key, in hex, to the id of the project it belongs to."""
    key_role: Role = "member"
    """What the holders of these keys are in their projects."""
    link_token: str | None = field(default=None, repr=False)
    """Opens a browser session once, through ``/?token=...``: for a server that one person has for themselves."""
    waits_for_owner: bool = False
    """Whether nothing is served but the page that makes the first owner until there is an account."""
    host_names: frozenset[str] | None = None
    """The names that a request's Host header may carry; None allows every name."""
    mail: MailSettings | None = None
    """The server that invitations are mailed by, where there is one."""
    largest_json: int = 32 * 2**20
    limits: Literal["generous", "contract"] = "generous"
    """How many requests a key or a person may make in a minute: the API's documented table, or far more."""
    reach: Reach = field(default_factory=Reach)
    """Where webhooks may lead beside public addresses."""
    public_url: str | None = None
    """The address by which people reach the server: links in what webhooks are told begin with it."""
    makes_signing_key: bool = True
    """Whether the key is made where there is none; otherwise it is given in a file that every server has."""
    abandon_after: float = 3600
    """Seconds without a write after which a run that nobody ended is closed; 0: never."""
    access_log: Path | Literal["-"] | None = None
    """Where a line for each request goes; "-" is the standard output."""
    metrics_token: bytes | None = field(default=None, repr=False)
    """SHA-256 of the token that gives the metrics out to other machines."""

    viewer_files: Path | None = None
    """The folder of Playwright's trace viewer; None: traces are for keeping only."""
    viewer_url: str | None = None
    """The origin where the viewer is served, and nothing else of this server; None: one of this machine's own."""

    @property
    def media_origin(self) -> str:
        """Where browsers are sent for files that they do not get here; "" where there is no such place."""
        public = self.artifacts.public if isinstance(self.artifacts, S3Url) else None
        return "/".join(public.split("/")[:3]) if public else ""

    @classmethod
    def embedded(cls, folder: Path) -> Settings:
        """Return settings for use inside one process, over an ASGI transport: whoever can call the app may do all."""
        return cls._at(folder, access="open", key_hashes={})

    @classmethod
    def served(cls, folder: Path, keys: Mapping[str, str], key_role: Role = "member") -> Settings:
        """Return settings for a socket: `keys` names an API key of each project, beside those in the store."""
        hashes: dict[str, str] = {}
        for project, key in keys.items():
            if len(key) < SHORTEST_KEY:
                raise SettingsError(
                    f"the API key of project {project!r} has {len(key)} characters, at least {SHORTEST_KEY} are needed"
                )
            if hashes.setdefault(hash_key(key), project) != project:
                raise SettingsError(f"projects {hashes[hash_key(key)]!r} and {project!r} have the same API key")
        return replace(cls._at(folder, access="keys", key_hashes=hashes), key_role=key_role)

    @classmethod
    def _at(cls, folder: Path, *, access: Literal["open", "keys"], key_hashes: dict[str, str]) -> Settings:
        root = folder.absolute()
        return cls(
            database=root / "platform.db",
            artifacts=root / "artifacts",
            staging=root / "artifacts" / "staging",
            signing_key=root / "signing.key",
            access=access,
            key_hashes=MappingProxyType(key_hashes),
        )


def hash_key(key: str) -> str:
    """Return the form in which an API key is kept. Keys are long and random: no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
