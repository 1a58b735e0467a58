"""What the ``platform_report`` fixture gives to a test."""

from __future__ import annotations

from ..notes import annotate, link, tag, title
from ..recording import attach, step


class PlatformReport:
    """The running test's report; does nothing where reporting is off."""

    step = staticmethod(step)
    attach = staticmethod(attach)
    title = staticmethod(title)
    tag = staticmethod(tag)
    annotate = staticmethod(annotate)
    link = staticmethod(link)
