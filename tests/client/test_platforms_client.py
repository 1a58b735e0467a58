"""The endpoints as methods, against a platform that does what is documented and no more."""

from __future__ import annotations

import gzip
import json
import math
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from servers import KEY, Seen, Server, reply

from pytest_platform_report.errors import Busy, DeliveryError, OutcomeUnknown, Refused
from pytest_platform_report.platforms._http import Http
from pytest_platform_report.platforms.capabilities import Capabilities
from pytest_platform_report.platforms.client import Platform, RunFound


class Lists:
    """Answers GET requests out of rows, as a platform that shows only some fields in lists and gives small pages."""

    def __init__(self, rows: list[dict[str, Any]], listed: tuple[str, ...], page: int = 50) -> None:
        self.rows = rows
        self.listed = listed
        self.page = page
        self.busy_after: int | None = None
        self.asked: list[str] = []

    def __call__(self, seen: Seen) -> bytes:
        _, *rest = seen.path.removeprefix("/api/").split("/")
        if rest:
            self.asked.append(rest[0])
            if self.busy_after is not None and len(self.asked) > self.busy_after:
                return reply(429, headers={"Retry-After": "9"})
            return reply(200, next(row for row in self.rows if row["id"] == rest[0]))
        rows = [row for row in self.rows if seen.query.get("search", "") in row.get("fullTitle", "")]
        rows = [row for row in rows if seen.query.get("branch", row.get("branch")) == row.get("branch")]
        rows = [row for row in rows if seen.query.get("status", row.get("status")) == row.get("status")]
        first = int(seen.query["offset"]) if "offset" in seen.query else 0
        shown = rows[first : first + min(int(seen.query["limit"]), self.page)]
        data = [{name: row[name] for name in self.listed if name in row} for row in shown]
        return reply(200, {"data": data, "total": len(rows), "limit": self.page, "offset": first})


class TestRuns:
    def test_create(self, server: Server, platform: Platform) -> None:
        announced = "bulk-tests=500, idempotency-key, attempts, attachments, telepathy=3"
        server.will(reply(201, {"id": "run_1"}, headers={"Platform-Capabilities": announced}))
        created = platform.create_run({"branch": "main", "tags": ["a"]}, "key-1")
        assert created.id == "run_1"
        assert created.capabilities == Capabilities(500, idempotency=True, attempts=True, attachments=True)
        (seen,) = server.seen
        assert seen.json == {"projectId": "proj_1", "status": "running", "branch": "main", "tags": ["a"]}
        assert seen.headers["idempotency-key"] == "key-1"

    def test_create_on_a_platform_that_announces_nothing(self, server: Server, platform: Platform) -> None:
        server.will(reply(201, {"id": "run_1"}))
        assert platform.create_run({}, "key-1").capabilities == Capabilities()

    def test_update(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"id": "run_1"}))
        platform.update_run("run_1", {"status": "passed"}, "key-1")
        assert (server.seen[0].method, server.seen[0].path) == ("PATCH", "/api/runs/run_1")
        assert server.seen[0].headers["idempotency-key"] == "key-1"

    def test_delete(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"success": True, "message": "Run deleted successfully"}))
        platform.delete_run("run_1", "key-1")
        assert server.seen[0].method == "DELETE"

    def test_id_cannot_reach_other_paths(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"id": "x"}))
        platform.get_run("../keys?a")
        assert server.seen[0].path == "/api/runs/..%2Fkeys%3Fa"

    def test_ping(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"data": [], "total": 0}), reply(401))
        platform.ping()
        assert server.seen[0].query == {"projectId": "proj_1", "limit": "1", "offset": "0"}
        with pytest.raises(Refused):
            platform.ping()

    def test_list(self, server: Server, platform: Platform) -> None:
        server.answer = Lists([{"id": f"run_{number}"} for number in range(9)], ("id",), page=4)
        assert [row["id"] for row in platform.list_runs(6)] == [f"run_{number}" for number in range(6)]


