"""What a run is told apart by: its CI build, its commit, its machine."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..ci import CiBuild, ci_build
from ..text import NAME_LIMIT, clean, shorten

__all__ = ["gather"]

_GIT_TIMEOUT = 5.0
_SYSTEMS = {"Darwin": "macos"}

# They point git to another repository than the one that the tests stand in; hooks of git set them.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")

# A checkout in a container belongs to another user as a rule; of its settings, none may run a program.
_GIT = ("git", "-c", "safe.directory=*", "-c", "log.showSignature=false", "-c", "core.fsmonitor=false")


def gather(environment: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the fields of POST /runs that can be found out; what cannot is left out, and nothing is raised.

    The commit is the one checked out in *directory*, since that is what was tested. The branch is the CI build's
    where there is one: CI checks commits out, not branches.
    """
    build = ci_build(environment) or CiBuild("")
    commit = _git(environment, directory, "log", "-1", "--encoding=UTF-8", "--format=%H%x00%ae%x00%s").split("\0")
    sha, author, message = commit if len(commit) == 3 else ("", "", "")
    branch = build.branch or _git(environment, directory, "symbolic-ref", "--quiet", "--short", "HEAD")
    facts = {
        "branch": branch,
        "commitSha": sha or build.sha,
        "commitMessage": message or _first_line(build.message),
        "commitAuthor": author or build.author,
        "ciProvider": build.provider,
        "ciBuildId": build.build_id,
        "ciBuildUrl": build.url,
        "os": _SYSTEMS.get(platform.system(), platform.system().lower()),
        "hostname": platform.node(),
    }
    return {name: shorten(clean(value), NAME_LIMIT) for name, value in facts.items() if value}


def _git(environment: Mapping[str, str], directory: Path, *arguments: str) -> str:
    variables = {name: value for name, value in environment.items() if name not in _MISLEADING}
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603  the arguments are our own
            [*_GIT, "-C", str(directory), *arguments],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):  # no git, or none that comes to an end
        return ""
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""


def _first_line(text: str | None) -> str:
    return text.strip().partition("\n")[0] if text else ""
