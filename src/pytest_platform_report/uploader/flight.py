"""Requests that are under way together."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from ..errors import Busy, DeliveryError
from ..platforms.client import Platform


@dataclass(frozen=True)
class Flight:
    """A request.

    :ivar send: makes it and returns its answer; called in any thread, it touches nothing but the platform.
    :ivar note: takes note of the answer, or of why there is none; it raises the error that is to be known.
    """

    send: Callable[[], Any]
    note: Callable[[Any], object]


def fly(platform: Platform, flights: Sequence[Flight]) -> None:
    """Make requests, at the same time where the platform can, and take note of each answer as soon as it is there.

    :raises DeliveryError: of several errors the one that asks for the most.
    """
    errors = []
    for flight, outcome in _together(flights) if platform.most_at_once > 1 else _in_turn(flights):
        if isinstance(outcome, BaseException) and not isinstance(outcome, DeliveryError):
            raise outcome
        try:
            flight.note(outcome)
        except DeliveryError as error:
            errors.append(error)
    if errors:
        raise max(errors, key=_weight)


def _together(flights: Sequence[Flight]) -> Iterator[tuple[Flight, object]]:
    outcomes: SimpleQueue[tuple[Flight, object]] = SimpleQueue()

    def send(flight: Flight) -> None:
        outcomes.put((flight, _outcome(flight)))

    for flight in flights[1:]:
        try:
            # Not threading's, which waits for a thread to say that it runs: one without memory for that never does.
            _thread.start_new_thread(send, (flight,))
        except RuntimeError:
            send(flight)
    for flight in flights[:1]:
        send(flight)
    for _ in flights:
        yield outcomes.get()


def _in_turn(flights: Sequence[Flight]) -> Iterator[tuple[Flight, object]]:
    for flight in flights:
        yield flight, _outcome(flight)


def _outcome(flight: Flight) -> object:
    try:
        return flight.send()
    except BaseException as error:  # for the thread that waits for it
        return error


def _weight(error: DeliveryError) -> tuple[bool, float]:
    return error.permanent, (error.wait or 0.0) if isinstance(error, Busy) else 0.0