class TestFindRun:
    def make(self, count: int) -> list[dict[str, Any]]:
        return [{"id": f"run_{number}", "branch": "main", "tags": [f"tag-{number}"]} for number in range(count)]

    def test_by_its_tag_where_the_list_lacks_tags(self, server: Server, platform: Platform) -> None:
        server.answer = lists = Lists(self.make(5), ("id", "branch"))
        assert platform.find_run("tag-3", branch="main") == "run_3"
        assert lists.asked == ["run_0", "run_1", "run_2", "run_3"]

    def test_by_its_tag_in_the_list(self, server: Server, platform: Platform) -> None:
        server.answer = lists = Lists(self.make(5), ("id", "branch", "tags"))
        assert platform.find_run("tag-3", branch="main") == "run_3"
        assert lists.asked == []

    def test_on_a_later_page(self, server: Server, platform: Platform) -> None:
        server.answer = Lists(self.make(100), ("id", "branch", "tags"), page=20)
        assert platform.find_run("tag-77", branch="main") == "run_77"

    def test_not_there(self, server: Server, platform: Platform) -> None:
        server.answer = Lists(self.make(5), ("id", "branch"))
        assert platform.find_run("tag-9", branch="main") is None
        assert platform.find_run("tag-3", branch="other") is None

    def test_looks_at_the_newest_only(self, server: Server, platform: Platform) -> None:
        server.answer = Lists(self.make(300), ("id", "branch", "tags"))
        assert platform.find_run("tag-199", branch="main") == "run_199"
        assert platform.find_run("tag-200", branch="main") is None

    def test_goes_on_after_a_rate_limit(self, server: Server, platform: Platform) -> None:
        server.answer = lists = Lists(self.make(5), ("id", "branch"))
        lists.busy_after = 3
        with pytest.raises(Busy) as caught:
            platform.find_run("tag-4", branch="main")
        assert caught.value.wait == 9.0
        lists.busy_after = None
        lists.asked.clear()
        assert platform.find_run("tag-4", branch="main") == "run_4"
        assert lists.asked == ["run_3", "run_4"]

    def test_deleted_since_it_was_listed(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"data": [{"id": "run_1"}, {"id": "run_2", "tags": ["t"]}], "total": 2}), reply(404))
        assert platform.find_run("t") == "run_2"

    def test_asks_for_nothing_twice(self, server: Server, platform: Platform) -> None:
        """However often it is cut short, and begun anew."""
        listed, run = reply(200, {"data": [{"id": "run_1"}], "total": 1}), reply(200, {"id": "run_1", "tags": ["t"]})
        server.will(reply(503), listed, reply(503), run)
        for _ in range(2):
            with pytest.raises(Busy):
                platform.find_run("t")
        assert platform.find_run("t") == "run_1"

    def test_of_another_build_is_passed_over(self, server: Server, platform: Platform) -> None:
        rows: list[dict[str, Any]] = [
            {"id": "run_1", "ciBuildId": "7"},
            {"id": "run_2", "ciBuildId": "8", "tags": ["t"]},
        ]
        server.answer = lists = Lists(rows, ("id", "ciBuildId"))
        assert platform.find_run("t", ci_build_id="8") == "run_2"
        assert lists.asked == ["run_2"]

    def test_all_with_a_tag(self, server: Server, platform: Platform) -> None:
        rows: list[dict[str, Any]] = [
            {"id": "run_1", "tags": ["t"], "createdAt": "2024-01-15T10:30:00.5Z"},
            {"id": "run_2"},
            {"id": "run_3", "tags": ["t", "u"], "createdAt": "2024-01-15T11:30:00+01:00"},
            {"id": "run_4", "tags": ["t"], "createdAt": "lately"},
        ]
        server.answer = Lists(rows, ("id", "tags", "createdAt"))
        assert list(platform.find_runs("t")) == [
            RunFound("run_1", 1705314600.5, frozenset({"t"})),
            RunFound("run_3", 1705314600.0, frozenset({"t", "u"})),
            RunFound("run_4", math.inf, frozenset({"t"})),
        ]


