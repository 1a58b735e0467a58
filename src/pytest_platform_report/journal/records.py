"""The records of a journal, format 1.

Each record is an object with ``v`` (the format), ``kind`` and the fields of its kind:

========== =====================================================================================================
session    ``id``, ``role`` (alone, controller, worker), ``worker``, ``process``, ``at``; and, but for workers,
           ``settings`` (without secrets) and ``facts`` (what is run, by which interpreter, pytest and plugins; and
           ``metadata``, which a hook has added). The first record of every segment. ``relayed`` where the controller
           writes what a worker elsewhere tells: the process is the controller's own then.
began      ``test`` (a number, unique in the segment), ``node``, ``file``, ``line``, ``suites``, ``title``, ``at``,
           ``tags``, ``annotations`` (those of the test; an attempt has its own); ``phase`` if it begins with its call,
           since nothing but pytest's own is left to be set up
phase      ``phase``: which the running test comes to now, call or teardown, or again setup; it began with its setup
attempt    ``test``, ``attempts``: the one that was over when the next one began; ``ended`` has it again
ended      ``test``, ``attempts``, the ``tags`` and ``annotations`` that have come since it began, and the ``title``
           that it is to be shown as, where it was given one; or ``test`` and ``dropped``: a hook has left it out.
           Where nothing but pytest's loop runs between two tests, it comes with the ``began`` of the second
dropped    ``test``, ``node``: one that a hook has left out when it was about to begin
artifact   ``test`` (null: the run's own), ``path`` (relative to the run folder), ``name``, ``type``, ``size``,
           ``sha256`` (in hex); where the file could not be kept, ``problem`` says why
collected  ``node``, ``file``, ``outcome`` (failed, skipped), ``message``, ``stack``, ``at``
lost       ``worker``, ``node``, ``message``, ``death`` (empty where it is not known how), ``stdout``, ``stderr``,
           ``at``: the controller's word on a worker that went away, and on the test that it counts as failed by that
gone       the process has ended without a word; written by a controller for a worker whose records it writes
closed     ``exit`` (pytest's status), ``interrupted``, ``undone`` (records that could not be written), ``at``
========== =====================================================================================================

An attempt has ``outcome``, ``start``, ``duration``, ``phases`` (of each: when, outcome, end) and, where there is
something to say, ``steps``, ``failures``, ``annotations``, ``stdout``, ``stderr``; they read like the values of
:mod:`pytest_platform_report.model`, but for a step's ``parent``: the number of the one that it is inside of. Moments
(``at``, an attempt's ``start``) are milliseconds since 1970, UTC; what is inside an attempt counts from its start.
"""

from __future__ import annotations

from typing import Any

from ..native import native, to_json

FORMAT = 1
ENDS = ("closed", "gone")

_BEGUN = b'{"v":%d,"kind":"began","test":%d,%b%d%b%b'
_PASSED = (
    b'{"v":%d,"kind":"ended","test":%d,"attempts":[{"outcome":"passed","start":%d,"duration":%b,"phases":'
    b'[["setup","passed",%.2f],["call","passed",%.2f],["teardown","passed",%b]]%b}],"tags":[],"annotations":[]}\n'
)

_IN_SETUP, _IN_CALL = "}\n", ',"phase":"call"}\n'
_ENDS_IN_SETUP, _ENDS_IN_CALL = _IN_SETUP.encode(), _IN_CALL.encode()
_AS_OBJECTS = ("failures", "annotations")
_AS_TEXTS = ("stdout", "stderr")

Record = dict[str, Any]
Parts = tuple[bytes, bytes]
"""What the line of a ``began`` record has before and after the moment."""


def began(
    test: int,
    node: str,
    file: str,
    line: int | None,
    suites: list[str],
    title: str,
    at: float,
    tags: list[str],
    annotations: list[Record],
) -> Record:
    """A test starts."""
    return {
        "v": FORMAT,
        "kind": "began",
        "test": test,
        "node": node,
        "file": file,
        "line": line,
        "suites": suites,
        "title": title,
        "at": at,
        "tags": tags,
        "annotations": annotations,
    }


