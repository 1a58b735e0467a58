"""The request of a delivery: its body as JSON or for Slack, its headers, its signature."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from platform_report_server import ids
from platform_report_server.auth.signing import Signer
from platform_report_server.clock import iso
from platform_report_server.db.queries.deliveries import DeliveryRow
from platform_report_server.ingest.messages import Message, ToldProject, ToldRun, ToldTest
from platform_report_server.ingest.webhooks import HEADERS, SECRET

_SLACK = "hooks.slack.com"
_TESTS_IN_SLACK = 5
_LINE = 150

_message = msgspec.json.Decoder(Message)


class Told(Struct, rename="camel"):
    """What a receiver gets as JSON."""

    id: str
    event: str
    created_at: str
    project: ToldProject
    run: ToldRun | None
    url: str | None
    """The run's page."""
    failed_tests: list[ToldTest]


def body_of(row: DeliveryRow, address: str | None) -> bytes:
    """Return the body of a delivery; `address` is the server's own, where that is known."""
    message = _message.decode(row.message)
    url = f"{address.rstrip('/')}/runs/{message.run.id}" if address and message.run else None
    if (row.format or ("slack" if urlsplit(row.url).hostname == _SLACK else "json")) == "slack":
        return msgspec.json.encode(_for_slack(message, url))
    public_id = ids.encode("dlv", row.id)
    return msgspec.json.encode(
        Told(public_id, message.event, iso(row.created_at), message.project, message.run, url, message.failed_tests)
    )


def headers_of(row: DeliveryRow, signer: Signer, body: bytes, now: int) -> dict[str, str]:
    """Return the headers of a delivery: the webhook's own, and ours."""
    headers: dict[str, str] = msgspec.json.decode(signer.unseal(HEADERS, row.headers))
    headers |= {
        "Content-Type": "application/json",
        "X-Webhook-Event": row.event,
        "X-Webhook-ID": ids.encode("dlv", row.id),
        "X-Webhook-Timestamp": str(now // 1000),
    }
    if row.secret is not None:
        secret = signer.unseal(SECRET, row.secret).encode("utf-8", "surrogatepass")
        headers["X-Webhook-Signature"] = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
    return headers


def _for_slack(message: Message, url: str | None) -> dict[str, Any]:
    run, project = message.run, _escaped(message.project.name)
    if run is None:
        return {"text": f"{project}: a test of this webhook"}
    name = _escaped(run.title or run.id)
    counts = [(run.passed_tests, "passed"), (run.failed_tests, "failed"), (run.flaky_tests, "flaky")]
    told = ", ".join(f"{count:,} {word}" for count, word in [*counts, (run.skipped_tests, "skipped")] if count)
    is_good = run.status == "passed" and not run.failed_tests
    sign = ":white_check_mark:" if is_good else ":x:" if run.failed_tests or run.status == "failed" else ":warning:"
    head = f"{sign} *{project}*: {_link(url, name)} {run.status} ({told or 'no tests'})"
    facts = [_escaped(each) for each in (run.branch, (run.commit_sha or "")[:10], run.commit_author) if each]
    if run.ci_build_url:
        facts.append(_link(run.ci_build_url, "CI build"))
    lines = [head, " · ".join(facts)] if facts else [head]
    lines += [f"• `{_escaped(_one_line(test.full_title))}`" for test in message.failed_tests[:_TESTS_IN_SLACK]]
    if run.failed_tests > len(message.failed_tests[:_TESTS_IN_SLACK]) > 0:
        lines.append(f"… {run.failed_tests:,} tests failed in all")
    text = "\n".join(lines)
    return {"text": f"{project}: {name} {run.status}", "blocks": [_section(text)]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _link(url: str | None, text: str) -> str:
    if url is None or urlsplit(url).scheme not in ("http", "https") or any(sign in url for sign in "<>| \n"):
        return text
    return f"<{_escaped(url)}|{text}>"


def _escaped(text: str) -> str:
    """Return a text that mentions nobody and links nowhere."""
    cut = _one_line(text)
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    line = " ".join(text.split()).replace("`", "'")
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"
