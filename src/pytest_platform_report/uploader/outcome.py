"""What the error that a request ended with says of what was sent."""

from __future__ import annotations

from ..errors import Busy, DeliveryError, NotSent, OutcomeUnknown, Refused

_SURELY_NOT_DONE = (408, 425, 429)
_HOPELESS = (401, 403, 404)


def is_about_the_item(error: DeliveryError) -> bool:
    """Tell whether only this test or file cannot be sent, and others may: it is set aside."""
    if isinstance(error, Refused):
        return error.status not in _HOPELESS
    return isinstance(error, NotSent) and error.permanent


def may_have_arrived(error: DeliveryError) -> bool:
    """Tell whether the platform may have carried out a request that ended with *error*."""
    if isinstance(error, Busy):
        return error.status not in _SURELY_NOT_DONE
    return isinstance(error, OutcomeUnknown) and not isinstance(error, NotSent)
