"""One execution of a test, as far as it has come: its phases, subtests, steps and output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import recording
from ..journal import records
from ..journal.records import Record
from ..native import native
from ..notes import Notes
from ..redact import Redact
from ..text import OUTPUT_LIMIT, shorten

FAILURES_LIMIT = 100
_STREAMS = (("captured stdout", "stdout"), ("captured stderr", "stderr"))  # pytest-forked does not begin with a capital


class Phase(NamedTuple):
    """Setup, call or teardown, as its report told it at ``end``; failure and annotation are journal values."""

    when: str
    outcome: str
    end: float
    failure: Record | None
    annotation: Record | None
    sections: list[tuple[str, str]]


PhaseValues = tuple[str, str, float, Record | None, Record | None, list[tuple[str, str]]]
"""A :class:`Phase` as it is kept, at a quarter of the cost: what has names is made where there is something to tell."""


class Attempt:
    """One execution; what is before *first_section* of a report's output belongs to the attempts before it.

    :ivar phases: those that are over.
    :ivar recording: its steps; ``notes``: what else its test tells.
    :ivar is_regular: whether all phases passed, and nothing else has come from outside.
    """

    __slots__ = (
        "_ends_by",
        "_failures",
        "_first_section",
        "_last_output",
        "_more_output",
        "is_regular",
        "last",
        "notes",
        "phases",
        "recording",
        "start",
    )

    def __init__(self, start: float, first_section: int, steps: recording.Recording, told: Notes) -> None:
        self.start = start
        self.last = start
        self.phases: list[PhaseValues] = []
        self.recording = steps
        self.notes = told
        self._first_section = first_section
        self.is_regular = True
        self._more_output: Sequence[tuple[str, str]] = ()
        self._last_output: Sequence[tuple[str, str]] = ()
        self._failures: Sequence[Record] = ()  # of subtests, and of what broke into the test from outside
        self._ends_by: Record | None = None

    def has(self, when: str) -> bool:
        """Tell whether a phase has been."""
        return any(phase[0] == when for phase in self.phases)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """All output that pytest has told of, of this attempt and those before it."""
        return self.phases[-1][-1] if self.phases else []

    @property
    def told(self) -> int:
        """How many sections of output pytest has told of by now."""
        return len(self.phases[-1][-1]) if self.phases else self._first_section

    def take_subtest(self, title: str, end: float, duration: float, sections: list[tuple[str, str]]) -> None:
        """Make a step of the last phase: it was that of a subtest, which was over at *end*."""
        phase = Phase._make(self.phases.pop())
        self.is_regular = False
        self._more_output = [*self._more_output, *sections[len(phase.sections) :]]
        if phase.failure is not None:
            self._failures = [*self._failures, {**phase.failure, "phase": f"subtest {title}"}]
        step = self.recording.open(title, "assertion", end - duration)
        if step is None:
            return
        step.close(None, end)
        step.status = phase.outcome
        if phase.failure is not None:
            step.error = phase.failure["message"]
        elif phase.annotation is not None:
            step.error = phase.annotation["description"]
        self.recording.enclose(step)

    def take_output(self, sections: list[tuple[str, str]]) -> None:
        """Take the output that came last, and that no report tells of."""
        self._last_output = [(title, text) for title, text in sections if text]

    def interrupt(self, reason: str, at: float) -> None:
        """End it without a verdict, unless it has failed already."""
        self.last, self.is_regular = at, False
        self._ends_by = {"type": "interrupted", "description": reason}

    def break_off(self, message: str, at: float) -> None:
        """End it as failed by something that no phase reported."""
        self.last, self.is_regular = at, False
        self._failures = [*self._failures, {"phase": "session", "message": message}]

    def restart(self, start: float) -> None:
        """Begin as the only attempt of another test, where the one before was plain."""
        self.start = self.last = self.recording.start = start
        self.phases = []

    def line(self, test: int, at: int, redact: Redact) -> bytes | None:
        """Return the ``ended`` record of a test with this attempt alone, which began *at*, if it is plain.

        It is where setup, call and teardown passed, and there is no more to tell than steps and output: true of most.
        """
        phases = self.phases
        if not self.is_regular or len(phases) != 3 or not self.notes.is_empty:
            return None
        setup, call, teardown = phases
        if setup[0] != "setup" or call[0] != "call" or teardown[0] != "teardown":
            return None
        more = ""
        if self.recording.steps:
            steps = self.recording.passed_steps()
            if steps is None:
                return None
            more = f',"steps":[{",".join([records.step_as_json(*step) for step in steps])}]'
        if teardown[5]:
            for stream, text in self._outputs(redact):
                more += f',"{stream}":{native.quote(text)}'
        return records.passed(test, at, self.start, setup[2], call[2], teardown[2], more)

    def describe(self, redact: Redact) -> Record:
        """Return the journal's attempt: failed if anything did, else what the call said, or the setup without one."""
        begun, phases, failures, annotations = self.start, [], self._first_failures(), []
        verdict, has_failed = "passed", bool(failures)
        for when, outcome, end, failure, annotation, _ in self.phases:
            phases.append((when, outcome, end - begun))
            if outcome == "failed":
                has_failed = True
            elif when != "teardown" or len(self.phases) == 1:
                verdict = outcome
            if failure is not None:
                failures.append(failure)
            if annotation is not None:
                annotations.append(annotation)
        if self._ends_by is not None:
            verdict = "skipped"
        described: Record = {
            "outcome": "failed" if has_failed else verdict,
            "start": begun,
            "duration": self.last - begun,
            "phases": phases,
        }
        steps = self.recording.describe(self.last, failures[0]["message"] if failures else None)
        if steps:
            described["steps"] = steps
        if failures:
            described["failures"] = failures
        if not self.notes.is_empty:
            annotations += self.notes.annotations
        if self._ends_by is not None:
            annotations.append(self._ends_by)
        if annotations:
            described["annotations"] = annotations
        described.update(self._outputs(redact))
        return described

    def _outputs(self, redact: Redact) -> list[tuple[str, str]]:
        """Return what was printed, by stream."""
        sections = self.sections
        if len(sections) <= self._first_section and not self._more_output and not self._last_output:
            return []
        outputs: dict[str, list[str]] = {"stdout": [], "stderr": []}
        for title, content in [*self._more_output, *sections[self._first_section :], *self._last_output]:
            for beginning, stream in _STREAMS:
                if title.lower().startswith(beginning):
                    outputs[stream].append(content)
            if title.startswith("Captured log"):
                outputs["stderr"].append(f"--- {title} ---\n{content}\n")
        return [(stream, shorten(redact("".join(parts)), OUTPUT_LIMIT)) for stream, parts in outputs.items() if parts]

    def _first_failures(self) -> list[Record]:
        """Return what failed besides the phases; of many subtests, the first that did."""
        if not self._failures:
            return []
        first, cut = [*self._failures[:FAILURES_LIMIT]], len(self._failures) - FAILURES_LIMIT
        if cut > 0:
            first.append({"phase": "subtests", "message": f"[... {cut:,} further failures cut ...]"})
        return first
