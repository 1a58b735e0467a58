"""The OpenAPI document, made of the routes and of the types that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

import msgspec

from platform_report_server.api._operation import ApiRoute, Operation
from platform_report_server.api._shapes import ErrorAnswer

_REF = "#/components/schemas/{name}"
_DESCRIPTION = """\
Runs of tests, their results and their files.

Times are ISO 8601 in UTC, durations milliseconds. Every error has the same shape. A request that writes may carry an
`Idempotency-Key`: sent again with the same key, it is answered as the first time and does nothing more. JSON bodies
may be compressed: `Content-Encoding: gzip`.
"""
_PATH_PARAMETERS = {
    "run_id": "A run's id: `run_...`",
    "test_id": "The id of a result or of a test: `test_...`",
    "artifact_id": "An artifact's id: `artifact_...`",
    "project_id": "A project's id: `proj_...`, or the name under which it was first used",
    "member_id": "A team member's id: `member_...`",
    "invitation_id": "An invitation's id: `invite_...`",
    "key_id": "An API key's id: `key_...`",
    "webhook_id": "A webhook's id: `wh_...`",
    "delivery_id": "A delivery's id: `dlv_...`",
}
_ERRORS = {
    400: ("Invalid", "The request is not as documented"),
    401: ("Unauthorized", "No key or session, or one that is not valid here"),
    403: ("Forbidden", "The caller may not do that"),
    404: ("NotFound", "There is no such thing, or none that the caller may see"),
    413: ("TooLarge", "The body or the file is larger than its limit"),
    429: ("RateLimited", "Too many requests: try again after `Retry-After` seconds"),
    500: ("Failed", "The server failed; its log says more"),
}
_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS = {
    "X-RateLimit-Limit": ("Requests of this group in a minute", "integer"),
    "X-RateLimit-Remaining": ("Requests that may follow at once", "integer"),
    "X-RateLimit-Reset": ("Seconds until one more than these is allowed", "integer"),
    "Content-Disposition": ("The name of the file", "string"),
    "Location": ("Where the file is, for an hour", "string"),
    "Retry-After": ("Seconds to wait", "integer"),
    "Platform-Capabilities": ("What this server offers beyond the documented API, separated by commas", "string"),
}
_ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request: it happens once, however often it is sent",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(routes: Iterable[ApiRoute]) -> bytes:
    """Return the document, as JSON."""
    declared = list(routes)
    schemas = _Schemas(_operations(declared))
    paths = {
        each.path: {
            method.lower(): _operation(method, each.path, operation, schemas, _links(operation, declared))
            for method, operation in each.operations.items()
        }
        for each in declared
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Reporting API",
                "version": version("pytest-platform-report"),
                "description": _DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name} for name in dict.fromkeys(map(_tag, _operations(declared)))],
            "paths": paths,
            "components": {
                "schemas": schemas.components,
                "responses": {name: _error(status, text, schemas) for status, (name, text) in _ERRORS.items()},
                "headers": {
                    name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in _HEADERS.items()
                },
                "securitySchemes": {
                    "key": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "X-API-Key",
                        "description": "A project's API key",
                    },
                    "session": {
                        "type": "apiKey",
                        "in": "cookie",
                        "name": "platform_report",
                        "description": "A browser that logged in; the name goes on with letters of the server's own",
                    },
                },
            },
        }
    )


def _operations(routes: Iterable[ApiRoute]) -> Iterator[Operation]:
    for each in routes:
        yield from each.operations.values()


class _Schemas:
    """The schemas of every type that an operation names."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        named = {kind: None for each in operations for kind in (each.body, each.answer) if kind not in (None, bytes)}
        types = [*named, ErrorAnswer]
        self._of: dict[Any, dict[str, Any]]
        schemas, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        self._of = dict(zip(types, schemas, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        """Return what refers to a type."""
        return self._of[kind]


def _links(operation: Operation, routes: Iterable[ApiRoute]) -> dict[str, Any]:
    """Return which operations take the id of what this one makes."""
    taking = [each for each in routes if operation.gives and f"{{{operation.gives}}}" in each.path]
    parameters = {operation.gives: "$response.body#/id"}
    return {_id(each): {"operationId": _id(each), "parameters": parameters} for each in _operations(taking)}


def _operation(
    method: str, path: str, operation: Operation, schemas: _Schemas, links: dict[str, Any]
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": _id(operation),
        "tags": [_tag(operation)],
        "summary": operation.summary,
        "description": _terms(operation),
        "security": [] if operation.needs is None else [{"key": []}, {"session": []}],
        "parameters": [*_path_parameters(path), *_query_parameters(operation)],
        "responses": _responses(operation, schemas, links),
    }
    if operation.body is not None:
        shown["requestBody"] = {"required": True, "content": _body(operation, schemas)}
    if method in ("POST", "PATCH"):
        shown["parameters"].append(_ONCE)
    return shown


def _id(operation: Operation) -> str:
    return f"{_tag(operation)}_{operation.handler.__name__}"


def _tag(operation: Operation) -> str:
    return operation.handler.__module__.rpartition(".")[2]


def _terms(operation: Operation) -> str:
    needs = "Nobody has to log in." if operation.needs is None else f"Needs the role {operation.needs}."
    return f"{needs} Counts as “{operation.group}”."


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        about = _PATH_PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for each in operation.query:
        yield {"name": each.name, "in": "query", "required": each.required, "schema": each.schema()}


def _body(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    return {"multipart/form-data" if operation.is_form else "application/json": {"schema": schemas.of(operation.body)}}


def _responses(operation: Operation, schemas: _Schemas, links: dict[str, Any]) -> dict[str, Any]:
    told = (*operation.headers, *_LIMITS)
    success: dict[str, Any] = {"description": "Done", "headers": _headers(told), "links": links}
    if operation.answer is bytes:
        success["content"] = {"*/*": {}}
    elif operation.answer is not None:
        success["content"] = {"application/json": {"schema": schemas.of(operation.answer)}}
    statuses = [operation.status] if operation.also is None else sorted((operation.status, operation.also))
    elsewhere = {"307": {"description": "It is elsewhere", "headers": _headers(["Location", *_LIMITS])}}
    return (
        {str(status): success for status in statuses}
        | (elsewhere if operation.may_redirect else {})
        | ({"304": {"description": "It is as `If-None-Match` has it"}} if operation.may_be_unchanged else {})
        | {
            str(status): {"$ref": f"#/components/responses/{name}"}
            for status, (name, _) in _ERRORS.items()
            if _can_fail(operation, status)
        }
    )


def _can_fail(operation: Operation, status: int) -> bool:
    if status == 401:
        return operation.needs is not None
    if status == 413:
        return operation.body is not None
    return True


def _error(status: int, text: str, schemas: _Schemas) -> dict[str, Any]:
    told = ("Retry-After", *_LIMITS) if status == 429 else _LIMITS
    return {
        "description": text,
        "headers": _headers(told),
        "content": {"application/json": {"schema": schemas.of(ErrorAnswer)}},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
