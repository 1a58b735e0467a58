"""Fixtures: the platforms of the tests from end to end."""

from end_to_end.conftest import make_target, servers

__all__ = ["make_target", "servers"]
