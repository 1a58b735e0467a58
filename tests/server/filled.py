"""Bodies for the API with one text in every field that takes a text."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec


def texts_of(kind: type[msgspec.Struct], text: str, **known: Any) -> dict[str, Any]:
    """Return a body with the text in every field that takes one, and inside of the fields; some fields are known."""
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    hints = get_type_hints(kind, include_extras=True)
    filled = {names[field]: _filled(hint, text) for field, hint in hints.items()}
    return {name: value for name, value in filled.items() if value is not None} | known


def _filled(hint: Any, text: str) -> Any:
    kind, choices = get_origin(hint), [each for each in get_args(hint) or (hint,) if each is not type(None)]
    if kind is list:
        return [_filled(choices[0], text)]
    if kind is dict:
        return {text[:100]: text[:4096]}
    if kind is Literal:
        return choices[0]
    first = choices[0]
    if first in (str, int, float, bool):
        longest = next((each.max_length for each in choices if isinstance(each, msgspec.Meta)), None)
        return text[:longest] if first is str else first(1)
    if isinstance(first, type) and issubclass(first, msgspec.Struct):
        return texts_of(first, text)
    return None if first is hint else _filled(first, text)
