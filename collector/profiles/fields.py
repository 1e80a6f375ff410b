"""Reading a TOML table strictly: each key once, with its type, and nothing left over."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar

from collector.domain.targets import BPS_PER_MBPS

T = TypeVar("T")

_MISSING: Final = object()


class ProfileError(ValueError):
    """A profile that cannot be used; its message is one sentence that names the file, the key and what to do."""


class Fields:
    """The keys of one table; `end` complains of what nobody asked for."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._table = table
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Return whether the key is there."""
        self._asked.add(key)
        return key in self._table

    def take(self, key: str, convert: Callable[[Any], T]) -> T:
        """Return a key's value; it must be there."""
        value = self._value(key)
        if value is _MISSING:
            raise ProfileError(f"{self.where}: {key} is missing.")
        return self._converted(key, value, convert)

    def find(self, key: str, convert: Callable[[Any], T]) -> T | None:
        """Return a key's value, None where it is not there."""
        value = self._value(key)
        return None if value is _MISSING else self._converted(key, value, convert)

    def word(self, key: str, allowed: Sequence[str]) -> str:
        """Return a text out of a closed list."""
        return self._allowed(key, self.take(key, a_text), allowed)

    def words(self, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """Return a list of texts, each out of a closed list."""
        return tuple(self._allowed(key, word, allowed) for word in self.take(key, texts))

    def table(self, key: str) -> "Fields":
        """Return a table inside this one; it must be there."""
        return Fields(self.take(key, _a_table), f"{self.where}: {key}")

    def names(self) -> tuple[str, ...]:
        """Return the keys that are there, for a table whose keys are names."""
        return tuple(self._table)

    def tables(self, key: str) -> tuple["Fields", ...]:
        """Return a list of tables; empty where there is none."""
        entries = self.find(key, _a_list) or []
        return tuple(
            Fields(self._converted(key, entry, _a_table), f"{self.where}: {key} {number}")
            for number, entry in enumerate(entries, start=1)
        )

    def end(self) -> None:
        """Raise for the first key that nobody asked for, with the nearest name."""
        for key in self._table:
            if key not in self._asked:
                raise ProfileError(f"{self.where}: {key} is unknown.{_nearest(key, sorted(self._asked))}")

    def _value(self, key: str) -> Any:
        self._asked.add(key)
        return self._table.get(key, _MISSING)

    def _converted(self, key: str, value: Any, convert: Callable[[Any], T]) -> T:
        try:
            return convert(value)
        except ValueError as error:
            raise ProfileError(f"{self.where}: {key} = {value!r} is not {error}.") from error

    def _allowed(self, key: str, word: str, allowed: Sequence[str]) -> str:
        if word not in allowed:
            known = ", ".join(allowed)
            raise ProfileError(f"{self.where}: {key} = {word!r} is not one of {known}.{_nearest(word, allowed)}")
        return word


def a_text(value: Any) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts with at least one."""
    if not isinstance(value, list) or not value:
        raise ValueError("a list of texts")
    return tuple(a_text(entry) for entry in value)


def a_date(value: Any) -> date:
    """Return a local date."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("a date, as in 2026-11-24")
    return value


def a_number(value: Any) -> float:
    """Return a finite number, not below 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError("a number from 0 on")
    return float(value)


def a_bps(value: Any) -> int:
    """Return a speed above 0, written in Mbit/s, in bit/s."""
    bps = round(a_number(value) * BPS_PER_MBPS)
    if bps <= 0:
        raise ValueError("a speed above 0 in Mbit/s")
    return bps


def a_share(value: Any) -> float:
    """Return a share above 0 and below 1."""
    share = a_number(value)
    if not 0.0 < share < 1.0:
        raise ValueError("a share between 0 and 1")
    return share


def a_part(value: Any) -> float:
    """Return a part of a whole, above 0, at most 1."""
    part = a_number(value)
    if not 0.0 < part <= 1.0:
        raise ValueError("a part above 0, at most 1")
    return part


def _a_table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("a table")
    return value


def _a_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list of tables")
    return value


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""
