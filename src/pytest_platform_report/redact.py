"""Take secrets out of text before it is written or sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .text import clean

MASK = "[redacted]"


def make_redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that cleans a text (:func:`.text.clean`) and masks each of *secrets* in it."""
    kept = tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True))

    def redact(text: str) -> str:
        text = clean(text)
        for secret in kept:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    return redact
