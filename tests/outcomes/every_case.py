"""All cases, in the order of their page."""

from __future__ import annotations

from outcomes.collection_cases import COLLECTION
from outcomes.death_cases import DEATHS
from outcomes.distribution_cases import DISTRIBUTION
from outcomes.flaky_cases import FLAKY
from outcomes.interruption_cases import INTERRUPTIONS
from outcomes.nesting_cases import NESTING
from outcomes.outcome_cases import OUTCOMES
from outcomes.plugin_cases import PLUGINS
from outcomes.rerun_cases import RERUNS
from outcomes.selection_cases import SELECTION
from outcomes.shape_cases import SHAPES
from outcomes.subtest_cases import SUBTESTS

CASES = (
    *OUTCOMES,
    *SHAPES,
    *SUBTESTS,
    *COLLECTION,
    *SELECTION,
    *INTERRUPTIONS,
    *RERUNS,
    *FLAKY,
    *PLUGINS,
    *DISTRIBUTION,
    *NESTING,
    *DEATHS,
)
