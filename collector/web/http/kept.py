"""What is costly to make and the same for many readers: the newest few, by what they depend on."""

from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

from flask import current_app

T = TypeVar("T")

_AT_MOST: Final = 8


class Kept(Generic[T]):
    """The newest few of one kind, for all readers of this process."""

    def __init__(self, at_most: int = _AT_MOST) -> None:
        self._at_most = at_most
        self._kept: OrderedDict[object, T] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def of_app(cls, name: str, at_most: int = _AT_MOST) -> "Kept[T]":
        """Return those of this application under a name of its own, so many at most."""
        found: Kept[T] = current_app.extensions.setdefault(f"enlace_{name}", cls(at_most))
        return found

    def find(self, key: object) -> T | None:
        """Return what was kept under a key, None where it was never made or is forgotten."""
        with self._lock:
            return self._kept.get(key)

    def keep(self, key: object, made: T) -> T:
        """Keep something; what was kept first is forgotten."""
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._at_most:
                self._kept.popitem(last=False)
        return made
