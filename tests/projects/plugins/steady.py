"""Make tests by hypothesis end alike in each session: the same examples, and no verdict on how long they take."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", derandomize=True, deadline=None, max_examples=20, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("steady")
