"""What git tells of the directory that the tests stand in."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Commit", "Repository"]

_TIMEOUT = 5.0

# They point git to another repository than the one that the tests stand in; hooks of git set them.
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")

# A checkout in a container belongs to another user as a rule; of its settings, none may run a program.
_GIT = ("git", "-c", "safe.directory=*", "-c", "log.showSignature=false", "-c", "core.fsmonitor=false")


@dataclass(frozen=True)
class Commit:
    """A commit; what is not known of it is empty.

    :ivar message: its first line.
    """

    sha: str = ""
    message: str = ""
    author: str = ""


class Repository:
    """The repository around *directory*, if there is one; nothing here is raised, or takes longer than some seconds."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._directory = directory
        self._environment = {name: value for name, value in environment.items() if name not in _MISLEADING}
        self._environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        self._environment["GIT_NO_LAZY_FETCH"] = "1"

    def commit(self, revision: str = "HEAD") -> Commit | None:
        """Return a commit whose object is here, by default the one that is checked out."""
        told = self._ask("log", "-1", "--encoding=UTF-8", "--format=%H%x00%s%x00%ae", revision, "--").split("\0")
        return Commit(*told) if len(told) == 3 else None

    def parents(self) -> tuple[str, ...]:
        """Return the parents of the commit that is checked out, also those that a shallow clone left out."""
        head, _, _ = self._ask("cat-file", "commit", "HEAD").partition("\n\n")
        lines = [line.split(" ") for line in head.splitlines()]
        return tuple(words[1] for words in lines if words[0] == "parent")

    def branch(self) -> str:
        """Return the branch that is checked out, or the only one whose last commit is; empty where there is none."""
        checked_out = self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        if checked_out:
            return checked_out
        places = ("refs/heads/", "refs/remotes/origin/")
        refs = self._ask("for-each-ref", "--points-at=HEAD", "--format=%(refname)", *places).splitlines()
        names = {ref.removeprefix(place) for ref in refs for place in places if ref.startswith(place)} - {"HEAD"}
        return names.pop() if len(names) == 1 else ""

    def _ask(self, *arguments: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603  the arguments are our own
                [*_GIT, "-C", str(self._directory), *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError):  # no git, or none that comes to an end
            return ""
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
