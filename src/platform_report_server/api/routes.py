"""Every route of the API."""

from __future__ import annotations

from platform_report_server.api import artifacts, exports, flakiness, runs, suites, tests
from platform_report_server.api._account_routes import account_routes
from platform_report_server.api._operation import ApiRoute, Operation, route
from platform_report_server.api._query import PAGE, PROJECT, RUN, Required
from platform_report_server.api._shapes import Counted, Data, Done, Page
from platform_report_server.api._test_shapes import Execution, ListedTest, StoredTest, StoredTests, Test
from platform_report_server.api.artifacts import Artifact
from platform_report_server.api.runs import ChangedRun, Run
from platform_report_server.api.suites import StoredSuite, Suite
from platform_report_server.model import NewRun, NewSuite, NewTest, NewTests, QuarantineChange, RunChange, Step, Upload


def api_routes() -> list[ApiRoute]:
    """Return the routes, in the order of the documentation."""
    return [
        route(
            "/api/runs",
            GET=Operation(
                runs.index,
                "List a project's runs, newest first",
                "viewer",
                "runs read",
                query=(PROJECT, runs.STATUS, runs.BRANCH, *PAGE),
                answer=Page[Run],
            ),
            POST=Operation(
                runs.create,
                "Begin a run",
                "member",
                "runs write",
                body=NewRun,
                answer=Run,
                status=201,
                headers=("Platform-Capabilities",),
                gives="run_id",
            ),
        ),
        route(
            "/api/runs/{run_id}",
            GET=Operation(
                runs.show, "Get a run", "viewer", "runs read", answer=Run, headers=("Platform-Capabilities",)
            ),
            PATCH=Operation(
                runs.change, "Change or end a run", "member", "runs write", body=RunChange, answer=ChangedRun
            ),
            DELETE=Operation(
                runs.delete, "Delete a run with all that belongs to it", "member", "runs write", answer=Done
            ),
        ),
        route(
            "/api/runs/{run_id}/export",
            GET=Operation(
                exports.show,
                "Get all of a run as a file",
                "viewer",
                "runs read",
                query=(exports.FORMAT,),
                answer=bytes,
                headers=("Content-Disposition",),
            ),
        ),
        route(
            "/api/tests",
            GET=Operation(
                tests.index,
                "List a project's results",
                "viewer",
                "tests read",
                query=(PROJECT, tests.IN_RUN, tests.STATUS, tests.SEARCH, *PAGE),
                answer=Page[ListedTest],
            ),
            POST=Operation(
                tests.create,
                "Store a result",
                "member",
                "tests write",
                body=NewTest,
                answer=StoredTest,
                status=201,
                gives="test_id",
            ),
        ),
        route(
            "/api/tests/bulk",
            POST=Operation(
                tests.create_many,
                "Store up to 500 results",
                "member",
                "tests write",
                body=NewTests,
                answer=StoredTests,
            ),
        ),
        route("/api/tests/{test_id}", GET=Operation(tests.show, "Get a result", "viewer", "tests read", answer=Test)),
        route(
            "/api/tests/{test_id}/steps",
            GET=Operation(
                tests.steps,
                "Get the steps of a result, or of one of its attempts",
                "viewer",
                "tests read",
                query=(tests.ATTEMPT,),
                answer=Data[Step],
            ),
        ),
        route(
            "/api/tests/{test_id}/history",
            GET=Operation(
                tests.history,
                "List a test's last 20 executions, newest first",
                "viewer",
                "tests read",
                answer=Counted[Execution],
            ),
        ),
        route(
            "/api/test-suites",
            GET=Operation(
                suites.index,
                "Get a run's tree of suites",
                "viewer",
                "tests read",
                query=(RUN, PROJECT),
                answer=Data[Suite],
            ),
            POST=Operation(
                suites.create,
                "Store or update a suite",
                "member",
                "tests write",
                body=NewSuite,
                answer=StoredSuite,
                status=201,
                also=200,
            ),
        ),
        route(
            "/api/upload",
            POST=Operation(
                artifacts.upload,
                "Upload an artifact",
                "member",
                "uploads",
                body=Upload,
                answer=Artifact,
                is_form=True,
            ),
        ),
        route(
            "/api/flakiness",
            GET=Operation(
                flakiness.index,
                "List a project's tests, the flakiest first",
                "viewer",
                "flakiness",
                query=(PROJECT, flakiness.MIN_SCORE, flakiness.QUARANTINED, *PAGE),
                answer=flakiness.FlakinessPage,
            ),
            POST=Operation(
                flakiness.change,
                "Put a test into quarantine, or take it out",
                "member",
                "flakiness",
                body=QuarantineChange,
                answer=flakiness.QuarantineChanged,
            ),
        ),
        route(
            "/api/artifacts",
            GET=Operation(
                artifacts.index,
                "List the artifacts of a run or a test",
                "viewer",
                "tests read",
                query=(RUN, artifacts.IN_PROJECT, artifacts.OF_TEST),
                answer=Data[Artifact],
            ),
        ),
        route(
            "/api/artifacts/{artifact_id}/content",
            GET=Operation(
                artifacts.content,
                "Download an artifact by its signed link",
                None,
                "downloads",
                query=(Required("expires"), Required("signature")),
                answer=bytes,
                also=206,
                may_redirect=True,
            ),
        ),
        route(
            "/api/artifacts/{artifact_id}/thumbnail",
            GET=Operation(
                artifacts.thumbnail,
                "Get a small WebP image of an artifact by its signed link",
                None,
                "downloads",
                query=(Required("expires"), Required("signature")),
                answer=bytes,
                may_be_unchanged=True,
            ),
        ),
        *account_routes(),
    ]
