"""The bodies of the reporting API's published examples, as they stand there."""

from __future__ import annotations

from typing import Any

RUN: dict[str, Any] = {
    "projectId": "proj_abc123",
    "status": "running",
    "branch": "feature/login-flow",
    "commitSha": "a1b2c3d4e5f6",
    "commitMessage": "Add login flow tests",
    "commitAuthor": "jane@example.com",
    "ciProvider": "github-actions",
    "ciBuildId": "run-12345",
    "ciBuildUrl": "https://github.com/org/repo/actions/runs/12345",
    "playwrightVersion": "1.52.0",
    "workers": 4,
    "shardCurrent": 1,
    "shardTotal": 3,
    "browser": "chromium",
    "os": "linux",
    "viewport": "1280x720",
    "hostname": "ci-runner-01",
    "runTitle": "Login Flow Tests",
    "tags": ["smoke", "login"],
    "grepPatterns": ["@smoke"],
}
TEST: dict[str, Any] = {
    "projectId": "proj_abc123",
    "title": "should display login form",
    "fullTitle": "Auth > Login Page > should display login form",
    "filePath": "tests/auth/login.spec.ts",
    "lineNumber": 15,
    "status": "passed",
    "duration": 3420,
    "retries": 0,
    "attempt": 1,
    "isFlaky": False,
    "tags": ["@smoke", "@auth"],
    "annotations": [{"type": "slow", "description": "Includes network wait"}],
    "error": None,
    "steps": [
        {"title": "navigate to /login", "category": "action", "status": "passed", "duration": 820, "error": None},
        {
            "title": "expect(locator).toBeVisible()",
            "category": "assertion",
            "status": "passed",
            "duration": 45,
            "error": None,
        },
    ],
    "stdout": "",
    "stderr": "",
}
PATCH = {
    "status": "failed",
    "totalTests": 142,
    "passedTests": 138,
    "failedTests": 3,
    "skippedTests": 0,
    "flakyTests": 1,
    "duration": 245000,
}
