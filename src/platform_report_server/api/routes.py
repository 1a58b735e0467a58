"""Every route of the API."""

from __future__ import annotations

from starlette.routing import Route

from platform_report_server.api import artifacts, runs, suites, tests
from platform_report_server.api._call import route


def api_routes() -> list[Route]:
    """Return the routes, in the order of the documentation."""
    return [
        route("/api/runs", GET=runs.index, POST=runs.create),
        route("/api/runs/{run_id}", GET=runs.show, PATCH=runs.change, DELETE=runs.delete),
        route("/api/tests", GET=tests.index, POST=tests.create),
        route("/api/tests/bulk", POST=tests.create_many),
        route("/api/tests/{test_id}", GET=tests.show),
        route("/api/tests/{test_id}/steps", GET=tests.steps),
        route("/api/tests/{test_id}/history", GET=tests.history),
        route("/api/test-suites", GET=suites.index, POST=suites.create),
        route("/api/upload", POST=artifacts.upload),
        route("/api/artifacts", GET=artifacts.index),
        route("/api/artifacts/{artifact_id}/content", public=True, GET=artifacts.content),
    ]
