"""One value of the configuration file against its type: what is wrong with it, in one sentence for a person.

The library that makes the tables would refuse the same values in words for programmers.
"""

import difflib
import re
from collections.abc import Collection
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from agent.wire.records import Bound

SHOWN_CHARS = 60

_WANTED: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}
_BOOLS = ("true", "false")
_NUMBER = re.compile(r"[-+]?\d[\d_]*(\.\d+)?")


def shown(text: str, most_chars: int = SHOWN_CHARS) -> str:
    """Return what stands in the file as one sentence can carry it."""
    printable = "".join(char if char.isprintable() else "?" for char in text[:most_chars])
    return printable if len(text) <= most_chars else f"{printable}..."


def quoted(text: str) -> str:
    """Return a value as a sentence may repeat it: without what may be a password."""
    return f'"{shown(text)}"' if "@" not in text else "(not shown: it contains a login)"


def nearest(name: str, known: Collection[str]) -> str:
    """Return the end of a sentence about a name that is not known: what was probably meant, else all that is known."""
    near = difflib.get_close_matches(name[: 2 * SHOWN_CHARS], known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" Known are: {', '.join(known)}."


def no_key(place: str, key: str, known: Collection[str]) -> str:
    """Return the sentence about a key that a table does not have."""
    return f"{place} has no key {shown(key)}.{nearest(key, known)}"


def table_fault(place: str, values: dict[str, Any], kind: type[msgspec.Struct]) -> str:
    """Return what is wrong with a table, or with the first wrong value in it; "" = nothing.

    Args:
        place: File and table, the beginning of the sentence.
        values: As the file has them.
        kind: What describes the table.
    """
    hints = get_type_hints(kind, include_extras=True)
    for key, value in values.items():
        if key not in hints:
            return no_key(place, key, list(hints))
        if wrong := _fault(f"{place} {key}", value, hints[key]):
            return wrong
    missing = [one.name for one in msgspec.structs.fields(kind) if one.required and one.name not in values]
    return f"{place} lacks {' and '.join(missing)}." if missing else ""


def _fault(place: str, value: Any, hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _fault(place, value, inner[0]) or _out_of_range(place, value, inner[1:])
    if origin is Literal:
        return _none_of(place, value, inner)
    if origin is list:
        if not isinstance(value, list):
            return f"{place} must be a list in [ ], not {_named(value)}."
        faults = (_fault(f"{place}, number {number},", one, inner[0]) for number, one in enumerate(value, 1))
        return next((wrong for wrong in faults if wrong), "")
    if NoneType in inner:  # a key that may be left out
        return _fault(place, value, next(one for one in inner if one is not NoneType))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        if not isinstance(value, dict):
            keys = ", ".join(f"{key} = ..." for key in hint.__struct_fields__)
            return f"{place} must be a table {{{keys}}}, not {_named(value)}."
        return table_fault(place, value, hint)
    return _wrong_type(place, value, hint)


def _wrong_type(place: str, value: Any, kind: Any) -> str:
    fits = type(value) in ((int, float) if kind is float else (kind,))  # by type(): True is no number
    if fits:
        return ""
    unquote = isinstance(value, str) and (_NUMBER.fullmatch(value) if kind in (int, float) else value in _BOOLS)
    hint = ": write it without quotes" if unquote and kind is not str else ""
    return f"{place} must be {_WANTED[kind]}, not {_named(value)}{hint}."


def _none_of(place: str, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return f"{place} must be one of {', '.join(known)} in quotes, not {_named(value)}."
    return "" if value in known else f"{place} = {quoted(value)} is none of those there are.{nearest(value, known)}"


def _out_of_range(place: str, value: float, marks: tuple[Any, ...]) -> str:
    for mark in marks:
        if isinstance(mark, Bound) and not mark.low <= value <= mark.high:  # nan is in no range
            return f"{place} = {shown(str(value))} is outside {_plain(mark.low)} to {_plain(mark.high)}."
    return ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _named(value: Any) -> str:
    """Return what kind of thing stands there; never a text's own words, which may be a password."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {shown(str(value))}"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or a time of day"
