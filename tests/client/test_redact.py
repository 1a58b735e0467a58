"""Secrets are masked, and what only looks a little like one is not."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_platform_report.redact import MASK, make_redactor, secrets_in

SECRET = "s3cr3t-canary-value"


class TestSecretsIn:
    @pytest.mark.parametrize(
        "name",
        [
            "TOKEN",
            "GITHUB_TOKEN",
            "Db_Password",
            "DB_PASSWD",
            "AWS_SECRET_ACCESS_KEY",
            "API_KEY_2",
            "APIKEY",
            "MY_SECRETS",
            "SSH_PASSPHRASE",
            "GCP_CREDENTIALS_JSON",
            "SENTRY_DSN",
            "SESSION_COOKIE",
            "PGPASSWORD",
            "FTP_PASS",
        ],
    )
    def test_names_that_look_secret(self, name: str) -> None:
        assert secrets_in({name: f" {SECRET}\n"}) == [SECRET]

    @pytest.mark.parametrize(
        "name", ["PATH", "HOME", "PWD", "OLDPWD", "KEYBOARD", "TOKENIZERS_PARALLELISM", "PASSENGER", "MONKEY_BUSINESS"]
    )
    def test_other_names(self, name: str) -> None:
        assert secrets_in({name: SECRET}) == []

    @pytest.mark.parametrize("value", ["", "1", "true", "none", "postgres", "Password", "secret"])
    def test_ordinary_values(self, value: str) -> None:
        assert secrets_in({"DB_PASSWORD": value}) == []

    def test_files(self, tmp_path: Path) -> None:
        (tmp_path / "key.pem").touch()
        assert secrets_in({"TLS_KEY": str(tmp_path / "key.pem"), "A_KEY": "/no/such+file/but=base64"}) == [
            "/no/such+file/but=base64"
        ]

    def test_passwords_in_addresses(self) -> None:
        environment = {"DATABASE_URL": "postgres://me:p%40ss-word1@db/it", "SITE": "https://me@example", "X": "://@[:"}
        assert secrets_in(environment) == ["p@ss-word1"]


class TestKnownSecrets:
    @pytest.mark.parametrize(
        "secret", [SECRET, "with 'quotes' and \\slashes\\", "umlaut-ü-€", "per%cent/slash+plus", "tab\tand\nline break"]
    )
    def test_in_all_ways_of_writing_it(self, secret: str) -> None:
        redact = make_redactor([secret])
        for written in (secret, repr(secret), json.dumps(secret), quote(secret, safe=""), f"x{secret}y"):
            assert secret not in redact(written)
            assert MASK in redact(written)

    def test_lines_of_a_key(self) -> None:
        lines = ["first-line-of-the-key-0123", "second-line-of-the-key-456"]
        redact = make_redactor(["\n".join(["BEGIN", *lines, "END"])])
        assert redact(f"E   {lines[1]}") == f"E   {MASK}"
        assert redact("BEGIN and END") == "BEGIN and END"


TOKENS = {
    "github": "ghp_" + 36 * "a",
    "fine-grained": "github_pat_" + 30 * "A1",
    "gitlab": "glpat-" + 20 * "x",
    "slack": "xoxb-123456789012-abcdefghijkl",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIza" + 35 * "b",
    "stripe": "sk_live_" + 24 * "c",
    "openai": "sk-proj-" + 24 * "d",
    "npm": "npm_" + 36 * "e",
    "pypi": "pypi-AgEIcHlwaS5vcmc" + 20 * "f",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----",
    "cut private key": "-----BEGIN PRIVATE KEY-----\nMIIEow",
}


class TestShapes:
    @pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
    def test_tokens(self, token: str) -> None:
        assert make_redactor([])(f"found ({token}") == f"found ({MASK}"

    @pytest.mark.parametrize("token", [*TOKENS.values(), SECRET, "a://:b@", "x\ny", "cookie='hunter2'"])
    def test_in_the_parameters_of_tests(self, token: str) -> None:
        redact = make_redactor([SECRET])
        for name in (f"test_a[{token}]", f"test_a[1-{token}-2]"):
            assert not redact.leaves(f"test_it.py::{name}", name)
        assert redact.leaves("test_it.py::test_a[1-b]", "test_a[1-b]")

    @pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
    def test_in_one_of_several_texts(self, token: str) -> None:
        redact = make_redactor([SECRET])
        assert redact.each("a", f"b {token}", SECRET, "") == ("a", f"b {MASK}", MASK, "")
        assert redact.each("a", "\x1b[1mb") == ("a", "b")
        assert make_redactor([], ["^b$"]).each("a", "b") == ("a", MASK)

    @pytest.mark.parametrize(
        ("text", "masked"),
        [
            ("postgres://me:hunter2@db/it", f"postgres://me:{MASK}@db/it"),
            ("redis://:hunter2@db", f"redis://:{MASK}@db"),
            ("Authorization: Basic bWU6aHVudGVyMg==\nHost: x", f"Authorization: {MASK}\nHost: x"),
            ("curl -H 'Authorization: Bearer abc.def' x", f"curl -H 'Authorization: Bearer {MASK}' x"),
            ("{'Authorization': 'hunter2', 'a': 1}", f"{{'Authorization': '{MASK}', 'a': 1}}"),
            ("[(b'cookie', b'a=hunter2; b=c')]", f"[(b'cookie', b'{MASK}')]"),
            ('{"x-api-key": "hunter2"}', f'{{"x-api-key": "{MASK}"}}'),
            ("Set-Cookie: session=hunter2; Path=/\nnext", f"Set-Cookie: {MASK}\nnext"),
            ("> X-API-Key: hunter2", f"> X-API-Key: {MASK}"),
        ],
    )
    def test_headers_and_addresses(self, text: str, masked: str) -> None:
        assert make_redactor([])(text) == masked

    @pytest.mark.parametrize(
        "text",
        [
            "test_authorization[admin]",
            "def authorize(cookie: Cookie, authorization: str) -> None:",
            "cookies are sweet: eat them",
            "https://example.org:8080/a@b",
            "the bearer of news",
            "task-force-of-many-people-and-more",
            "test_it.py::TestLogin::test_password",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        assert make_redactor([])(text) == text


class TestPatterns:
    def test_whole_match(self) -> None:
        assert make_redactor([], [r"\d{4}-\d{4}"])("card 1234-5678!") == f"card {MASK}!"

    def test_groups(self) -> None:
        redact = make_redactor([], [r"user=(\w+) pin=(\d+)|token<(.)>"])
        assert redact("user=ada pin=42; token<x>") == f"user={MASK} pin={MASK}; token<{MASK}>"
