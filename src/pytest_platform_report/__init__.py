"""Report every pytest result to a test platform: complete, exactly once, while the tests still run.

``step``, ``attach``, ``title``, ``tag``, ``annotate`` and ``link`` are for test code; everything else is internal. They
do nothing where reporting is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .notes import annotate as annotate
    from .notes import link as link
    from .notes import tag as tag
    from .notes import title as title
    from .recording import attach as attach
    from .recording import step as step

    __version__: str

__all__ = ["__version__", "annotate", "attach", "link", "step", "tag", "title"]


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
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