class TestTests:
    def test_create(self, server: Server, platform: Platform) -> None:
        server.will(reply(201, {"id": "test_1"}))
        assert platform.create_test({"title": "t"}, "key-1") == "test_1"
        assert server.seen[0].json == {"projectId": "proj_1", "title": "t"}

    def test_create_many(self, server: Server, platform: Platform) -> None:
        entries = [
            {"id": "test_1"},
            {"error": {"code": "VALIDATION_ERROR", "message": "Field 'title' is required"}},
            {"status": 503, "error": {"code": "INTERNAL_ERROR", "message": "later"}},
            {"error": {"code": "RATE_LIMITED", "message": "later"}},
            {"unheard": "of"},
        ]
        server.will(reply(200, {"data": entries}))
        id_, refused, later, limited, unknown = platform.create_tests([{"title": str(n)} for n in range(5)], "key-1")
        assert id_ == "test_1"
        assert isinstance(refused, Refused)
        assert (refused.status, refused.code) == (400, "VALIDATION_ERROR")
        assert "Field 'title' is required" in str(refused)
        assert isinstance(later, Busy)
        assert isinstance(limited, Busy)
        assert isinstance(unknown, OutcomeUnknown)
        assert unknown.permanent
        assert [test["title"] for test in server.seen[0].json["tests"]] == list("01234")

    @pytest.mark.parametrize("text", ["x" * 2000, "few"])
    def test_many_are_zipped_where_that_is_worth_it(self, server: Server, platform: Platform, text: str) -> None:
        server.answer = lambda request: reply(200, {"data": [{"id": "test_1"}]})
        for key in ("key-1", "key-2"):
            platform.create_tests([{"title": text}], key, zipped=True)
        first, again = server.seen
        is_zipped = first.headers.get("content-encoding") == "gzip"
        assert is_zipped == (len(text) > 1000)
        assert json.loads(gzip.decompress(first.body) if is_zipped else first.body) == {"tests": [{"title": text}]}
        assert again.body == first.body

    def test_create_many_and_get_fewer(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"data": [{"id": "test_1"}]}))
        with pytest.raises(OutcomeUnknown, match="answered 1 entries for 2 tests"):
            platform.create_tests([{}, {}], "key-1")

    def test_count(self, server: Server, platform: Platform) -> None:
        server.answer = Lists([{"id": "t1", "status": "passed"}, {"id": "t2", "status": "failed"}], ("id",))
        assert platform.count_tests("run_1") == 2
        assert platform.count_tests("run_1", "failed") == 1
        assert server.seen[1].query == {"projectId": "proj_1", "runId": "run_1", "status": "failed", "limit": "1"}

    def test_count_where_the_platform_does_not_tell(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"data": []}))
        with pytest.raises(OutcomeUnknown, match="'total' was expected"):
            platform.count_tests("run_1")

    def test_iterate(self, server: Server, platform: Platform) -> None:
        server.answer = Lists([{"id": f"test_{n}", "status": "passed"} for n in range(7)], ("id",), page=3)
        assert [row["id"] for row in platform.iter_tests("run_1", "passed")] == [f"test_{n}" for n in range(7)]

    def test_read_back(self, server: Server, platform: Platform) -> None:
        server.will(reply(200, {"id": "test_1"}), reply(200, {"data": [{"title": "s"}]}), reply(200, {"data": []}))
        assert platform.get_test("test_1") == {"id": "test_1"}
        assert platform.get_steps("test_1") == [{"title": "s"}]
        assert platform.get_suites("run_1") == []

    def test_suite(self, server: Server, platform: Platform) -> None:
        server.will(reply(201, {"id": "suite_1"}))
        assert platform.upsert_suite({"runId": "run_1", "title": "TestA"}, "key-1") == "suite_1"
        assert server.seen[0].json == {"projectId": "proj_1", "runId": "run_1", "title": "TestA"}


