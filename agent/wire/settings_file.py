"""Strict reading of the one TOML file that both commands share (CONTRACTS 4).

A table is a msgspec struct whose annotations carry `Bound` and `Text`. Anything unknown, of a wrong type or out of
range is one sentence that names file and key; nothing ever falls back to a default in silence.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from agent.wire.records import Bound

TABLES = ("agent", "collector", "testpoint")

T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(Exception):
    """The configuration cannot be used; the text is one sentence for a person."""


def read_table(path: Path | None, table: str, kind: type[T]) -> T:
    """Return one table of the configuration file, or its defaults where there is no file.

    Args:
        path: The TOML file; None for built-in defaults.
        table: One of `TABLES`.
        kind: The struct that describes the table; every field has a default.

    Raises:
        SettingsError: With one sentence that names the file, the key and what to write instead.
    """
    if path is None:
        return kind()
    content = _parse(path)
    for name, value in content.items():
        if name not in TABLES:
            raise SettingsError(f"{path}: the file has no table [{name}].{_nearest(name, TABLES)}")
        if not isinstance(value, dict):
            raise SettingsError(f"{path}: {name} is a table: write [{name}] on a line of its own.")
    return _convert(path, table, content.get(table, {}), kind)


def _parse(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file. Give another one with --config.") from error
    except OSError as error:
        raise SettingsError(f"{path}: the file cannot be read ({error.strerror}).") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SettingsError(f"{path}: the file is UTF-16; save it as UTF-8.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: the file is not UTF-8; save it as UTF-8.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        hint = ""
        line = re.search(r"line (\d+)", str(error))
        if line and "\\" in text.splitlines()[int(line[1]) - 1]:
            hint = " A path with backslashes needs single quotes, 'C:\\data', or forward slashes."
        raise SettingsError(f"{path}: {str(error)[0].lower()}{str(error)[1:]}.{hint}") from error


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" Known are: {', '.join(known)}."


def _convert(path: Path, table: str, values: dict[str, Any], kind: type[T]) -> T:
    hints = get_type_hints(kind, include_extras=True)
    for key, value in values.items():
        if key not in hints:
            raise SettingsError(f"{path}: [{table}] has no key {key}.{_nearest(key, list(hints))}")
        _check(f"{path}: [{table}] {key}", value, hints[key])
    try:
        return msgspec.convert(values, type=kind, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: [{table}] {_place(str(error))}.") from error


def _place(sentence: str) -> str:
    """Put msgspec's path first: "Expected `int`, got `str` - at `$.port`" becomes "port: expected int, got str"."""
    what, _, where = sentence.replace("`", "").partition(" - at ")
    return f"{where.removeprefix('$.')}: {what[0].lower()}{what[1:]}" if where else what


def _check(place: str, value: Any, hint: Any) -> None:
    for text in _texts(value):
        if any(ord(char) < 32 for char in text):
            raise SettingsError(
                f"{place} contains a control character. A path with backslashes needs single quotes, "
                "'C:\\data', or forward slashes."
            )
    if get_origin(hint) is not Annotated:
        for inner in get_args(hint):
            if get_origin(inner) is Annotated and value is not None:
                _check(place, value, inner)
        return
    for mark in get_args(hint)[1:]:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(mark, Bound) and is_number and not mark.low <= value <= mark.high:
            raise SettingsError(f"{place} = {value} is outside {mark.low:g} to {mark.high:g}.")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []
