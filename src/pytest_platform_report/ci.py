"""The CI build that a session runs in, by the variables that CI vendors document.

Imported in every pytest session that reports: it reads the environment that it is given and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["CiBuild", "ci_build"]


@dataclass(frozen=True)
class CiBuild:
    """A CI build; what its vendor does not tell is None.

    :ivar build_id: the same for all jobs of a build, and another one when the build is started again, where the vendor
        tells the two apart.
    """

    provider: str
    build_id: str | None = None
    url: str | None = None
    branch: str | None = None
    sha: str | None = None
    message: str | None = None
    author: str | None = None


class _Vendor(NamedTuple):
    """A vendor's variables: each field is a list of templates, of which the first that can be filled in counts."""

    provider: str
    marker: str
    build_id: tuple[str, ...]
    url: tuple[str, ...]
    branch: tuple[str, ...]
    sha: tuple[str, ...]
    message: tuple[str, ...] = ()
    author: tuple[str, ...] = ()


# The branch is a pull request's own wherever the vendor tells it, not the one that it would be merged into.
_VENDORS = (
    _Vendor(
        "github-actions",
        marker="GITHUB_ACTIONS",
        # A run that is started again keeps its id.
        build_id=("{GITHUB_RUN_ID}-{GITHUB_RUN_ATTEMPT}", "{GITHUB_RUN_ID}"),
        url=(
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        ),
        branch=("{GITHUB_HEAD_REF}", "{GITHUB_REF_NAME}"),
        sha=("{GITHUB_SHA}",),
    ),
    _Vendor(
        "gitlab",
        marker="GITLAB_CI",
        build_id=("{CI_PIPELINE_ID}",),
        url=("{CI_PIPELINE_URL}", "{CI_JOB_URL}"),
        branch=("{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}", "{CI_COMMIT_BRANCH}", "{CI_COMMIT_REF_NAME}"),
        sha=("{CI_COMMIT_SHA}",),
        message=("{CI_COMMIT_TITLE}",),
        author=("{CI_COMMIT_AUTHOR}",),
    ),
    _Vendor(
        "circleci",
        marker="CIRCLECI",
        build_id=("{CIRCLE_WORKFLOW_ID}", "{CIRCLE_BUILD_NUM}"),
        url=("{CIRCLE_BUILD_URL}",),
        branch=("{CIRCLE_BRANCH}", "{CIRCLE_TAG}"),
        sha=("{CIRCLE_SHA1}",),
    ),
    _Vendor(
        "azure-pipelines",
        marker="TF_BUILD",
        build_id=("{BUILD_BUILDID}",),
        url=("{SYSTEM_TEAMFOUNDATIONCOLLECTIONURI}{SYSTEM_TEAMPROJECTID}/_build/results?buildId={BUILD_BUILDID}",),
        branch=("{SYSTEM_PULLREQUEST_SOURCEBRANCH}", "{BUILD_SOURCEBRANCH}"),
        sha=("{SYSTEM_PULLREQUEST_SOURCECOMMITID}", "{BUILD_SOURCEVERSION}"),
        message=("{BUILD_SOURCEVERSIONMESSAGE}",),
    ),
    _Vendor(
        "bitbucket-pipelines",
        marker="BITBUCKET_BUILD_NUMBER",
        build_id=("{BITBUCKET_REPO_FULL_NAME}/{BITBUCKET_BUILD_NUMBER}", "{BITBUCKET_BUILD_NUMBER}"),
        url=("https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",),
        branch=("{BITBUCKET_BRANCH}", "{BITBUCKET_TAG}"),
        sha=("{BITBUCKET_COMMIT}",),
    ),
    _Vendor(
        "buildkite",
        marker="BUILDKITE",
        build_id=("{BUILDKITE_BUILD_ID}",),
        url=("{BUILDKITE_BUILD_URL}",),
        branch=("{BUILDKITE_BRANCH}",),
        sha=("{BUILDKITE_COMMIT}",),
        message=("{BUILDKITE_MESSAGE}",),
        author=("{BUILDKITE_BUILD_AUTHOR_EMAIL}", "{BUILDKITE_BUILD_AUTHOR}"),
    ),
    _Vendor(
        "teamcity",
        marker="TEAMCITY_VERSION",
        # A build number counts one build configuration's builds only.
        build_id=("{TEAMCITY_PROJECT_NAME}/{TEAMCITY_BUILDCONF_NAME}/{BUILD_NUMBER}", "{BUILD_NUMBER}"),
        url=("{BUILD_URL}",),
        branch=(),
        sha=("{BUILD_VCS_NUMBER}",),
    ),
    _Vendor(
        "travis",
        marker="TRAVIS",
        build_id=("{TRAVIS_BUILD_ID}",),
        url=("{TRAVIS_BUILD_WEB_URL}",),
        branch=("{TRAVIS_PULL_REQUEST_BRANCH}", "{TRAVIS_BRANCH}"),
        sha=("{TRAVIS_PULL_REQUEST_SHA}", "{TRAVIS_COMMIT}"),
        message=("{TRAVIS_COMMIT_MESSAGE}",),
    ),
    _Vendor(
        "appveyor",
        marker="APPVEYOR",
        build_id=("{APPVEYOR_BUILD_ID}",),
        url=("{APPVEYOR_URL}/project/{APPVEYOR_ACCOUNT_NAME}/{APPVEYOR_PROJECT_SLUG}/builds/{APPVEYOR_BUILD_ID}",),
        branch=("{APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH}", "{APPVEYOR_REPO_BRANCH}"),
        sha=("{APPVEYOR_PULL_REQUEST_HEAD_COMMIT}", "{APPVEYOR_REPO_COMMIT}"),
        message=("{APPVEYOR_REPO_COMMIT_MESSAGE}",),
        author=("{APPVEYOR_REPO_COMMIT_AUTHOR_EMAIL}", "{APPVEYOR_REPO_COMMIT_AUTHOR}"),
    ),
    # Last: agents of other vendors are at times started by a Jenkins and keep its variables.
    _Vendor(
        "jenkins",
        marker="JENKINS_URL",
        build_id=("{BUILD_TAG}", "{JOB_NAME}-{BUILD_NUMBER}"),
        url=("{BUILD_URL}",),
        branch=("{CHANGE_BRANCH}", "{BRANCH_NAME}", "{GIT_BRANCH}"),
        sha=("{GIT_COMMIT}",),
    ),
)


def ci_build(environment: Mapping[str, str]) -> CiBuild | None:
    """Return the CI build that *environment* tells of, or None where it tells of none."""
    for vendor in _VENDORS:
        if environment.get(vendor.marker, "").strip().lower() not in ("", "0", "false"):
            return CiBuild(
                provider=vendor.provider,
                build_id=_fill(vendor.build_id, environment),
                url=_fill(vendor.url, environment),
                branch=_name_branch(_fill(vendor.branch, environment)),
                sha=_fill(vendor.sha, environment),
                message=_fill(vendor.message, environment),
                author=_fill(vendor.author, environment),
            )
    return None


def _fill(templates: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    set_ = {name: value.strip() for name, value in environment.items() if value.strip()}
    for template in templates:
        try:
            return template.format_map(set_)
        except KeyError:
            continue
    return None


def _name_branch(ref: str | None) -> str | None:
    if ref is None:
        return None
    for prefix in ("refs/heads/", "refs/tags/", "refs/remotes/origin/", "origin/"):
        if ref.startswith(prefix):
            return ref[len(prefix) :]
    return ref
