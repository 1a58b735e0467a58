"""What a process has done since it began, and sizes of now, as Prometheus reads them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_PREFIX = "platform_report_"


@dataclass
class _Durations:
    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0


class Metrics:
    """Counters of one process. Only its event loop counts."""

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        self._durations: defaultdict[str, _Durations] = defaultdict(_Durations)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        method = method if method in _METHODS else "other"
        self._requests[route, method, f"{status // 100}xx"] += 1
        durations = self._durations[route]
        durations.counts[bisect_left(_BOUNDS, seconds)] += 1
        durations.total += seconds

    def text(self, sizes: Mapping[str, tuple[str, float]]) -> str:
        """Return everything in the text format; `sizes` are by name, with what they mean."""
        lines = list(self._told())
        for name, (meaning, value) in sizes.items():
            lines += [*_family(name, "gauge", meaning), f"{_PREFIX}{name} {value:.10g}"]
        return "\n".join(lines) + "\n"

    def _told(self) -> Iterator[str]:
        yield from _family("requests_total", "counter", "Requests that were answered")
        for (route, method, status), count in sorted(self._requests.items()):
            yield f'{_PREFIX}requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield from _family("request_seconds", "histogram", "How long requests took")
        for route, durations in sorted(self._durations.items()):
            count = 0
            for bound, more in zip((*_BOUNDS, "+Inf"), durations.counts, strict=True):
                count += more
                yield f'{_PREFIX}request_seconds_bucket{{route="{route}",le="{bound}"}} {count}'
            yield f'{_PREFIX}request_seconds_sum{{route="{route}"}} {durations.total:.6f}'
            yield f'{_PREFIX}request_seconds_count{{route="{route}"}} {count}'


def _family(name: str, kind: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {_PREFIX}{name} {meaning}", f"# TYPE {_PREFIX}{name} {kind}"
