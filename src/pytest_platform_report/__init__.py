"""Report every pytest result to a test platform: complete, exactly once, while the tests still run.

``step``, ``attach``, ``title``, ``tag``, ``annotate`` and ``link`` are for test code, and do nothing where reporting is
off; the classes are what the hooks of :mod:`.hookspecs` are given. Everything else is internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .descriptions import Annotation as Annotation
    from .descriptions import ArtifactDescription as ArtifactDescription
    from .descriptions import AttemptDescription as AttemptDescription
    from .descriptions import BegunTest as BegunTest
    from .descriptions import EndedTest as EndedTest
    from .descriptions import FailureDescription as FailureDescription
    from .descriptions import RunDescription as RunDescription
    from .descriptions import StepDescription as StepDescription
    from .notes import annotate as annotate
    from .notes import link as link
    from .notes import tag as tag
    from .notes import title as title
    from .recording import attach as attach
    from .recording import step as step

    __version__: str

__all__ = [
    "Annotation",
    "ArtifactDescription",
    "AttemptDescription",
    "BegunTest",
    "EndedTest",
    "FailureDescription",
    "RunDescription",
    "StepDescription",
    "__version__",
    "annotate",
    "attach",
    "link",
    "step",
    "tag",
    "title",
]


def __getattr__(name: str) -> object:
    # Imported on first use: this package is imported in every pytest session, most of which do not report.
    if name in ("attach", "step"):
        from . import recording

        return getattr(recording, name)
    if name in ("annotate", "link", "tag", "title"):
        from . import notes

        return getattr(notes, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-platform-report")
    if name in __all__:
        from . import descriptions

        return getattr(descriptions, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
