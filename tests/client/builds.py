"""CI builds, as their vendors document the variables."""

from __future__ import annotations

import os

from pytest_platform_report.ci import CiBuild

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
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "1" * 40,
        },
        CiBuild(
            "gitlab",
            "77",
            "https://gitlab.example/g/p/-/pipelines/77",
            "fix",
            "b" * 40,
            "Fix it",
            "Jane <jane@example.com>",
            head="1" * 40,
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
            "SYSTEM_PULLREQUEST_SOURCECOMMITID": "5" * 40,
            "BUILD_SOURCEBRANCH": "refs/pull/4/merge",
            "BUILD_SOURCEVERSION": "e" * 40,
        },
        CiBuild(
            "azure-pipelines",
            "31",
            "https://dev.azure.com/org/p-1/_build/results?buildId=31",
            "feature/x",
            "e" * 40,
            head="5" * 40,
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
            "TRAVIS_PULL_REQUEST_SHA": "2" * 40,
        },
        CiBuild("travis", "6", "https://travis-ci.com/o/r/builds/6", "main", "3" * 40, head="2" * 40),
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
            "APPVEYOR_PULL_REQUEST_HEAD_COMMIT": "3" * 40,
        },
        CiBuild(
            "appveyor",
            "4",
            "https://ci.appveyor.com/project/acc/shop/builds/4",
            "theirs",
            "4" * 40,
            head="3" * 40,
        ),
    ),
    (
        {
            "CI": "woodpecker",
            "DRONE_BRANCH": "main",
            "CI_REPO": "john-doe/shop",
            "CI_PIPELINE_NUMBER": "8",
            "CI_PIPELINE_URL": "https://ci.example/repos/7/pipeline/8",
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_SOURCE_BRANCH": "issue-branch",
            "CI_COMMIT_SHA": "6" * 40,
            "CI_COMMIT_MESSAGE": "Initial commit",
            "CI_COMMIT_AUTHOR": "john-doe",
            "CI_COMMIT_AUTHOR_EMAIL": "john-doe@example.com",
        },
        CiBuild(
            "woodpecker",
            "john-doe/shop/8",
            "https://ci.example/repos/7/pipeline/8",
            "issue-branch",
            "6" * 40,
            "Initial commit",
            "john-doe@example.com",
        ),
    ),
    (
        {
            "CI": "true",
            "DRONE": "true",
            "DRONE_REPO": "octocat/hello-world",
            "DRONE_BUILD_NUMBER": "42",
            "DRONE_BUILD_LINK": "https://drone.example/octocat/hello-world/42",
            "DRONE_BRANCH": "main",
            "DRONE_SOURCE_BRANCH": "feature/develop",
            "DRONE_COMMIT_SHA": "7" * 40,
            "DRONE_COMMIT_MESSAGE": "Updated README.md",
            "DRONE_COMMIT_AUTHOR": "octocat",
        },
        CiBuild(
            "drone",
            "octocat/hello-world/42",
            "https://drone.example/octocat/hello-world/42",
            "feature/develop",
            "7" * 40,
            "Updated README.md",
            "octocat",
        ),
    ),
    (
        {
            "CF_BUILD_ID": "5b1e",
            "CF_BUILD_URL": "https://g.codefresh.io/build/5b1e",
            "CF_BRANCH": "main",
            "CF_REVISION": "8" * 40,
            "CF_COMMIT_MESSAGE": "Fix",
            "CF_COMMIT_AUTHOR": "jane",
        },
        CiBuild("codefresh", "5b1e", "https://g.codefresh.io/build/5b1e", "main", "8" * 40, "Fix", "jane"),
    ),
    (
        {
            "SEMAPHORE": "true",
            "SEMAPHORE_ORGANIZATION_URL": "https://org.semaphoreci.com",
            "SEMAPHORE_WORKFLOW_ID": "w-1",
            "SEMAPHORE_PIPELINE_ID": "p-1",
            "SEMAPHORE_GIT_BRANCH": "main",
            "SEMAPHORE_GIT_PR_BRANCH": "featureA",
            "SEMAPHORE_GIT_PR_SHA": "9" * 40,
            "SEMAPHORE_GIT_SHA": "0" * 40,
            "SEMAPHORE_GIT_COMMIT_AUTHOR": "jane",
        },
        CiBuild(
            "semaphore",
            "p-1",
            "https://org.semaphoreci.com/workflows/w-1",
            "featureA",
            "0" * 40,
            author="jane",
            head="9" * 40,
        ),
    ),
    (
        {
            "CODEBUILD_BUILD_ID": "shop:b1e6661e",
            "AWS_REGION": "eu-west-1",
            "CODEBUILD_WEBHOOK_HEAD_REF": "refs/heads/feature/x",
            "CODEBUILD_SOURCE_VERSION": "pr/7",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": "a" * 40,
        },
        CiBuild(
            "codebuild",
            "shop:b1e6661e",
            "https://console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/shop:b1e6661e/view/new",
            "feature/x",
            "a" * 40,
        ),
    ),
    (
        {
            "BUILDER_OUTPUT": "/builder/outputs",
            "BUILD_ID": "0f3a",
            "PROJECT_ID": "shop-1",
            "LOCATION": "europe-west1",
            "BRANCH_NAME": "main",
            "TAG_NAME": "",
            "COMMIT_SHA": "b" * 40,
        },
        CiBuild(
            "google-cloud-build",
            "0f3a",
            "https://console.cloud.google.com/cloud-build/builds;region=europe-west1/0f3a?project=shop-1",
            "main",
            "b" * 40,
        ),
    ),
    ({"BUILDER_OUTPUT": "/builder/outputs"}, CiBuild("google-cloud-build")),
]
