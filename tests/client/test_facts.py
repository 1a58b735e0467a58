"""What is found out of a run: its commit, its branch, its machine."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from builds import BUILDS, GITHUB, PATH

from pytest_platform_report.uploader.facts import gather


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "feature/größe")
    commit(folder, "Add größe\n\nand more")
    return folder


def git(folder: Path, *arguments: str) -> str:
    environment = {
        **PATH,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Jane Smith" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "jane@example.com" for who in ("AUTHOR", "COMMITTER")},
    }
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


class TestGather:
    def test_repository(self, repository: Path) -> None:
        facts = gather(PATH, repository)
        assert facts.pop("hostname")
        assert facts.pop("os") in ("linux", "macos", "windows")
        assert facts == {
            "branch": "feature/größe",
            "commitSha": git(repository, "rev-parse", "HEAD"),
            "commitMessage": "Add größe",
            "commitAuthor": "jane@example.com",
        }

    def test_below_the_top_of_a_repository(self, repository: Path) -> None:
        below = repository / "tests" / "unit"
        below.mkdir(parents=True)
        assert gather(PATH, below)["commitMessage"] == "Add größe"

    def test_ci_tells_the_branch_of_a_commit_that_is_checked_out(self, repository: Path) -> None:
        first = git(repository, "rev-parse", "HEAD")
        commit(repository, "Second")
        git(repository, "checkout", "--quiet", first)
        assert "branch" not in gather(PATH, repository)
        facts = gather({**PATH, **GITHUB}, repository)
        assert facts["branch"] == "feature/login"
        assert facts["commitSha"] == first
        assert (facts["ciProvider"], facts["ciBuildId"]) == ("github-actions", "12345-2")
        assert facts["ciBuildUrl"].startswith("https://github.com/org/repo/")

    def test_repository_without_a_commit(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet", "--initial-branch", "main")
        assert {name for name in gather(PATH, tmp_path) if name.startswith(("commit", "branch"))} == {"branch"}

    def test_worktree(self, repository: Path, tmp_path: Path) -> None:
        git(repository, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
        assert gather(PATH, tmp_path / "side")["branch"] == "side"

    def test_variables_of_a_git_hook_do_not_mislead(self, repository: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        other.mkdir()
        git(other, "init", "--quiet", "--initial-branch", "other")
        environment = {**PATH, "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
        assert gather(environment, repository)["branch"] == "feature/größe"

    def test_programs_in_the_settings_are_not_run(self, repository: Path, tmp_path: Path) -> None:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
        program.chmod(0o755)
        for name in ("core.fsmonitor", "gpg.program", "core.pager"):
            git(repository, "config", name, str(program))
        git(repository, "config", "log.showSignature", "true")
        assert gather(PATH, repository)["commitMessage"] == "Add größe"
        assert not (tmp_path / "ran").exists()

    def test_no_repository_but_a_ci_build(self, tmp_path: Path) -> None:
        environment = {**PATH, **BUILDS[7][0], "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
        facts = gather(environment, tmp_path)
        assert (facts["commitSha"], facts["commitMessage"], facts["commitAuthor"]) == ("1" * 40, "Fix", "Jane")
        assert facts["branch"] == "main"

    @pytest.mark.parametrize("path", ["", "/nowhere"])
    def test_no_git(self, repository: Path, path: str) -> None:
        assert set(gather({"PATH": path}, repository)) == {"os", "hostname"}

    def test_no_directory(self, tmp_path: Path) -> None:
        assert set(gather(PATH, tmp_path / "gone")) == {"os", "hostname"}

    def test_git_that_does_not_come_to_an_end(
        self, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "git"
        program.write_text("#!/bin/sh\nexec sleep 600\n")
        program.chmod(0o755)
        monkeypatch.setattr("pytest_platform_report.uploader.git._TIMEOUT", 0.1)
        assert set(gather({"PATH": f"{tmp_path}{os.pathsep}{PATH['PATH']}"}, repository)) == {"os", "hostname"}

    def test_odd_values_become_text(self, tmp_path: Path) -> None:
        environment = {"TRAVIS": "1", "TRAVIS_BRANCH": "a\udcff\x1b[31mb", "TRAVIS_COMMIT_MESSAGE": "m" * 100_000}
        facts = gather({**environment, "PATH": ""}, tmp_path)
        assert facts["branch"] == "a\\udcffb"
        assert len(facts["commitMessage"]) < 5_000


PULL_REQUESTS: list[tuple[str, dict[str, str]]] = [
    ("head", {"GITLAB_CI": "true", "CI_COMMIT_SHA": "{merge}", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "{head}"}),
    ("head", {"TF_BUILD": "1", "BUILD_SOURCEVERSION": "{merge}", "SYSTEM_PULLREQUEST_SOURCECOMMITID": "{head}"}),
    ("head", {"TRAVIS": "true", "TRAVIS_COMMIT": "{merge}", "TRAVIS_PULL_REQUEST_SHA": "{head}"}),
    ("head", {"APPVEYOR": "1", "APPVEYOR_REPO_COMMIT": "{merge}", "APPVEYOR_PULL_REQUEST_HEAD_COMMIT": "{head}"}),
    # These merge on their own machines, and call the pull request's commit the build's.
    ("head", {"DRONE": "true", "DRONE_COMMIT_SHA": "{head}"}),
    ("head", {"BITBUCKET_BUILD_NUMBER": "8", "BITBUCKET_COMMIT": "{head}"}),
    # Without the event's file there is still the reference.
    ("head", {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "{merge}", "GITHUB_REF": "refs/pull/17/merge"}),
    # Something else is checked out than what CI speaks of.
    ("merge", {"GITLAB_CI": "true", "CI_COMMIT_SHA": "{base}", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "{other}"}),
    ("merge", {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "{other}", "GITHUB_REF": "refs/pull/17/merge"}),
    ("merge", {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "{merge}", "GITHUB_REF": "refs/heads/main"}),
    ("merge", {}),
]


@dataclass(frozen=True)
class Merged:
    """A repository in which what CI would merge of a pull request is checked out, as CI does it: no branch is."""

    folder: Path
    commits: dict[str, str]

    @property
    def head(self) -> str:
        return self.commits["head"]

    def fill(self, environment: dict[str, str]) -> dict[str, str]:
        return {**PATH, **{name: value.format(**self.commits) for name, value in environment.items()}}

    def clone(self, folder: Path, *options: str) -> Path:
        git(folder.parent, "clone", "--quiet", *options, self.folder.as_uri(), str(folder))
        git(folder, "fetch", "--quiet", *options, "origin", "refs/pull/17/merge")
        git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return folder

    def event(self, path: Path, **values: object) -> dict[str, str]:
        """Write the event of GitHub's and return the variables of its build."""
        pull = {"head": {"sha": self.head}, "title": "Log in", "user": {"login": "jane"}}
        path.write_text(json.dumps({"action": "opened", "pull_request": {**pull, **values}}))
        variables = {"GITHUB_SHA": self.commits["merge"], "GITHUB_REF": "refs/pull/17/merge"}
        return {**PATH, **GITHUB, **variables, "GITHUB_EVENT_PATH": str(path)}


