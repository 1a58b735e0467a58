"""Text fit for a journal, a database and a reader: valid UTF-8, no NUL, no terminal codes, bounded."""

from __future__ import annotations

import hashlib
import re

# A control sequence, an operating system command, any other escape sequence (ECMA-35), or an escape with nothing to it.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])?")
_sub_ansi = _ANSI.sub

OUTPUT_LIMIT = 2 * 64 * 1024
STACK_LIMIT = 256 * 1024
MESSAGE_LIMIT = 16 * 1024
NAME_LIMIT = 4 * 1024


def clean(text: str) -> str:
    """Return *text* without terminal codes, with NUL as U+FFFD and lone surrogates as escapes."""
    if text.isascii():
        if "\x1b" not in text and "\0" not in text:
            return text
    else:
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return _sub_ansi("", text).replace("\0", "\ufffd")


def number_of(number: int, noun: str) -> str:
    """Return ``1 test`` or ``1,204 tests``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def show(value: object) -> str:
    """Return ``str(value)``, whatever the tested code's ``__str__`` does."""
    try:
        return str(value)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return f"<{type(value).__name__} whose str() raised {type(error).__name__}>"


def shorten(text: str, limit: int) -> str:
    """Return *text* of at most *limit* characters, its head and tail kept and the cut said in between."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters cut ...]\n{text[len(text) - half :]}"


def shorten_name(name: str) -> str:
    """Return a name of at most 4,096 characters in one line; a digest in the cut keeps different names apart."""
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    half = (NAME_LIMIT - len(digest) - 6) // 2
    return f"{name[:half]}...{digest}...{name[len(name) - half :]}"
