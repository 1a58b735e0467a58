"""A platform: the endpoints of the reporting API as methods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from ..errors import DeliveryError, OutcomeUnknown, Refused
from ..settings import Settings
from ._answers import error_of_answer
from ._http import Answer, Answered, Http, Told, Upload
from .artifacts import mime_type, safe_name
from .capabilities import Capabilities
from .payload import REPORT_ID, moment
from .search import Pages, Searches

__all__ = ["Capabilities", "Platform", "RunCreated", "RunFound", "open_platform"]

_RUNS_LISTED = 50
_RUNS_SEARCHED = 200
_LONGEST_SEARCH = 80
_STATUSES = {
    "VALIDATION_ERROR": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "PAYLOAD_TOO_LARGE": 413,
    "RATE_LIMITED": 429,
    "INTERNAL_ERROR": 500,
}

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunCreated:
    """A new run's id, when that was (seconds since 1970, by the platform's clock), and what its platform announced."""

    id: str
    created: float
    capabilities: Capabilities


@dataclass(frozen=True)
class RunFound:
    """A run that is there: when it was made (seconds since 1970, by the platform's clock), and its tags."""

    id: str
    created: float
    tags: frozenset[str]


def open_platform(
    settings: Settings, told: Told = lambda group, seconds: None, answered: Answered = lambda group: None
) -> Platform:
    """Return the platform that *settings* name; close it, or use it in a ``with`` statement.

    :param told: called with an endpoint group whose limit is used up, and with the seconds until it is not.
    :param answered: called with the endpoint group of each request that ended well.
    :raises ConfigurationError: the embedded platform is wanted and its packages are not installed.
    :raises NotSent: it cannot be used at all in this environment.
    """
    if settings.url:
        return Platform(Http(settings.url, settings.api_key, told=told, answered=answered), settings.project)
    from ._embedded import open_embedded  # it loads asyncio, which requests to others do without

    return Platform(open_embedded(settings.spool / "platform"), settings.project)


class Platform:
    """The reporting API, for one project; also for several threads, but for the searches.

    Every method raises :class:`.DeliveryError` where the request does not end well. ``idempotency_key`` goes with each
    write; platforms that know it carry out a repeated write once.

    :ivar most_at_once: how many requests may be under way together.
    """

    def __init__(self, http: Http, project: str) -> None:
        self._http = http
        self.project = project
        self.most_at_once = http.most_at_once
        self._tags_of_run: dict[str, frozenset[str]] = {}
        self._run_searches = Searches[RunFound]()
        self._test_searches = Searches[str]()

    def __enter__(self) -> Platform:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections; the embedded platform is shut down."""
        self._http.close()

    def ping(self) -> None:
        """Ask for one run: return if the platform can be reached and takes the key."""
        self._page("/runs", {}, 1, 0)

    # Runs

    def create_run(self, fields: Json, idempotency_key: str) -> RunCreated:
        """Make a run of the fields of POST /runs; project and status need not be among them."""
        answer = self._write(
            "POST", "/runs", {"projectId": self.project, "status": "running", **fields}, idempotency_key
        )
        capabilities = Capabilities.parse(answer.headers.get("platform-capabilities", ""))
        return RunCreated(str(answer.body["id"]), moment(answer.body.get("createdAt")), capabilities)

    def get_run(self, run_id: str) -> Json:
        """Return all that the platform knows of a run."""
        return self._read(f"/runs/{_quote(run_id)}").body

    def capabilities_of(self, run_id: str) -> Capabilities:
        """Return what the platform announces beside a run that is there already.

        The documented place is the answer to POST /runs; for a run that others made there is none.
        """
        answer = self._read(f"/runs/{_quote(run_id)}")
        return Capabilities.parse(answer.headers.get("platform-capabilities", ""))

    def list_runs(self, limit: int = _RUNS_LISTED) -> list[Json]:
        """Return up to *limit* runs, the newest first, as far as the platform lists them so."""
        return [row for page in Pages(self._page, "/runs", {}, limit) for row in page]

    def find_run(self, marker_tag: str, *, branch: str | None = None, ci_build_id: str | None = None) -> str | None:
        """Return the id of the newest run with *marker_tag* among its tags, or None."""
        found = self._search_runs(marker_tag, branch, ci_build_id, most=1)
        return found[0].id if found else None

    def find_runs(
        self, marker_tag: str, *, branch: str | None = None, ci_build_id: str | None = None
    ) -> list[RunFound]:
        """Return the runs with *marker_tag* among their tags, the newest first, of the newest 200."""
        return self._search_runs(marker_tag, branch, ci_build_id, most=None)

    def _search_runs(
        self, marker_tag: str, branch: str | None, ci_build_id: str | None, most: int | None
    ) -> list[RunFound]:
        def take(row: Json) -> RunFound | None:
            run_id = str(row.get("id", ""))
            if not run_id or (ci_build_id and row.get("ciBuildId", ci_build_id) != ci_build_id):
                return None
            tags = self._tags(run_id, row)
            return RunFound(run_id, moment(row.get("createdAt")), tags) if marker_tag in tags else None

        pages = Pages(self._page, "/runs", {"branch": branch} if branch else {}, _RUNS_SEARCHED)
        return self._run_searches.run((marker_tag, branch, ci_build_id, most), [pages], take, most)

    def update_run(self, run_id: str, fields: Json, idempotency_key: str) -> None:
        """Change status, totals or metadata of a run."""
        self._write("PATCH", f"/runs/{_quote(run_id)}", fields, idempotency_key)

    def delete_run(self, run_id: str, idempotency_key: str) -> None:
        """Delete a run with all that belongs to it."""
        self._http.request("DELETE", f"/runs/{_quote(run_id)}", idempotency_key=idempotency_key, expect="")

    # Suites

    def upsert_suite(self, fields: Json, idempotency_key: str) -> str:
        """Make or update a suite of the fields of POST /test-suites; return its id."""
        answer = self._write("POST", "/test-suites", {"projectId": self.project, **fields}, idempotency_key)
        return str(answer.body["id"])

    def get_suites(self, run_id: str) -> list[Json]:
        """Return a run's suites as a tree, by their ``children``."""
        answer = self._read("/test-suites", {"runId": run_id, "projectId": self.project}, expect="data")
        return list(answer.body["data"])

    # Tests

    def create_test(self, fields: Json, idempotency_key: str) -> str:
        """Make a test of the fields of POST /tests; return its id."""
        answer = self._write("POST", "/tests", {"projectId": self.project, **fields}, idempotency_key)
        return str(answer.body["id"])

    def create_tests(
        self, tests: Sequence[Json], idempotency_key: str, *, zipped: bool = False
    ) -> list[str | DeliveryError]:
        """Make several tests by one request, where the run's capabilities allow so many; return one entry a test.

        :param zipped: whether they also allow it to be compressed.
        :return: in the order of *tests*, each one's id, or why there is none.
        """
        answer = self._http.request(
            "POST",
            "/tests/bulk",
            json={"tests": list(tests)},
            idempotency_key=idempotency_key,
            expect="data",
            zipped=zipped,
        )
        entries = answer.body["data"]
        if len(entries) != len(tests):
            raise OutcomeUnknown(
                f"POST {self._http.base_url}/tests/bulk: answered {len(entries)} entries for {len(tests)} tests",
                misconfigured=True,
            )
        return [self._entry(entry) for entry in entries]

    def get_test(self, test_id: str) -> Json:
        """Return all that the platform knows of a test, but for its steps."""
        return self._read(f"/tests/{_quote(test_id)}").body

    def get_steps(self, test_id: str) -> list[Json]:
        """Return a test's steps."""
        return list(self._read(f"/tests/{_quote(test_id)}/steps", expect="data").body["data"])

    def iter_tests(self, run_id: str, status: str | None = None) -> Iterator[Json]:
        """Yield a run's tests as the platform lists them."""
        for page in Pages(self._page, "/tests", {"runId": run_id, **({"status": status} if status else {})}):
            yield from page

    def count_tests(self, run_id: str, status: str | None = None) -> int:
        """Return how many tests the platform has of a run, all of them or those with *status*."""
        params: dict[str, str | int] = {"projectId": self.project, "runId": run_id, "limit": 1}
        if status:
            params["status"] = status
        return int(self._read("/tests", params, expect="total").body["total"])

    def find_test(self, run_id: str, full_title: str, report_id: str, title: str = "") -> str | None:
        """Return the id of the test with the annotation ``report-id`` *report_id*, or None.

        :param title: the test's title, where that is not the end of its full one: a platform may search either.
        """

        def take(row: Json) -> str | None:
            test_id = str(row.get("id", ""))
            if not test_id or not _may_be(row.get("fullTitle"), full_title):
                return None
            annotations = row["annotations"] if "annotations" in row else self.get_test(test_id).get("annotations")
            return test_id if {"type": REPORT_ID, "description": report_id} in _plain(annotations) else None

        lists = []
        for name in (title, full_title) if title else (full_title,):
            text = _searchable(name)
            lists.append(Pages(self._page, "/tests", {"runId": run_id, **({"search": text} if text else {})}))
        return next(iter(self._test_searches.run((run_id, report_id), lists, take, most=1)), None)

    # Artifacts

    def upload(
        self,
        path: Path | None,
        *,
        file_name: str,
        type: str,
        run_id: str,
        idempotency_key: str,
        test_id: str | None = None,
        sha256: str = "",
    ) -> str:
        """Send a file of a run, or of one of its tests; return the artifact's id.

        :param path: None for a content that the run has already, where the platform knows it by its digest.
        :param sha256: that digest, in hex; to be given only where the run's capabilities have ``digests``.
        """
        name = safe_name(file_name)
        fields = {"type": type, "runId": run_id, "projectId": self.project}
        if test_id is not None:
            fields["testId"] = test_id
        if sha256:
            fields["sha256"] = sha256
        if path is None:
            fields["fileName"] = name
        upload = Upload(path, name, mime_type(name), fields)
        return str(self._http.request("POST", "/upload", upload=upload, idempotency_key=idempotency_key).body["id"])

    def _read(self, path: str, params: Mapping[str, str | int] | None = None, *, expect: str = "id") -> Answer:
        return self._http.request("GET", path, params=params, expect=expect)

    def _write(self, method: str, path: str, fields: Json, key: str, *, expect: str = "id") -> Answer:
        return self._http.request(method, path, json=fields, idempotency_key=key, expect=expect)

    def _page(self, path: str, params: Json, limit: int, offset: int) -> Json:
        query = {"projectId": self.project, **params, "limit": limit, "offset": offset}
        return self._read(path, query, expect="data").body

    def _tags(self, run_id: str, row: Json) -> frozenset[str]:
        # Kept, because all of them are asked for again with each search.
        if run_id not in self._tags_of_run:
            tags = row["tags"] if "tags" in row else self._ask_for_tags(run_id)
            self._tags_of_run[run_id] = frozenset(map(str, tags)) if isinstance(tags, list) else frozenset()
        return self._tags_of_run[run_id]

    def _ask_for_tags(self, run_id: str) -> object:
        try:
            return self.get_run(run_id).get("tags")
        except Refused as error:
            if error.status == 404:  # deleted since it was listed
                return None
            raise

    def _entry(self, entry: object) -> str | DeliveryError:
        where = f"POST {self._http.base_url}/tests/bulk"
        if isinstance(entry, dict) and isinstance(entry.get("id"), str):
            return str(entry["id"])
        if isinstance(entry, dict) and isinstance(error := entry.get("error"), dict):
            status = entry.get("status", error.get("status"))
            if not isinstance(status, int) or status < 400:
                status = _STATUSES.get(str(error.get("code")), 400)
            return error_of_answer(status, {}, json.dumps({"error": error}).encode(), where)
        return OutcomeUnknown(f"{where}: answered {str(entry)[:80]!r} for a test", misconfigured=True)


def _quote(id_: str) -> str:
    return quote(id_, safe="")


def _searchable(full_title: str) -> str:
    """Return a piece of a test's title that every platform can search for; empty where there is none.

    It is taken from the title, since a platform may search the titles only, and ends before the parameters and before
    anything that a search might take for more than a letter.
    """
    title = full_title.partition("[")[0].rpartition(" > ")[2]
    match = re.match(r"[A-Za-z0-9_]*", title)
    return match.group()[:_LONGEST_SEARCH] if match else ""


def _may_be(listed: object, full_title: str) -> bool:
    """Tell whether a test may be listed under *listed*: a platform may cut a title and tidy its blanks."""
    if not isinstance(listed, str):
        return True
    ours, theirs = "".join(full_title.split()), "".join(listed.split())
    return ours == theirs or (len(theirs) >= _LONGEST_SEARCH and ours.startswith(theirs.rstrip(".…")))


def _plain(annotations: object) -> list[dict[str, Any]]:
    if not isinstance(annotations, list):
        return []
    return [
        {"type": entry.get("type"), "description": entry.get("description")}
        for entry in annotations
        if isinstance(entry, dict)
    ]
