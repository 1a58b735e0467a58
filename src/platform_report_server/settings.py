"""What the server must be told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from platform_report_server.errors import SettingsError
from platform_report_server.model import Role

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SHORTEST_KEY = 16


@dataclass(frozen=True)
class Settings:
    """One server's settings; made by `embedded` or `served`."""

    database: Path
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
    largest_json: int = 32 * 2**20

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
