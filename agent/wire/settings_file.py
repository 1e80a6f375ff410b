"""Strict reading of the one TOML file that both commands share (CONTRACTS 4).

Each command reads its own tables whole, and of the other's the names of the keys: whoever misspells a limit of the
agent hears it from the command that comes first. A table is a msgspec struct whose annotations carry `Bound`;
`settings_values` looks at what stands in it. Anything unknown, of a wrong type or out of range is one sentence that
names file and key; nothing ever falls back to a default in silence.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from agent.wire import infile
from agent.wire.settings_keys import KEYS
from agent.wire.settings_values import nearest, no_key, shown, table_fault

TABLES = tuple(KEYS)
FILE_BYTES = 256_000  # of a file that somebody has written by hand, a hundred times over

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
            raise SettingsError(f"{path}: the file has no table [{shown(name)}].{nearest(name, TABLES)}")
        if not isinstance(value, dict):
            raise SettingsError(f"{path}: {name} is a table: write [{name}] on a line of its own.")
        unknown = next((key for key in value if key not in KEYS[name]), None)
        if name != table and unknown is not None:
            raise SettingsError(no_key(f"{path}: [{name}]", unknown, KEYS[name]))
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
        raw = infile.read(path, FILE_BYTES)
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file. Give another one with --config.") from error
    except infile.TooLargeError as error:
        raise SettingsError(
            f"{path}: the file has more than {FILE_BYTES // 1000} kB, so it is no configuration."
        ) from error
    except OSError as error:
        raise SettingsError(f"{path}: the file cannot be read ({error.strerror}).") from error
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


def _convert(path: Path, table: str, values: dict[str, Any], kind: type[T]) -> T:
    place = f"{path}: [{table}]"
    for key, value in values.items():
        if any(ord(char) < 32 for text in _texts(value) for char in text):
            raise SettingsError(
                f"{place} {shown(key)} contains a control character. A path with backslashes needs single quotes, "
                "'C:\\data', or forward slashes."
            )
    if wrong := table_fault(place, values, kind):
        raise SettingsError(wrong)
    return msgspec.convert(values, type=kind, strict=True)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in _texts(one)] if isinstance(value, list) else []
