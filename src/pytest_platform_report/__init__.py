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

    from .options import Kind

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

# Of each option its name, kind, metavar, default and help, for .options and .plugin: this module and that one are all
# that a session imports which does not report.
_OPTIONS: tuple[tuple[str, Kind, str, str, str], ...] = (
    ("report", "switch", "", "off", "report this session to the test platform"),
    ("url", "text", "URL", "", "address of the platform (none: the embedded platform in the spool)"),
    ("project", "text", "ID", "", "id of the project on the platform"),
    ("api-key-file", "path", "FILE", "", "file that holds the API key, where PLATFORM_API_KEY is not set"),
    ("run-title", "text", "TEXT", "", "title of the run"),
    ("tag", "list", "TAG", "", "tag of the run; may be repeated"),
    ("spool", "path", "DIR", ".platform-report", "where runs are kept until they are delivered"),
    ("run-id", "text", "ID", "", "report into this run of the platform instead of a new one"),
    ("run-key", "text", "KEY", "", "name of the run folder: sessions with the same key make one run"),
    ("shard", "text", "K/N", "", "this session is shard K of N"),
    ("drain-timeout", "seconds", "SECONDS", "60", "longest wait for the delivery at the session's end"),
    ("detach", "switch", "", "off", "do not wait at the session's end: delivery goes on in the background"),
    ("strict", "switch", "", "off", "exit with 1 where the tests passed but not every result was acknowledged"),
    ("redact", "lines", "REGEX", "", "mask what this matches, or its groups, in all that is kept and sent"),
    ("artifact", "list", "TYPE:GLOB", "", "files to send with the run when it ends; may be repeated"),
)
_OFF_WORDS = ("", "0", "false", "no", "off")


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
