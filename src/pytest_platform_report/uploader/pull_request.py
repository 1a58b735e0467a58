"""What GitHub Actions tells of a pull request: nothing in variables, but the event that started the build in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PullRequest", "read_pull_request"]

_LARGEST = 16 * 1024 * 1024
_MERGE = re.compile(r"refs/pull/\d+/merge")


@dataclass(frozen=True)
class PullRequest:
    """A pull request; what is not known of it is empty.

    :ivar head: its last commit.
    :ivar is_merged: the build's commit is the one that GitHub made by merging it, head last.
    """

    head: str = ""
    title: str = ""
    author: str = ""
    is_merged: bool = False


def read_pull_request(environment: Mapping[str, str]) -> PullRequest:
    """Return the pull request that a build was started for, an empty one where it was not."""
    is_merged = _MERGE.fullmatch(environment.get("GITHUB_REF", "")) is not None
    told = _read_event(environment.get("GITHUB_EVENT_PATH", "")).get("pull_request")
    if not isinstance(told, dict):
        return PullRequest(is_merged=is_merged)
    return PullRequest(
        head=_text(told, "head", "sha"),
        title=_text(told, "title"),
        author=_text(told, "user", "login"),
        is_merged=is_merged,
    )


def _read_event(name: str) -> dict[str, Any]:
    path = Path(name)
    try:
        if not name or not path.is_file() or path.stat().st_size > _LARGEST:
            return {}
        event = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _text(values: Any, *names: str) -> str:
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values if isinstance(values, str) else ""
