"""What was compared where an assertion failed: expected and actual."""

from __future__ import annotations

from types import TracebackType

from _pytest._io.saferepr import saferepr  # what pytest itself shows values with; it has no public name

VALUE_LIMIT = 8 * 1024
_EXPLAINED = ("==", "is")

# The names of the values in unittest.case, the actual one first.
_UNITTEST = {
    "assertEqual": ("first", "second"),
    "assertAlmostEqual": ("first", "second"),
    "assertCountEqual": ("first_seq", "second_seq"),
    "assertDictEqual": ("d1", "d2"),
    "assertIs": ("expr1", "expr2"),
    "assertListEqual": ("list1", "list2"),
    "assertMultiLineEqual": ("first", "second"),
    "assertSequenceEqual": ("seq1", "seq2"),
    "assertSetEqual": ("set1", "set2"),
    "assertTupleEqual": ("tuple1", "tuple2"),
}


def show(value: object, limit: int) -> str:
    """Return a value as pytest shows it, also where its ``repr`` raises what pytest lets through, as SystemExit."""
    try:
        return saferepr(value, maxsize=limit)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return f"<{type(value).__name__} whose repr() raised {type(error).__name__}>"


class Comparison:
    """Two values that should have been alike.

    :ivar summaries: how an error begins that comes of it; a comparison whose error repeats none of them was another's,
        caught before.
    """

    __slots__ = ("actual", "expected", "summaries")

    def __init__(self, actual: object, expected: object, summaries: tuple[str, ...]) -> None:
        self.actual = show(actual, VALUE_LIMIT)
        self.expected = show(expected, VALUE_LIMIT)
        self.summaries = summaries

    @classmethod
    def of_assert(cls, operator: str, left: object, right: object, lines: list[str] | None) -> Comparison | None:
        """Return what ``assert left == right`` compared; *lines* is how pytest explains it, where it does."""
        if lines:
            return cls(left, right, (lines[0].replace("\n", "\\n"),))
        if operator not in _EXPLAINED:
            return None
        return cls(left, right, (f"assert {_begin(left)}", f" {operator} {_begin(right)}"))

    @classmethod
    def of_unittest(cls, traceback: TracebackType | None) -> Comparison | None:
        """Return what the ``assertEqual`` or the like compared that an error comes from."""
        while traceback is not None:
            frame = traceback.tb_frame
            names = _UNITTEST.get(frame.f_code.co_name)
            if names is not None and frame.f_globals.get("__name__") == "unittest.case":
                actual, expected = (frame.f_locals.get(name) for name in names)
                return cls(actual, expected, ())
            traceback = traceback.tb_next
        return None

    def belongs_to(self, message: str) -> bool:
        """Tell whether an error with this message comes of it."""
        return all(summary in message for summary in self.summaries)


def _begin(value: object) -> str:
    """Return how pytest begins to show a value in an assertion that it does not explain further."""
    return show(value, 240)[:40].replace("\n", "\\n")
