"""What the command line does in a store: accounts, passwords, keys."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from platform_report_server.accounts.passwords import password_holds
from platform_report_server.accounts.teams import add_team
from platform_report_server.auth.tokens import digest
from platform_report_server.db.queries.keys import find_key_by_hash
from platform_report_server.db.queries.people import find_account_by_email, find_team, roles_in_teams
from platform_report_server.errors import Invalid
from platform_report_server.ingest.writer import Write
from platform_report_server.manage import add_key, add_user, set_password
from platform_report_server.settings import Settings
from pytest_platform_report.cli.user import _read_password
from pytest_platform_report.errors import ConfigurationError
from server.support import in_store

PASSWORD = "correct horse battery"


def test_accounts_and_keys_are_made_beside_a_server(settings: Settings) -> None:
    assert add_user(settings, "Jane@example.com", "", "owner", PASSWORD) == ["Default"]
    with pytest.raises(Invalid, match="has an account already"):
        add_user(settings, "jane@example.com", "Jane", "viewer", PASSWORD)
    in_store(settings, lambda write: add_team(write, "QA", None))
    with pytest.raises(Invalid, match="there are several, name one of 'Default', 'QA'"):
        add_user(settings, "john@example.com", "John", "viewer", PASSWORD)
    with pytest.raises(Invalid, match="found Ops, expected one of 'Default', 'QA'"):
        add_user(settings, "john@example.com", "John", "viewer", PASSWORD, ["QA", "Ops"])
    assert add_user(settings, "john@example.com", "John", "viewer", PASSWORD, ["QA"]) == ["QA"]
    with pytest.raises(Invalid, match=r"eve@example\.com has no account"):
        set_password(settings, "eve@example.com", PASSWORD)
    set_password(settings, "JANE@example.com", "another " + PASSWORD)
    key = add_key(settings, "web", "CI", "admin", days=1)

    def look(write: Write) -> None:
        jane = find_account_by_email(write.connection, "jane@example.com")
        john = find_account_by_email(write.connection, "john@example.com")
        assert jane is not None
        assert john is not None
        assert jane.name == "jane"
        assert password_holds("another " + PASSWORD, jane.password)
        ((team_id, role),) = roles_in_teams(write.connection, john.id).items()
        team = find_team(write.connection, team_id)
        assert team is not None
        assert (team.name, role) == ("QA", "viewer")
        kept = find_key_by_hash(write.connection, digest(key))
        assert kept is not None
        assert (kept.project, kept.role, kept.name) == ("web", "admin", "CI")
        assert 0 < kept.expires_at - kept.created_at <= 24 * 3600 * 1000

    in_store(settings, look)


def test_a_password_comes_from_a_file_or_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\nnot this\n")
    assert _read_password(str(file)) == PASSWORD
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert _read_password("-") == PASSWORD
    with pytest.raises(ConfigurationError, match="there is no terminal"):
        _read_password(None)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        _read_password(str(tmp_path / "nothing"))
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        _read_password(str(file))