def line_of_began(record: Record, is_called: bool = False) -> bytes:
    """Return the line of a ``began`` record, at a fifth of what encoding any object costs: every test writes one."""
    quote = native.quote
    node, file, title = quote(record["node"]), quote(record["file"]), quote(record["title"])
    line = "null" if record["line"] is None else record["line"]
    suites = ",".join(map(quote, record["suites"]))
    tags = to_json(record["tags"]) if record["tags"] else "[]"
    annotations = to_json(record["annotations"]) if record["annotations"] else "[]"
    return (
        f'{{"v":{FORMAT},"kind":"began","test":{record["test"]},"node":{node},"file":{file},"line":{line},'
        f'"suites":[{suites}],"title":{title},"at":{record["at"]},"tags":{tags},"annotations":{annotations}'
        f"{_IN_CALL if is_called else _IN_SETUP}"
    ).encode("ascii")


def place_of(file: str, suites: list[str]) -> str:
    """Return what the ``began`` records of a module's or class's tests have in common, for :func:`begun`."""
    return f'"file":{native.quote(file)},"suites":[{",".join(map(native.quote, suites))}],"line":'


def begun_parts(before: str, name: str, common: str, line: int | None, tags: str, annotations: str) -> Parts:
    """Return what :func:`begun` makes the line of a ``began`` record of.

    :param before: what stands before *name* in the node id, quoted, as the name is.
    :param common: what :func:`place_of` returned; ``tags`` and ``annotations`` are JSON, too.
    """
    where = "null" if line is None else line
    head = f'"node":"{before}{name}",{common}{where},"title":"{name}","at":'
    return head.encode(), f',"tags":{tags},"annotations":{annotations}'.encode()


def begun(test: int, at: int, parts: Parts, is_called: bool) -> bytes:
    """Return the line of a ``began`` record, at a tenth of what any other costs: most tests have such a name."""
    return _BEGUN % (FORMAT, test, parts[0], at, parts[1], _ENDS_IN_CALL if is_called else _ENDS_IN_SETUP)


def passed(test: int, at: int, start: float, setup: float, call: float, teardown: float, more: str) -> bytes:
    """Return the line of the ``ended`` record of a test that passed at once.

    :param at: *start* in whole milliseconds.
    :param setup: when that was over, as ``call`` and ``teardown``.
    :param more: JSON of what else is told of the attempt, each with a comma before it.
    """
    duration = b"%.2f" % (teardown - start)
    told = more.encode("ascii")
    return _PASSED % (FORMAT, test, at, duration, setup - start, call - start, duration, told)


def phase(name: str) -> bytes:
    """A test comes to its next phase; ready to be written, since every test writes it twice."""
    return b'{"v":%d,"kind":"phase","phase":"%s"}\n' % (FORMAT, name.encode("ascii"))


def attempt(test: int, described: Record) -> Record:
    """An attempt is over, and another one begins: should the process die in that, this one is not lost."""
    return {"v": FORMAT, "kind": "attempt", "test": test, "attempts": [described]}


def line_of_attempt(record: Record) -> bytes:
    """Return the line of an ``attempt`` record."""
    attempts = ",".join(map(_attempt_as_json, record["attempts"]))
    return f'{{"v":{FORMAT},"kind":"attempt","test":{record["test"]},"attempts":[{attempts}]}}\n'.encode("ascii")


def ended(test: int, attempts: list[Record], tags: list[str], annotations: list[Record], title: str = "") -> Record:
    """A test is done."""
    record: Record = {
        "v": FORMAT,
        "kind": "ended",
        "test": test,
        "attempts": attempts,
        "tags": tags,
        "annotations": annotations,
    }
    if title:
        record["title"] = title
    return record


