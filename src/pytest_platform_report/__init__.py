"""Report every pytest result to a test platform: complete, exactly once, while the tests still run.

``step`` and ``attach`` are for test code; everything else is internal. Both do nothing where reporting is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recording import attach as attach
    from .recording import step as step

    __version__: str

__all__ = ["__version__", "attach", "step"]


def __getattr__(name: str) -> object:
    # Imported on first use: this package is imported in every pytest session, most of which do not report.
    if name in ("attach", "step"):
        from . import recording

        return getattr(recording, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-platform-report")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
