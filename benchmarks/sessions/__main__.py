"""Measure sessions beside those of other plugins: CPU, time, memory, requests, and the results that arrived.

::

    python benchmarks/sessions [--short] [--rounds N] [--peer-rounds N] [--trivial N] [--mixed N] [--sleeping N]
                               [--only TEXT ...] [--no-count] [--venvs PATH] [--page docs/performance.md]

What pytest is run by has to have this package, with its extra ``server``, pytest, and nothing else that pytest would
load; each peer gets a virtual environment of its own. Needs Linux.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / each) for each in ("", "tests")]

from benchmarks.sessions.candidates import CANDIDATES, COUNTED, DESERTED, PYTEST, SAME_PACKAGES, Candidate
from benchmarks.sessions.cores import Cores
from benchmarks.sessions.corpora import Corpus, mixed, sleeping, trivial
from benchmarks.sessions.instructions import count_instructions
from benchmarks.sessions.runs import Run, run, write
from benchmarks.sessions.tables import Turn, Turns, table
from faults.run import find_python, find_versions

_BEGIN, _END = "<!-- what follows is written by benchmarks/sessions -->\n", "<!-- to here -->\n"
_SHORT = {"trivial": 60, "mixed": 20, "sleeping": 10}
_PAGE_WIDTH = 120


def main() -> None:
    """Measure what is asked for."""
    asked = _arguments()
    corpora = [make(count) for make, count in _sizes(asked) if count]
    chosen = [each for each in CANDIDATES if _is_asked_for(each, asked.only)]
    dead = [each for each in DESERTED if _is_asked_for(each, asked.only)]
    counted = [each for each in COUNTED if _is_asked_for(each, asked.only)]
    parts = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Cores() as cores:
        bench = _Bench(Path(folder), asked.venvs.absolute(), cores)
        bench.warm_up([*chosen, *dead])
        for corpus in corpora:
            candidates = [*chosen, *(dead if corpus.name == "mixed" else ())]
            turns = bench.measure(corpus, candidates, asked.rounds, asked.peer_rounds)
            parts.append(table(corpus, candidates, turns, *map(cores.speeds, (cores.session, cores.other))))
            print(f"{corpus.name}:\n{parts[-1]}", file=sys.stderr, flush=True)
        steady = cores.speeds(cores.session).steady
    if asked.count:
        parts.append(count_instructions(counted, asked.venvs.absolute()))
    minutes = (time.monotonic() - began) / 60
    rounds = f"{asked.rounds} rounds, {asked.peer_rounds} of the peers, in {minutes:.0f} minutes"
    told = "\n\n".join([_describe(chosen, asked.venvs.absolute(), rounds, steady), *parts])
    if asked.page:
        _write(asked.page, told)
    else:
        print(told)


class _Bench:
    """A folder in which sessions are run."""

    def __init__(self, folder: Path, venvs: Path, cores: Cores) -> None:
        self._folder = folder
        self._venvs = venvs
        self._cores = cores
        self._count = 0

    def warm_up(self, candidates: Sequence[Candidate]) -> None:
        """Let each candidate be installed and compiled before any is measured."""
        corpus = trivial(5)
        written = self._write(corpus, "warm-up")
        for candidate in candidates:
            if not candidate.is_deserted:
                self._run(candidate, corpus, written)

    def measure(self, corpus: Corpus, candidates: Sequence[Candidate], rounds: int, peer_rounds: int) -> Turns:
        """Run each candidate once in each of its rounds, between two sessions of what it is compared with.

        A machine may be half as fast a minute later, and those that cost little would not be told apart.
        """
        written = self._write(corpus, corpus.name)
        turns: Turns = {candidate.name: [] for candidate in candidates}
        for number in range(max(rounds, peer_rounds)):
            due = [each for each in candidates if number < _rounds_of(each, rounds, peer_rounds)]
            for base in (each for each in candidates if each.name in (PYTEST, SAME_PACKAGES)):
                group = [each for each in due if each.beside == base.name and each is not base]
                first = number % len(group) if group else 0
                before = None
                for candidate in [*group[first:], *group[:first]]:
                    before = before or self._run(base, corpus, written)
                    run, after = (self._run(each, corpus, written) for each in (candidate, base))
                    turns[candidate.name].append(Turn(run, (before, after)))
                    if base.name == PYTEST:
                        turns[PYTEST].append(Turn(before))
                    before = after
        return turns

    def _write(self, corpus: Corpus, name: str) -> Path:
        folder = self._folder / name
        write(corpus, folder, self._venvs, CANDIDATES[0])
        return folder

    def _run(self, candidate: Candidate, corpus: Corpus, written: Path) -> Run:
        self._count += 1
        folder = self._folder / str(self._count)
        done = run(candidate, corpus, written, folder, self._venvs, self._cores)
        wall, arrived = done.measured.wall, done.in_the_end
        print(f"{corpus.name}: {candidate.name}: {wall:.1f} s, {arrived} arrived", file=sys.stderr, flush=True)
        if done.measured.exit != corpus.exit:
            print((folder / "out").read_text(encoding="utf-8", errors="replace")[-2000:], file=sys.stderr)
        return done


def _is_asked_for(candidate: Candidate, words: Sequence[str]) -> bool:
    is_one = not words or any(word in candidate.name for word in words)
    return is_one or candidate.name in (PYTEST, SAME_PACKAGES)


def _rounds_of(candidate: Candidate, rounds: int, peer_rounds: int) -> int:
    if candidate.is_slow:
        return 1
    return rounds if SAME_PACKAGES in (candidate.name, candidate.beside) else peer_rounds


def _describe(candidates: Sequence[Candidate], venvs: Path, rounds: str, steady: float | None) -> str:
    plugins = {candidate.plugin.name: candidate.plugin for candidate in candidates if candidate.name != PYTEST}
    told = [find_versions(plugin, find_python(plugin, venvs)).partition(",")[0] for plugin in plugins.values()]
    today = datetime.datetime.now(datetime.timezone.utc).date()
    python, system = platform.python_version(), f"{platform.system()} {platform.release()}"
    made = f"Made on {today} with Python {python} on {system}, {os.cpu_count()} cores, {rounds}: {', '.join(told)}."
    speed = "How fast the cores were is not known: that takes the right to a real-time priority."
    if steady is not None:
        speed = f"The core of the sessions was at its full speed for {steady:.0%} of the time."
    return textwrap.fill(f"{made} {speed}", _PAGE_WIDTH)


def _write(page: Path, told: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise SystemExit(f"{page}: there is no {_BEGIN!r} with an {_END!r} after it")
    page.write_text(f"{before}{begin}\n{told}\n\n{end}{after}", encoding="utf-8")


def _sizes(asked: argparse.Namespace) -> list[tuple[Callable[[int], Corpus], int]]:
    return [(trivial, asked.trivial), (mixed, asked.mixed), (sleeping, asked.sleeping)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python benchmarks/sessions", description=__doc__.partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="few tests, one round: whether everything runs")
    parser.add_argument("--rounds", type=int, default=8, help="of ours, which are close to what they are compared with")
    parser.add_argument("--peer-rounds", type=int, default=2, help="of the peers that take no minute")
    parser.add_argument("--trivial", type=int, default=10_000, help="how many tests that do nothing; 0 for none")
    parser.add_argument("--mixed", type=int, default=2_000, help="how many of all kinds, one of ten failing")
    parser.add_argument("--sleeping", type=int, default=300, help="how many that sleep 10 ms")
    parser.add_argument("--only", nargs="*", default=(), metavar="TEXT", help="candidates with this in their names")
    parser.add_argument("--no-count", dest="count", action="store_false", help="no instructions, by valgrind")
    parser.add_argument("--venvs", type=Path, default=Path(".peers"), metavar="PATH", help="environments of the peers")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables into this page")
    asked = parser.parse_args()
    if asked.short:
        vars(asked).update(_SHORT, rounds=1, peer_rounds=1)
    return asked


if __name__ == "__main__":
    main()
