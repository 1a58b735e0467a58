"""What a run is told apart by: its CI build, its commit, its machine, its session."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..ci import CiBuild, ci_build
from ..redact import Redact
from ..settings import Settings
from ..text import NAME_LIMIT, clean, shorten, shorten_name
from .git import Commit, Repository
from .pull_request import PullRequest, read_pull_request

__all__ = ["gather", "run_fields"]

_SYSTEMS = {"Darwin": "macos"}
_TAGGED = ("python", "pytest")


def run_fields(
    facts: Mapping[str, Any], settings: Settings, environment: Mapping[str, str], redact: Redact
) -> dict[str, Any]:
    """Return the fields of a run: what its session told, and what this process can find out.

    They are those of POST /runs, but for ``metadata``, which is for a platform that announces to have them. What is
    short in them, and tells runs apart in a list, is for any platform among the tags.
    """
    rootdir = Path(facts["rootdir"])
    found = _list_metadata(facts)
    fields = {
        **{name: redact(value) for name, value in gather(environment, rootdir).items()},
        **facts.get("playwright", {}),
        "runTitle": settings.run_title or rootdir.name,
        "tags": [*settings.tags, *(f"{name}:{found[name]}" for name in _TAGGED)],
        "workers": facts["workers"],
        "metadata": {**found, **facts.get("metadata", {})},
    }
    if facts["grep_patterns"]:
        fields["grepPatterns"] = facts["grep_patterns"]
    if settings.shard:
        fields["shardCurrent"], fields["shardTotal"] = settings.shard
    return fields


def _list_metadata(facts: Mapping[str, Any]) -> dict[str, str]:
    values = {
        "python": facts["python"],
        "pytest": facts["pytest"],
        "platform": facts["platform"],
        "command": facts.get("command", ""),
        "plugins": ", ".join(facts.get("plugins", ())),
    }
    return {name: shorten_name(value) for name, value in values.items() if value}


def gather(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the fields of POST /runs that can be found out; what cannot is left out, and nothing is raised.

    The branch is the CI build's where there is one: CI checks commits out, not branches.
    """
    build = ci_build(environment) or CiBuild("")
    repository = Repository(environment, directory)
    commit = _find_commit(build, read_pull_request(environment), repository)
    facts = {
        "branch": build.branch or repository.branch(),
        "commitSha": commit.sha,
        "commitMessage": commit.message,
        "commitAuthor": commit.author,
        "ciProvider": build.provider,
        "ciBuildId": build.build_id,
        "ciBuildUrl": build.url,
        "os": _SYSTEMS.get(platform.system(), platform.system().lower()),
        "hostname": platform.node(),
    }
    return {name: shorten(clean(value), NAME_LIMIT) for name, value in facts.items() if value}


def _find_commit(build: CiBuild, pull: PullRequest, repository: Repository) -> Commit:
    """Return the commit that is checked out, since that is what is tested; or, where CI has made that by merging, the
    one that it was asked to test."""
    here = repository.commit()
    heads = [sha for sha in (pull.head, build.head) if sha]
    if here is None:
        return _fill_in(Commit((heads or [build.sha or ""])[0]), build, pull)
    parents = repository.parents() if build.provider and here.sha not in heads else ()
    if len(parents) < 2:
        return here
    if not heads:
        heads = [parents[1]] if pull.is_merged and here.sha == build.sha else [build.sha or ""]
    merged = next((sha for sha in heads if sha in parents), "")
    return (repository.commit(merged) or _fill_in(Commit(merged), build, pull)) if merged else here


def _fill_in(commit: Commit, build: CiBuild, pull: PullRequest) -> Commit:
    """Return *commit*, whose object is not here, with what CI tells of it."""
    if commit.sha and commit.sha == pull.head:
        return replace(commit, message=pull.title, author=pull.author)
    if commit.sha == (build.sha or ""):
        message = (build.message or "").strip().partition("\n")[0]
        return replace(commit, message=message, author=build.author or "")
    return commit
