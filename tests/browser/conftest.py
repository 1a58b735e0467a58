"""Fixtures: people at their browsers, the platforms of the tests from end to end."""

from browser.people import people
from end_to_end.conftest import make_target, servers

__all__ = ["make_target", "people", "servers"]
