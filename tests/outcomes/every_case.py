"""All cases, in the order of their page."""

from __future__ import annotations

from outcomes.deaths import DEATHS
from outcomes.plain_cases import PLAIN
from outcomes.plugin_cases import PLUGINS

_ALL = (*PLAIN, *PLUGINS, *DEATHS)
_GROUPS = list(dict.fromkeys(case.group for case in _ALL))

CASES = sorted(_ALL, key=lambda case: _GROUPS.index(case.group))