class TestPullRequest:
    @pytest.fixture
    def merged(self, repository: Path) -> Merged:
        base = git(repository, "rev-parse", "HEAD")
        git(repository, "checkout", "--quiet", "-b", "feature/login")
        head = commit(repository, "Log in with a key\n\nand more")
        git(repository, "checkout", "--quiet", "--detach", base)
        git(repository, "merge", "--quiet", "--no-ff", "--message", "Merge head into base", head)
        merge = git(repository, "rev-parse", "HEAD")
        git(repository, "update-ref", "refs/pull/17/merge", merge)
        return Merged(repository, {"base": base, "head": head, "merge": merge, "other": "f" * 40})

    @pytest.mark.parametrize(("expected", "environment"), PULL_REQUESTS)
    def test_the_commit_that_ci_was_asked_to_test(
        self, merged: Merged, expected: str, environment: dict[str, str]
    ) -> None:
        facts = gather(merged.fill(environment), merged.folder)
        assert facts["commitSha"] == merged.commits[expected]
        message = {"head": "Log in with a key", "merge": "Merge head into base"}[expected]
        assert (facts["commitMessage"], facts["commitAuthor"]) == (message, "jane@example.com")

    def test_github_tells_it_in_a_file(self, merged: Merged, tmp_path: Path) -> None:
        environment = {**merged.event(tmp_path / "event.json"), "GITHUB_REF": ""}
        facts = gather(environment, merged.folder)
        assert (facts["commitSha"], facts["branch"]) == (merged.head, "feature/login")
        assert (facts["commitMessage"], facts["commitAuthor"]) == ("Log in with a key", "jane@example.com")

    def test_a_shallow_clone_has_its_id_alone(self, merged: Merged, tmp_path: Path) -> None:
        clone = merged.clone(tmp_path / "shallow", "--depth=1")
        facts = gather(merged.event(tmp_path / "event.json"), clone)
        assert (facts["commitSha"], facts["commitMessage"], facts["commitAuthor"]) == (merged.head, "Log in", "jane")
        facts = gather(merged.fill(PULL_REQUESTS[0][1]), clone)
        assert facts["commitSha"] == merged.head
        assert not {"commitMessage", "commitAuthor"} & set(facts)

    def test_no_repository(self, merged: Merged, tmp_path: Path) -> None:
        environment = merged.event(tmp_path / "event.json")
        facts = gather({**environment, "PATH": ""}, tmp_path)
        assert (facts["commitSha"], facts["commitMessage"]) == (merged.head, "Log in")

    def test_the_head_may_be_what_is_checked_out(self, merged: Merged, tmp_path: Path) -> None:
        git(merged.folder, "checkout", "--quiet", merged.head)
        environment = {**merged.event(tmp_path / "event.json"), "GITHUB_SHA": merged.commits["base"]}
        assert gather(environment, merged.folder)["commitSha"] == merged.head

    @pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"pull_request": {"head": 1}}', "[" * 100_000])
    def test_a_file_that_is_no_event(self, merged: Merged, tmp_path: Path, content: str) -> None:
        environment = merged.event(tmp_path / "event.json")
        (tmp_path / "event.json").write_text(content)
        assert gather(environment, merged.folder)["commitSha"] == merged.head
        assert gather({**environment, "GITHUB_EVENT_PATH": str(tmp_path)}, merged.folder)["commitSha"] == merged.head

    def test_the_branch_of_a_commit_that_is_checked_out(self, merged: Merged, tmp_path: Path) -> None:
        """Where CI does not tell it, it is the branch that ends there, if it is the only one."""
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", merged.folder.as_uri(), str(clone))
        git(clone, "checkout", "--quiet", "--detach", merged.head)
        assert gather(PATH, clone)["branch"] == "feature/login"
        git(clone, "branch", "another", merged.head)
        assert "branch" not in gather(PATH, clone)
