"""The CI build, the commit and the machine of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_platform_report.ci import CiBuild, ci_build
from pytest_platform_report.uploader.facts import gather

PATH = {"PATH": os.environ.get("PATH", os.defpath)}

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "12345",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "org/repo",
    "GITHUB_REF_NAME": "17/merge",
    "GITHUB_HEAD_REF": "feature/login",
    "GITHUB_SHA": "a" * 40,
}

BUILDS = [
    (
        GITHUB,
        CiBuild(
            "github-actions",
            "12345-2",
            "https://github.com/org/repo/actions/runs/12345/attempts/2",
            "feature/login",
            "a" * 40,
        ),
    ),
    (
        {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "12345", "GITHUB_REF_NAME": "main", "GITHUB_HEAD_REF": ""},
        CiBuild("github-actions", "12345", None, "main"),
    ),
    (
        {
            "GITLAB_CI": "true",
            "CI_PIPELINE_ID": "77",
            "CI_PIPELINE_URL": "https://gitlab.example/g/p/-/pipelines/77",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "fix",
            "CI_COMMIT_REF_NAME": "refs/merge-requests/1/head",
            "CI_COMMIT_SHA": "b" * 40,
            "CI_COMMIT_TITLE": "Fix it",
            "CI_COMMIT_AUTHOR": "Jane <jane@example.com>",
        },
        CiBuild(
            "gitlab",
            "77",
            "https://gitlab.example/g/p/-/pipelines/77",
            "fix",
            "b" * 40,
            "Fix it",
            "Jane <jane@example.com>",
        ),
    ),
    (
        {
            "JENKINS_URL": "https://jenkins.example/",
            "BUILD_TAG": "jenkins-shop-9",
            "BUILD_URL": "https://jenkins.example/job/shop/9/",
            "GIT_BRANCH": "origin/main",
            "GIT_COMMIT": "c" * 40,
        },
        CiBuild("jenkins", "jenkins-shop-9", "https://jenkins.example/job/shop/9/", "main", "c" * 40),
    ),
    (
        {
            "CIRCLECI": "true",
            "CIRCLE_WORKFLOW_ID": "w-1",
            "CIRCLE_BUILD_NUM": "5",
            "CIRCLE_BUILD_URL": "https://circleci.com/gh/o/r/5",
            "CIRCLE_BRANCH": "main",
            "CIRCLE_SHA1": "d" * 40,
        },
        CiBuild("circleci", "w-1", "https://circleci.com/gh/o/r/5", "main", "d" * 40),
    ),
    (
        {
            "TF_BUILD": "True",
            "BUILD_BUILDID": "31",
            "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://dev.azure.com/org/",
            "SYSTEM_TEAMPROJECTID": "p-1",
            "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x",
            "BUILD_SOURCEBRANCH": "refs/pull/4/merge",
            "BUILD_SOURCEVERSION": "e" * 40,
        },
        CiBuild(
            "azure-pipelines",
            "31",
            "https://dev.azure.com/org/p-1/_build/results?buildId=31",
            "feature/x",
            "e" * 40,
        ),
    ),
    (
        {
            "BITBUCKET_BUILD_NUMBER": "8",
            "BITBUCKET_REPO_FULL_NAME": "ws/repo",
            "BITBUCKET_BRANCH": "main",
            "BITBUCKET_COMMIT": "f" * 40,
        },
        CiBuild(
            "bitbucket-pipelines",
            "ws/repo/8",
            "https://bitbucket.org/ws/repo/pipelines/results/8",
            "main",
            "f" * 40,
        ),
    ),
    (
        {
            "BUILDKITE": "true",
            "BUILDKITE_BUILD_ID": "bk-1",
            "BUILDKITE_BUILD_URL": "https://buildkite.com/o/p/builds/1",
            "BUILDKITE_BRANCH": "main",
            "BUILDKITE_COMMIT": "1" * 40,
            "BUILDKITE_MESSAGE": "Fix\n\nlong",
            "BUILDKITE_BUILD_AUTHOR": "Jane",
        },
        CiBuild("buildkite", "bk-1", "https://buildkite.com/o/p/builds/1", "main", "1" * 40, "Fix\n\nlong", "Jane"),
    ),
    (
        {
            "TEAMCITY_VERSION": "2025.07",
            "TEAMCITY_PROJECT_NAME": "Shop",
            "TEAMCITY_BUILDCONF_NAME": "Tests",
            "BUILD_NUMBER": "3",
            "BUILD_VCS_NUMBER": "2" * 40,
        },
        CiBuild("teamcity", "Shop/Tests/3", None, None, "2" * 40),
    ),
    (
        {
            "TRAVIS": "true",
            "TRAVIS_BUILD_ID": "6",
            "TRAVIS_BUILD_WEB_URL": "https://travis-ci.com/o/r/builds/6",
            "TRAVIS_BRANCH": "main",
            "TRAVIS_PULL_REQUEST_BRANCH": "",
            "TRAVIS_COMMIT": "3" * 40,
        },
        CiBuild("travis", "6", "https://travis-ci.com/o/r/builds/6", "main", "3" * 40),
    ),
    (
        {
            "APPVEYOR": "True",
            "APPVEYOR_BUILD_ID": "4",
            "APPVEYOR_URL": "https://ci.appveyor.com",
            "APPVEYOR_ACCOUNT_NAME": "acc",
            "APPVEYOR_PROJECT_SLUG": "shop",
            "APPVEYOR_REPO_BRANCH": "main",
            "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH": "theirs",
            "APPVEYOR_REPO_COMMIT": "4" * 40,
        },
        CiBuild("appveyor", "4", "https://ci.appveyor.com/project/acc/shop/builds/4", "theirs", "4" * 40),
    ),
]


@pytest.mark.parametrize(("environment", "build"), BUILDS, ids=[build.provider for _, build in BUILDS])
def test_ci_build(environment: dict[str, str], build: CiBuild) -> None:
    assert ci_build({**PATH, **environment}) == build


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}, {"TRAVIS": " "}])
def test_no_ci_build(environment: dict[str, str]) -> None:
    assert ci_build(environment) is None


def test_braces_in_a_value_are_no_template() -> None:
    build = ci_build({"CIRCLECI": "true", "CIRCLE_BRANCH": "{CIRCLE_TOKEN}", "CIRCLE_TOKEN": "secret"})
    assert build == CiBuild("circleci", branch="{CIRCLE_TOKEN}")


def test_reading_the_ci_build_imports_little() -> None:
    code = (
        "import sys, pytest_platform_report.ci; "
        "print([name for name in ('subprocess', 'httpx', 'asyncio', 'pytest') if name in sys.modules])"
    )
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=python_path(), check=False)
    assert done.stdout.strip() == "[]", done.stderr


def python_path() -> dict[str, str]:
    return {**PATH, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


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
        monkeypatch.setattr("pytest_platform_report.uploader.facts._GIT_TIMEOUT", 0.1)
        assert set(gather({"PATH": f"{tmp_path}{os.pathsep}{PATH['PATH']}"}, repository)) == {"os", "hostname"}

    def test_odd_values_become_text(self, tmp_path: Path) -> None:
        environment = {"TRAVIS": "1", "TRAVIS_BRANCH": "a\udcff\x1b[31mb", "TRAVIS_COMMIT_MESSAGE": "m" * 100_000}
        facts = gather({**environment, "PATH": ""}, tmp_path)
        assert facts["branch"] == "a\\udcffb"
        assert len(facts["commitMessage"]) < 5_000
