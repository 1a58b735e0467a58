"""What allure's decorators leave on a test: the marks and the title that allure-pytest makes of them, made and read."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import Any

import pytest

from ..notes import Notes, describe_link
from ..text import show

LABEL, LINK = "allure_label", "allure_link"
DESCRIPTION, DESCRIPTION_HTML = "allure_description", "allure_description_html"
MARKS = frozenset((LABEL, LINK, DESCRIPTION, DESCRIPTION_HTML))

_TITLE = "__allure_display_name__"
_NAMES = {"as_id": "id", "ALLURE_MANUAL": "manual"}
_ONE_EACH = ("severity", "framework", "host", "suite", "parentSuite", "subSuite", DESCRIPTION, DESCRIPTION_HTML)


def make_mark(name: str, /, *args: object, **kwargs: object) -> pytest.MarkDecorator:
    """Return a mark that need not be registered, as those of ``pytest.mark`` have to be for ``--strict-markers``."""
    return pytest.MarkDecorator(pytest.Mark(name, args, kwargs, _ispytest=True), _ispytest=True)


def set_title(function: Any, title: object) -> None:
    """Leave a title on a test's or a fixture's function."""
    if hasattr(function, "_get_wrapped_function"):  # a fixture, since pytest 8.4
        function = function._get_wrapped_function()
    elif hasattr(function, "__pytest_wrapped__"):  # a fixture before
        function = function.__pytest_wrapped__.obj
    with suppress(AttributeError, TypeError):  # not everything that can be called has attributes
        setattr(function, _TITLE, title)


def title_of_function(function: object) -> str:
    """Return the title that was left on a test's or a fixture's function; empty where there is none."""
    title = getattr(function, _TITLE, None)
    return title if isinstance(title, str) else ""


def title_of(item: pytest.Item) -> str:
    """Return the title that was left on a test, with its parameters and fixtures filled in; empty where there is none.

    What it names that there is not stays as it stands, and so does a title that cannot be filled in.
    """
    title = title_of_function(getattr(item, "obj", None))
    if "{" not in title:
        return title
    called = getattr(item, "callspec", None)
    values = _Values(getattr(item, "funcargs", None) or {})
    if called is not None:
        values = _Values({"param_id": called.id, **called.params, **values})
    try:
        return title.format_map(values)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException:  # whatever the values raise
        return title


def tell(told: Notes, marks: Iterable[pytest.Mark]) -> None:
    """Add to *told* what *marks* say, the closest to the test first."""
    seen = set()
    for mark in marks:
        if mark.name not in MARKS or not mark.args:
            continue
        kind = show(mark.kwargs.get("label_type", mark.name))
        if kind in seen and kind in _ONE_EACH:
            continue
        seen.add(kind)
        if mark.name == LABEL:
            for value in mark.args:
                tell_label(told, kind, value)
        elif mark.name == LINK:
            told.annotate(mark.kwargs.get("link_type", "link"), describe_link(mark.args[0], mark.kwargs.get("name")))
        else:
            told.annotate("description", mark.args[0])


def tell_label(told: Notes, type_: object, value: object) -> None:
    """Add a label to *told*, as a tag or as an annotation of its type."""
    kind = show(type_)
    if isinstance(value, Enum):
        value = value.value
    if kind == "tag":
        told.add_tag(value)
    else:
        told.annotate(_NAMES.get(kind, kind), value)


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"
