"""Long lists a few at a time, as a database takes only so many values in one statement; and rows by the million."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select

from collector.store.unit import Snapshot

MANY = 500

T = TypeVar("T")


def in_pieces(values: Iterable[T], many: int = MANY) -> Iterator[list[T]]:
    """Yield what is there in pieces of at most `many`, in its order."""
    every = list(values)
    return (every[start : start + many] for start in range(0, len(every), many))


def plain_rows(
    snapshot: Snapshot, query: Select[Any], places: Mapping[str, Any] | None = None
) -> Sequence[tuple[Any, ...]]:
    """Return tuples as the driver gives them, a truth value perhaps as 0 or 1: of a country they are a million.

    A `Row` with its conversions costs twice as much.

    Args:
        snapshot: What is read.
        query: The rows.
        places: What stands where the query leaves places.
    """
    cursor = snapshot.connection.execute(query, places).cursor
    return [] if cursor is None else list(cursor.fetchall())
