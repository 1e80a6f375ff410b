"""A file of Parquet as another program reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb


@dataclass(frozen=True)
class Read:
    """What stands in a file."""

    columns: list[str]
    types: list[str]
    codecs: set[str]
    rows: list[tuple[Any, ...]]


def read(path: Path, what: str = "*") -> Read:
    """Return a file's columns, and of each row what is asked for.

    Args:
        path: The file.
        what: Expressions of SQL; `epoch_ms` makes a moment a number, which needs no library for time zones.
    """
    with duckdb.connect(":memory:") as database:
        file = database.read_parquet(str(path))
        found = database.execute("SELECT DISTINCT compression FROM parquet_metadata(?)", [str(path)]).fetchall()
        return Read(
            file.columns, [str(one) for one in file.types], {one for (one,) in found}, file.project(what).fetchall()
        )
