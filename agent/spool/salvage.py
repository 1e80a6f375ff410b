"""Reading what is left of a damaged spool, in three ways, each on a copy.

As it is; with a healthy first page, which holds the schema and is the same in every spool; and, where inner pages are
broken, with all leaf pages hung under the root of the table. Whether a row is right, its hash says, not we.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.spool import files, schemafile, troubles
from agent.spool.rows import PAGE_BYTES
from agent.wire import ownfiles

MAX_INTEGER = 2**53
_GAP_AT_END = 1_000  # how far beyond the last row that can be read others are looked for
_MAX_PROBES = 500_000
_LEAF, _INNER = 0x0D, 0x05  # page types of tables, https://www.sqlite.org/fileformat2.html
_CHILDREN = 400  # of one inner page; 4096 bytes hold more

COLUMNS = (
    "seq", "rid", "kind", "state", "position", "tries", "reason", "not_before_ms", "boot_id", "mono_ms", "wall_ms",
    "born_ms", "since_ms", "owner", "body_hash", "body",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM rows"  # noqa: S608 -- our own column names


@dataclass
class Saved:
    """What could be read; nothing of it is believed yet."""

    seen: set[int] = field(default_factory=set)  # numbers of the rows that were given away
    state: list[tuple[Any, ...]] = field(default_factory=list)
    days: list[tuple[Any, ...]] = field(default_factory=list)
    reservations: list[tuple[Any, ...]] = field(default_factory=list)
    last_seq: int = 0
    is_whole: bool = True  # no row was out of reach


Take = Callable[[dict[str, Any]], None]


def read(path: Path, take: Take) -> Saved:
    """Read what can be read of a damaged spool; nothing if it is no file.

    Args:
        path: The damaged file.
        take: Is given each row once, in the best way in which it can be read; a spool may be bigger than memory.

    Returns:
        What is not rows.
    """
    saved = Saved()
    if not path.is_file():
        return saved
    copy = path.with_name(f"{path.stem}.graft{path.suffix}")
    try:
        _copy(path, copy)
        if (wal := Path(f"{path}-wal")).exists():
            _copy(wal, Path(f"{copy}-wal"))
        _read_into(saved, copy, take)
        if saved.seen and saved.is_whole:
            return saved
        _copy(path, copy)
        root = _graft_first_page(copy)
        saved.is_whole = True
        _read_into(saved, copy, take)
        if not (saved.seen and saved.is_whole):
            _read_leaves(saved, copy, root, take)
    finally:
        files.remove(copy)
    return saved


def _copy(path: Path, to: Path) -> None:
    files.remove(to)
    ownfiles.reserve(to)
    shutil.copyfile(path, to)


def _graft_first_page(copy: Path) -> int:
    """Put the first page of a fresh spool over that of the copy; returns the number of the root page of `rows`."""
    fresh = copy.with_name(f"{copy.stem}.fresh{copy.suffix}")
    files.remove(fresh)
    try:
        connection = schemafile.connect(fresh)
        try:
            connection.execute("BEGIN IMMEDIATE")
            schemafile.create(connection, "0" * 32)
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows'").fetchone()[0]
        finally:
            connection.close()
        page = bytearray(fresh.read_bytes()[:PAGE_BYTES])
    finally:
        files.remove(fresh)
    page[18:20] = b"\x01\x01"  # no WAL: what it held is not to be trusted with another first page
    with copy.open("r+b") as file:
        size_bytes = file.seek(0, os.SEEK_END)
        page[28:32] = (-(-size_bytes // PAGE_BYTES)).to_bytes(4, "big")
        page[32:40] = bytes(8)  # no free pages
        page[92:96] = page[24:28]  # the size is valid
        file.seek(0)
        file.write(page)
    return int(root)


def _read_leaves(saved: Saved, copy: Path, root: int, take: Take) -> None:
    """Hang leaf pages under the table's root, some at a time, and read them; a bad one costs only itself.

    Pages of other tables, and old ones that are free, are among them: the first have no rid, the second hold rows that
    were the spool's own once; what was read in a better way before goes before them.
    """
    leaves = [page for page in _leaf_pages(copy) if page != root]
    groups = [leaves[at : at + _CHILDREN] for at in range(0, len(leaves), _CHILDREN)]
    while groups:
        group = groups.pop()
        with copy.open("r+b") as file:
            file.seek((root - 1) * PAGE_BYTES)
            file.write(_inner_page(group))
        before, saved.is_whole = saved.is_whole, True
        _read_into(saved, copy, take, probes=False)
        if not saved.is_whole and len(group) > 1:
            groups += [group[: len(group) // 2], group[len(group) // 2 :]]
        saved.is_whole = before and saved.is_whole


def _leaf_pages(copy: Path) -> Iterator[int]:
    page = 1
    with copy.open("rb") as file:
        while kind := file.read(1):
            if kind[0] == _LEAF:
                yield page
            file.seek(page * PAGE_BYTES)
            page += 1


def _inner_page(children: list[int]) -> bytes:
    """Return an inner page of a table over these pages; a scan does not look at the keys."""
    page = bytearray(PAGE_BYTES)
    at = len(page)
    for index, child in enumerate(children[:-1]):
        cell = child.to_bytes(4, "big") + bytes([0x80 | index >> 7, index & 0x7F])
        at -= len(cell)
        page[at : at + len(cell)] = cell
        page[12 + 2 * index : 14 + 2 * index] = at.to_bytes(2, "big")
    page[0] = _INNER
    page[3:5] = (len(children) - 1).to_bytes(2, "big")
    page[5:7] = at.to_bytes(2, "big")
    page[8:12] = children[-1].to_bytes(4, "big")
    return bytes(page)


def _read_into(saved: Saved, path: Path, take: Take, *, probes: bool = True) -> None:
    with contextlib.suppress(*troubles.Broken):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.text_factory = schemafile.lenient_text
            for row in _rows(connection, saved, probes=probes):
                if row["seq"] not in saved.seen:
                    saved.seen.add(row["seq"])
                    take(row)
            saved.state = saved.state or list(_table(connection, "SELECT key, value, value_hash FROM state"))
            saved.days = saved.days or list(_table(connection, "SELECT day, spent_bytes FROM budget_days"))
            saved.reservations = saved.reservations or list(
                _table(connection, "SELECT rid, day, reserved_bytes FROM reservations")
            )
            for (last,) in _table(connection, "SELECT seq FROM sqlite_sequence WHERE name = 'rows'"):
                saved.last_seq = max(saved.last_seq, last if isinstance(last, int) and last < MAX_INTEGER else 0)
        finally:
            connection.close()


def _table(connection: sqlite3.Connection, statement: str, saved: Saved | None = None) -> Iterator[tuple[Any, ...]]:
    """Yield rows as far as they can be read, and note where they end too early."""
    try:
        yield from connection.execute(statement)
    except troubles.Broken:
        if saved is not None:
            saved.is_whole = False


def _rows(connection: sqlite3.Connection, saved: Saved, *, probes: bool) -> Iterator[dict[str, Any]]:
    """Yield rows from the front; if that breaks off, from the back and one by one in the gap between."""
    low, high = 0, 0
    for row in _table(connection, f"{_SELECT} ORDER BY seq", saved):
        low = max(low, row[0])
        yield dict(zip(COLUMNS, row, strict=True))
    if saved.is_whole or not probes:
        return
    for row in _table(connection, f"{_SELECT} ORDER BY seq DESC"):
        high = row[0]
        if high <= low:
            return
        yield dict(zip(COLUMNS, row, strict=True))
    high = high or max(saved.last_seq, low) + _GAP_AT_END
    for seq in range(low + 1, min(high, low + _MAX_PROBES)):
        for row in _table(connection, f"{_SELECT} WHERE seq = {seq}"):
            yield dict(zip(COLUMNS, row, strict=True))