def line_of_ended(record: Record) -> bytes:
    """Return the line of an ``ended`` record, at a third of what encoding any object costs."""
    attempts = ",".join(map(_attempt_as_json, record["attempts"]))
    tags = to_json(record["tags"]) if record["tags"] else "[]"
    annotations = to_json(record["annotations"]) if record["annotations"] else "[]"
    title = f',"title":{native.quote(record["title"])}' if record.get("title") else ""
    return (
        f'{{"v":{FORMAT},"kind":"ended","test":{record["test"]},"attempts":[{attempts}],'
        f'"tags":{tags},"annotations":{annotations}{title}}}\n'
    ).encode("ascii")


def _attempt_as_json(attempt: Record) -> str:
    phases = ",".join([f'["{when}","{outcome}",{end:.2f}]' for when, outcome, end in attempt["phases"]])
    told = (
        f'{{"outcome":"{attempt["outcome"]}","start":{int(attempt["start"])},"duration":{attempt["duration"]:.2f},'
        f'"phases":[{phases}]'
    )
    if "steps" in attempt:
        told += f',"steps":[{",".join(map(_step_as_json, attempt["steps"]))}]'
    for key in _AS_OBJECTS:
        if key in attempt:
            told += f',"{key}":{to_json(attempt[key])}'
    for key in _AS_TEXTS:
        if key in attempt:
            told += f',"{key}":{native.quote(attempt[key])}'
    return told + "}"


def _step_as_json(step: Record) -> str:
    told = step_as_json(
        step["title"], step["category"], step["start"], step["duration"], step.get("parent"), step["status"]
    )
    return f'{told[:-1]},"error":{native.quote(step["error"])}}}' if "error" in step else told


def step_as_json(
    title: str, category: str, start: float, duration: float, parent: int | None, status: str = "passed"
) -> str:
    """Return a step without an error."""
    inside = "" if parent is None else f',"parent":{parent}'
    return (
        f'{{"title":{native.quote(title)},"category":"{category}","status":"{status}",'
        f'"start":{start:.2f},"duration":{duration:.2f}{inside}}}'
    )


def ended_dropped(test: int) -> Record:
    """A test is done, and a hook has left it out of the report."""
    return {"v": FORMAT, "kind": "ended", "test": test, "dropped": True}


def dropped(test: int, node: str) -> Record:
    """A test starts, and a hook has left it out of the report: neither its beginning nor its end is told."""
    return {"v": FORMAT, "kind": "dropped", "test": test, "node": node}


def artifact(test: int | None, path: str, name: str, type_: str, size: int, sha256: str) -> Record:
    """A file was kept."""
    return {
        "v": FORMAT,
        "kind": "artifact",
        "test": test,
        "path": path,
        "name": name,
        "type": type_,
        "size": size,
        "sha256": sha256,
    }


def not_kept(test: int | None, name: str, size: int, problem: str) -> Record:
    """A file should have been kept and could not be; its size is 0 where that is not known."""
    return {**artifact(test, "", name, "", size, ""), "problem": problem}


def collected(node: str, file: str, outcome: str, message: str, stack: str, at: float) -> Record:
    """A module could not be collected, or skipped itself."""
    return {
        "v": FORMAT,
        "kind": "collected",
        "node": node,
        "file": file,
        "outcome": outcome,
        "message": message,
        "stack": stack,
        "at": at,
    }


def lost(worker: str, node: str, message: str, death: str, stdout: str, stderr: str, at: float) -> Record:
    """A worker went away while, as far as its controller knows, it ran *node*."""
    return {
        "v": FORMAT,
        "kind": "lost",
        "worker": worker,
        "node": node,
        "message": message,
        "death": death,
        "stdout": stdout,
        "stderr": stderr,
        "at": at,
    }


def gone() -> Record:
    """The process whose records these are has ended."""
    return {"v": FORMAT, "kind": "gone"}


def closed(exit_status: int, interrupted: bool, undone: int, at: float) -> Record:
    """The session is over."""
    return {
        "v": FORMAT,
        "kind": "closed",
        "exit": exit_status,
        "interrupted": interrupted,
        "undone": undone,
        "at": at,
    }
