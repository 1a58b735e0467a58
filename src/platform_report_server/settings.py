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
class Settings:
    """One server's settings; made by `embedded` or `served`."""

    database: Path | PostgresUrl
    """A SQLite file in the folder, unless it is replaced."""
    artifacts: Path
    signing_key: Path
    access: Literal["open", "keys"]
    key_hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """SHA-256 of a key, in hex, to the id of the project it belongs to."""
    key_role: Role = "member"
    """What the holders of these keys are in their projects."""
    link_token: str | None = field(default=None, repr=False)
    """Opens a browser session once, through ``/?token=...``: for a server that one person has for themselves."""
    owner_token: str | None = field(default=None, repr=False)
    """Makes the first owner, as long as there is no account."""
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
    abandon_after: float = 3600
    """Seconds without a write after which a run that nobody ended is closed; 0: never."""

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
            signing_key=root / "signing.key",
            access=access,
            key_hashes=MappingProxyType(key_hashes),
        )


def hash_key(key: str) -> str:
    """Return the form in which an API key is kept. Keys are long and random: no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
