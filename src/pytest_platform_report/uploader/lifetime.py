"""The end of an uploader's time, which not even a platform that never answers puts off."""

from __future__ import annotations

import signal


def end_within(seconds: float) -> None:
    """Let the system end this process after *seconds*, at 0 not at all; wherever it is by then.

    An uploader may be killed at any moment: what it was about stands in the delivery record.
    """
    if not hasattr(signal, "setitimer"):  # Windows
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the session's tests may have had it ignored, or blocked
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    signal.setitimer(signal.ITIMER_REAL, seconds)
