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
    :ivar sha: what the vendor calls the build's commit; ``message`` and ``author`` are this one's.
    :ivar head: the last commit of the pull request, where the vendor builds what its merge would be.
    """

    provider: str
    build_id: str | None = None
    url: str | None = None
    branch: str | None = None
    sha: str | None = None
    message: str | None = None
    author: str | None = None
    head: str | None = None


class _Vendor(NamedTuple):
    """A vendor's variables: each field is a list of templates, of which the first that can be filled in counts.

    The marker is a variable that is set to anything but no, or to what stands after the equals sign.
    """

    provider: str
    marker: str
    build_id: tuple[str, ...]
    url: tuple[str, ...]
    branch: tuple[str, ...]
    sha: tuple[str, ...]
    message: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    head: tuple[str, ...] = ()


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
        head=("{CI_MERGE_REQUEST_SOURCE_BRANCH_SHA}",),
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
        sha=("{BUILD_SOURCEVERSION}",),
        message=("{BUILD_SOURCEVERSIONMESSAGE}",),
        head=("{SYSTEM_PULLREQUEST_SOURCECOMMITID}",),
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
        sha=("{TRAVIS_COMMIT}",),
        message=("{TRAVIS_COMMIT_MESSAGE}",),
        head=("{TRAVIS_PULL_REQUEST_SHA}",),
    ),
    _Vendor(
        "appveyor",
        marker="APPVEYOR",
        build_id=("{APPVEYOR_BUILD_ID}",),
        url=("{APPVEYOR_URL}/project/{APPVEYOR_ACCOUNT_NAME}/{APPVEYOR_PROJECT_SLUG}/builds/{APPVEYOR_BUILD_ID}",),
        branch=("{APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH}", "{APPVEYOR_REPO_BRANCH}"),
        sha=("{APPVEYOR_REPO_COMMIT}",),
        message=("{APPVEYOR_REPO_COMMIT_MESSAGE}",),
        author=("{APPVEYOR_REPO_COMMIT_AUTHOR_EMAIL}", "{APPVEYOR_REPO_COMMIT_AUTHOR}"),
        head=("{APPVEYOR_PULL_REQUEST_HEAD_COMMIT}",),
    ),
    # Before Drone, whose variables it sets for plugins that were made for that.
    _Vendor(
        "woodpecker",
        marker="CI=woodpecker",
        build_id=("{CI_REPO}/{CI_PIPELINE_NUMBER}",),
        url=("{CI_PIPELINE_URL}",),
        branch=("{CI_COMMIT_SOURCE_BRANCH}", "{CI_COMMIT_BRANCH}", "{CI_COMMIT_TAG}"),
        sha=("{CI_COMMIT_SHA}",),
        message=("{CI_COMMIT_MESSAGE}",),
        author=("{CI_COMMIT_AUTHOR_EMAIL}", "{CI_COMMIT_AUTHOR}"),
    ),
    _Vendor(
        "drone",
        marker="DRONE",
        build_id=("{DRONE_REPO}/{DRONE_BUILD_NUMBER}",),
        url=("{DRONE_BUILD_LINK}",),
        branch=("{DRONE_SOURCE_BRANCH}", "{DRONE_BRANCH}", "{DRONE_TAG}"),
        sha=("{DRONE_COMMIT_SHA}",),
        message=("{DRONE_COMMIT_MESSAGE}",),
        author=("{DRONE_COMMIT_AUTHOR_EMAIL}", "{DRONE_COMMIT_AUTHOR}"),
    ),
    _Vendor(
        "codefresh",
        marker="CF_BUILD_ID",
        build_id=("{CF_BUILD_ID}",),
        url=("{CF_BUILD_URL}",),
        branch=("{CF_BRANCH}",),
        sha=("{CF_REVISION}",),
        message=("{CF_COMMIT_MESSAGE}",),
        author=("{CF_COMMIT_AUTHOR}",),
    ),
    _Vendor(
        "semaphore",
        marker="SEMAPHORE",
        # A workflow keeps its id when some of its jobs are run again; that makes a new pipeline.
        build_id=("{SEMAPHORE_PIPELINE_ID}", "{SEMAPHORE_WORKFLOW_ID}"),
        url=("{SEMAPHORE_ORGANIZATION_URL}/workflows/{SEMAPHORE_WORKFLOW_ID}",),
        branch=("{SEMAPHORE_GIT_PR_BRANCH}", "{SEMAPHORE_GIT_BRANCH}", "{SEMAPHORE_GIT_TAG_NAME}"),
        sha=("{SEMAPHORE_GIT_SHA}",),
        author=("{SEMAPHORE_GIT_COMMIT_AUTHOR}",),
        head=("{SEMAPHORE_GIT_PR_SHA}",),
    ),
    _Vendor(
        "codebuild",
        marker="CODEBUILD_BUILD_ID",
        build_id=("{CODEBUILD_BUILD_ID}",),
        url=(
            "{CODEBUILD_PUBLIC_BUILD_URL}",
            "https://console.aws.amazon.com/codebuild/home?region={AWS_REGION}#/builds/{CODEBUILD_BUILD_ID}/view/new",
        ),
        # CODEBUILD_SOURCE_VERSION may be a branch, but as well a commit, a tag or the version of an S3 object.
        branch=("{CODEBUILD_WEBHOOK_HEAD_REF}",),
        sha=("{CODEBUILD_RESOLVED_SOURCE_VERSION}",),
    ),
    # It sets the marker itself. The others are substitutions, which reach a step where its "env" passes them on.
    _Vendor(
        "google-cloud-build",
        marker="BUILDER_OUTPUT",
        build_id=("{BUILD_ID}",),
        url=(
            "https://console.cloud.google.com/cloud-build/builds;region={LOCATION}/{BUILD_ID}?project={PROJECT_ID}",
            "https://console.cloud.google.com/cloud-build/builds/{BUILD_ID}?project={PROJECT_ID}",
        ),
        branch=("{_HEAD_BRANCH}", "{BRANCH_NAME}", "{TAG_NAME}"),
        sha=("{COMMIT_SHA}", "{REVISION_ID}"),
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
    given = {name: stripped for name, value in environment.items() if (stripped := value.strip())}
    for vendor in _VENDORS:
        if _is_marked(vendor.marker, given):
            return CiBuild(
                provider=vendor.provider,
                build_id=_fill(vendor.build_id, given),
                url=_fill(vendor.url, given),
                branch=_name_branch(_fill(vendor.branch, given)),
                sha=_name_commit(_fill(vendor.sha, given)),
                message=_fill(vendor.message, given),
                author=_fill(vendor.author, given),
                head=_fill(vendor.head, given),
            )
    return None


def _is_marked(marker: str, given: Mapping[str, str]) -> bool:
    name, equals, word = marker.partition("=")
    value = given.get(name, "").lower()
    return value == word if equals else value not in ("", "0", "false")


def _fill(templates: tuple[str, ...], given: Mapping[str, str]) -> str | None:
    for template in templates:
        try:
            return template.format_map(given)
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


def _name_commit(sha: str | None) -> str | None:
    return None if sha == "HEAD" else sha  # what Buildkite says of a build that was started by hand
