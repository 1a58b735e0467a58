"""The API's document, and the pages that show it."""

from __future__ import annotations

import gzip
import re
from typing import Any

import httpx
import pytest

from platform_report_server.api.docs import VENDORED, docs_routes
from platform_report_server.api.routes import api_routes


@pytest.fixture
def document(url: str) -> Any:
    response = httpx.get(f"{url}/api/openapi.json")
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_every_operation_is_declared(document: Any) -> None:
    declared = {(each.path, method) for each in api_routes() for method in each.operations}
    assert {(path, method.upper()) for path, methods in document["paths"].items() for method in methods} == declared
    for methods in document["paths"].values():
        for method, operation in methods.items():
            assert operation["summary"]
            answers = operation["responses"]
            success = [answers[status] for status in answers if status.startswith("2")]
            assert success
            assert all(answer["content"] for answer in success)
            assert {"400", "404", "500"} <= answers.keys()
            assert ("413" in answers) == ("requestBody" in operation)
            is_told = operation["operationId"] in (
                "deliveries_test",
                "deliveries_replay",
                "badges_make",
            )  # by its path alone
            assert ("requestBody" in operation) == (method in ("post", "patch") and not is_told)
            assert bool(operation["security"]) == ("401" in answers)
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_errors_and_headers_are_described(document: Any) -> None:
    components = document["components"]
    assert components["responses"]["RateLimited"]["headers"].keys() == {
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    }
    for response in components["responses"].values():
        assert response["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorAnswer"}
    assert components["securitySchemes"].keys() == {"key", "session"}
    begun = document["paths"]["/api/runs"]["post"]
    assert "Platform-Capabilities" in begun["responses"]["201"]["headers"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in begun["parameters"]]
    assert "multipart/form-data" in document["paths"]["/api/upload"]["post"]["requestBody"]["content"]


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_pages_load_what_is_here(url: str, encoding: str) -> None:
    with httpx.Client(base_url=url, headers={"Accept-Encoding": encoding}) as http:
        for path in ("/api/docs", "/api/redoc"):
            page = http.get(path)
            assert page.status_code == 200
            assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
            wanted = re.findall(r'(?:src|href)="(/[^"]*)"', page.text)
            assert len(wanted) >= 2
            for place in wanted:
                response = http.get(place)
                assert response.status_code == 200
                assert response.headers["x-content-type-options"] == "nosniff"
                assert response.headers["content-type"].partition(";")[0] in ("text/javascript", "text/css")
                vendored = not response.url.path.endswith(("swagger.js", "redoc.js"))
                assert (response.headers.get("content-encoding") == "gzip") == (vendored and encoding == "gzip")
                assert response.content[:2] != b"\x1f\x8b"


def test_vendored_files_are_whole_and_ask_nobody_for_a_logo() -> None:
    for path in VENDORED:
        assert b"cdn.redoc.ly" not in gzip.decompress(path.read_bytes())
    licences = {path.name for path in VENDORED[0].parent.glob("*LICENSE.txt")}
    assert {"swagger-ui.LICENSE.txt", "redoc.LICENSE.txt"} <= licences


def test_paths_of_the_pages_are_no_operations() -> None:
    ours = {each.path for each in api_routes()}
    assert not ours & {each.path for each in docs_routes()}


def test_the_document_is_valid(document: Any) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document, cls=validator.OpenAPIV31SpecValidator)
