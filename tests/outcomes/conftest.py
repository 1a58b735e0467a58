"""Fixtures: the platforms of the end-to-end tests."""

from __future__ import annotations

from end_to_end.conftest import make_target, project, servers, target

__all__ = ["make_target", "project", "servers", "target"]