class TestFindTest:
    def make(self, full_title: str, report_id: str, id_: str = "test_1") -> dict[str, Any]:
        annotations = [{"type": "skip", "description": "why"}, {"type": "report-id", "description": report_id, "x": 1}]
        return {"id": id_, "fullTitle": full_title, "annotations": annotations}

    @pytest.mark.parametrize(
        ("full_title", "search"),
        [
            ("test_a > TestB > test_c", "test_c"),
            ("test_a > test_c[1-x > y]", "test_c"),
            ("test_a > test_größe", "test_gr"),
            ("test_a > größe", "gr"),
            ("test_a > öl", None),
            ("test_a > " + "x" * 500, "x" * 80),
            ("README.md", "README"),
        ],
    )
    def test_searches_for_a_safe_piece(
        self, server: Server, platform: Platform, full_title: str, search: str | None
    ) -> None:
        server.answer = Lists([self.make(full_title, "r1")], ("id", "fullTitle"))
        assert platform.find_test("run_1", full_title, "r1") == "test_1"
        assert server.seen[0].query.get("search") == search
        assert server.seen[0].query["runId"] == "run_1"

    def test_searches_for_both_titles_where_the_test_was_given_one(self, server: Server, platform: Platform) -> None:
        server.answer = Lists([self.make("m > test_c", "r1")], ("id", "fullTitle"))
        assert platform.find_test("run_1", "m > test_c", "r1", "Pay by card") == "test_1"
        assert [seen.query["search"] for seen in server.seen[:2]] == ["Pay", "test_c"]

    def test_asks_for_the_same_title_only(self, server: Server, platform: Platform) -> None:
        rows = [self.make(f"m > test_c[{n}]", f"r{n}", f"test_{n}") for n in range(120)]
        server.answer = lists = Lists(rows, ("id", "fullTitle"))
        assert platform.find_test("run_1", "m > test_c[117]", "r117") == "test_117"
        assert lists.asked == ["test_117"]

    def test_same_title_of_another_report(self, server: Server, platform: Platform) -> None:
        rows = [self.make("m > test_c", "other", "test_1"), self.make("m > test_c", "r1", "test_2")]
        server.answer = Lists(rows, ("id", "fullTitle"))
        assert platform.find_test("run_1", "m > test_c", "r1") == "test_2"
        assert platform.find_test("run_1", "m > test_c", "r2") is None

    def test_list_that_has_annotations(self, server: Server, platform: Platform) -> None:
        server.answer = lists = Lists([self.make("m > test_c", "r1")], ("id", "annotations"))
        assert platform.find_test("run_1", "m > test_c", "r1") == "test_1"
        assert lists.asked == []

    def test_title_that_the_platform_has_cut(self, server: Server, platform: Platform) -> None:
        row = self.make("m > test_c" + "x" * 200 + "...", "r1")
        server.answer = Lists([row], ("id", "fullTitle"))
        assert platform.find_test("run_1", "m > test_c" + "x" * 400, "r1") == "test_1"


def test_upload(server: Server, platform: Platform, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"GIF89a")
    server.will(reply(201, {"id": "artifact_1"}), reply(201, {"id": "artifact_2"}))
    id_ = platform.upload(
        path, file_name='../a"b\n.gif', type="screenshot", run_id="run_1", test_id="test_1", idempotency_key="key-1"
    )
    assert id_ == "artifact_1"
    body = server.seen[0].body.decode()
    assert 'filename="_a_b_.gif"\r\nContent-Type: image/gif\r\n\r\nGIF89a' in body
    for name, value in {"type": "screenshot", "runId": "run_1", "projectId": "proj_1", "testId": "test_1"}.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n' in body
    platform.upload(path, file_name="a.gif", type="screenshot", run_id="run_1", idempotency_key="key-2")
    assert not [field for field in (b"testId", b"sha256", b"fileName") if field in server.seen[1].body]


def test_upload_without_the_file(server: Server, platform: Platform) -> None:
    server.will(reply(201, {"id": "artifact_1"}))
    platform.upload(None, file_name="a/b.gif", type="screenshot", run_id="run_1", sha256="ab12", idempotency_key="key")
    body = server.seen[0].body.decode()
    fields = {"type": "screenshot", "runId": "run_1", "projectId": "proj_1", "sha256": "ab12", "fileName": "a_b.gif"}
    for name, value in fields.items():
        assert f'name="{name}"\r\n\r\n{value}\r\n' in body
    assert "filename" not in body


@pytest.mark.parametrize(
    ("text", "capabilities"),
    [
        ("", Capabilities()),
        (" Bulk-Tests = 50 ,, idempotency-key ", Capabilities(bulk=50, idempotency=True)),
        ("bulk-tests=many, attempts", Capabilities(attempts=True)),
        ("bulk-tests=-5, attachments", Capabilities(attachments=True)),
        ("metadata", Capabilities(metadata=True)),
        ("artifact-digests, timeline, gzip", Capabilities(digests=True, timeline=True, gzip=True)),
        ("bulk-tests=99999999999999", Capabilities()),
    ],
)
def test_capabilities(text: str, capabilities: Capabilities) -> None:
    assert Capabilities.parse(text) == capabilities
    assert Capabilities.parse(capabilities.to_text()) == capabilities


def test_closing_is_what_leaving_does(server: Server) -> None:
    server.will(reply(200, {"data": []}))
    with closing(Platform(Http(server.url, KEY), "proj_1")) as platform:
        platform.ping()
    with pytest.raises(DeliveryError, match="closed"):
        platform.ping()
