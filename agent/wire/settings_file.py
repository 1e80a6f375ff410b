"""Strict reading of the one TOML file that both commands share (CONTRACTS 4).

A table is a msgspec struct whose annotations carry `Bound` and `Text`. Anything unknown, of a wrong type or out of
range is one sentence that names file and key; nothing ever falls back to a default in silence.
"""

import difflib
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from agent.wire.records import Bound

TABLES = ("agent", "collector", "testpoint")
FILE_BYTES = 256_000  # of a file that somebody has written by hand, a hundred times over
SHOWN_CHARS = 60

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
            raise SettingsError(f"{path}: the file has no table [{shown(name)}].{_nearest(name, TABLES)}")
        if not isinstance(value, dict):
            raise SettingsError(f"{path}: {name} is a table: write [{name}] on a line of its own.")
    return _convert(path, table, content.get(table, {}), kind)


def _parse(path: Path) -> dict[str, Any]:
    text = _read(path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        raise SettingsError(f"{path}: {said[0].lower()}{said[1:]}{_hint(said, text)}") from error
    except (RecursionError, ValueError) as error:  # thousands of brackets, or of digits
        raise SettingsError(f"{path}: a value in it is too long or too deep to be a setting.") from error


def _read(path: Path) -> str:
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):  # a pipe would wait for its writer, a device may never end
            what = "a directory" if stat.S_ISDIR(kind) else "no ordinary file"
            raise SettingsError(f"{path}: the file cannot be read (it is {what}).")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file. Give another one with --config.") from error
    except OSError as error:
        raise SettingsError(f"{path}: the file cannot be read ({error.strerror}).") from error
    if len(raw) > FILE_BYTES:
        raise SettingsError(f"{path}: the file has more than {FILE_BYTES // 1000} kB, so it is no configuration.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SettingsError(f"{path}: the file is UTF-16; save it as UTF-8.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: the file is not UTF-8; save it as UTF-8.") from error


def _hint(said: str, text: str) -> str:
    """Return the end of the sentence about a file that is no TOML: what a person most likely has to change."""
    lines = text.split("\n")
    place = re.search(r"line (\d+)", said)
    upto = lines[: int(place[1])] if place else lines
    if said.startswith("Cannot overwrite"):
        keys = [line.partition("=")[0].strip() for line in upto if "=" in line.partition("#")[0]]
        return f": {shown(keys[-1])} stands there a second time." if keys else "."
    if said.startswith("Cannot declare"):
        return ": each table stands there once."
    if upto and "\\" in upto[-1]:
        return ". A path with backslashes needs single quotes, 'C:\\data', or forward slashes."
    return "."


def shown(text: str, most_chars: int = SHOWN_CHARS) -> str:
    """Return what stands in the file as one sentence can carry it."""
    printable = "".join(char if char.isprintable() else "?" for char in text[:most_chars])
    return printable if len(text) <= most_chars else f"{printable}..."


def _nearest(name: str, known: tuple[str, ...] | list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" Known are: {', '.join(known)}."


def _convert(path: Path, table: str, values: dict[str, Any], kind: type[T]) -> T:
    hints = get_type_hints(kind, include_extras=True)
    for key, value in values.items():
        if key not in hints:
            raise SettingsError(f"{path}: [{table}] has no key {shown(key)}.{_nearest(key, list(hints))}")
        _check(f"{path}: [{table}] {key}", value, hints[key])
    try:
        return msgspec.convert(values, type=kind, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: [{table}] {shown(_place(str(error)), 200)}.") from error


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
            raise SettingsError(f"{place} = {shown(str(value))} is outside {mark.low:g} to {mark.high:g}.")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []
