"""The states of what is delivered, which of them follow each other, and what a failed request makes of them.

A run, a test and an artifact go the same way::

    held ◀──▶ pending ──▶ sent ──▶ acknowledged    it is on the platform
                 ▲          ├────▶ refused         the platform said no: kept, told, not repeated
                 ├──────────┤                      it certainly did not arrive
                 └─ unknown ◀                      no answer tells: it is looked up before it is sent again

``held`` is a test that waits for other executions of its own, ``dropped`` one that a hook has left out. ``sent`` is
written before the request goes out, so what an uploader finds in it was under way when the one before it died: it is
``unknown``. An ``unknown`` test or run is looked up by the marker that it carries. An artifact cannot be looked up: it
is sent again. What was ``refused`` is ``unknown`` again where the user asks to try it once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from ..errors import Busy, DeliveryError, NotSent, OutcomeUnknown, Refused

Kind = Literal["run", "test", "artifact"]
State = Literal["held", "pending", "sent", "unknown", "acknowledged", "refused", "dropped"]

STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("held", "pending", "sent", "unknown")

_BEFORE: Mapping[State, tuple[State, ...]] = {
    "held": ("pending",),
    "pending": ("held", "pending", "sent", "unknown"),
    "sent": ("pending", "unknown"),
    "unknown": ("sent", "unknown", "refused"),
    "acknowledged": ("sent", "unknown"),
    "refused": ("pending", "sent", "unknown"),
    "dropped": (),
}
_SURELY_NOT_DONE = (408, 425, 429)
_ELSEWHERE = (502, 503, 504)
_HOPELESS = (401, 403, 404)


def before(kind: Kind, state: State) -> tuple[State, ...]:
    """Return the states from which *kind* may come to *state*."""
    if kind != "test" and state == "acknowledged":  # a run to join, a content that the platform has already
        return ("pending", *_BEFORE[state])
    return _BEFORE[state]


def after(kind: Kind, error: DeliveryError) -> State:
    """Return the state of what a request carried that ended with *error*.

    A run is never refused: nothing else could go without it.
    """
    if is_about_the_item(error):
        return "pending" if kind == "run" else "refused"
    if isinstance(error, Busy):
        return "pending" if error.status in _SURELY_NOT_DONE else "unknown"
    return "unknown" if isinstance(error, OutcomeUnknown) else "pending"


def is_about_the_item(error: DeliveryError) -> bool:
    """Tell whether only this test or file cannot be sent, and others may: it is set aside."""
    if isinstance(error, Refused):
        return error.status not in _HOPELESS
    return isinstance(error, NotSent) and error.permanent


def is_suspect(error: DeliveryError) -> bool:
    """Tell whether what was sent may itself be why the platform failed, so that others had better go before it."""
    return isinstance(error, OutcomeUnknown) or (
        isinstance(error, Busy) and error.status not in (*_SURELY_NOT_DONE, *_ELSEWHERE)
    )
