"""Long lists a few at a time: a database takes only so many values in one statement."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

MANY = 500

T = TypeVar("T")


def in_pieces(values: Iterable[T], many: int = MANY) -> Iterator[list[T]]:
    """Yield what is there in pieces of at most `many`, in its order."""
    every = list(values)
    return (every[start : start + many] for start in range(0, len(every), many))
