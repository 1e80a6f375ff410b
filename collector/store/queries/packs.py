"""Signed files as they were handed out. Nothing here commits."""

import gzip
from dataclasses import dataclass, fields

from sqlalchemy import insert, select

from collector.store.tables.proofs import PACKS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Pack:
    """What is known of a file without opening it."""

    pack_id: str
    school: str
    made_ms: int
    made_by: str
    first_day: str
    last_day: str
    hours: str
    language: str
    tests: int  # that count, of thirty
    content_hash: str  # of what it says, without when it was made
    key_id: str


_COLUMNS = [PACKS.c[one.name] for one in fields(Pack)]


def add(unit: UnitOfWork, pack: Pack, body: bytes) -> None:
    """Keep a file."""
    unit.connection.execute(insert(PACKS).values(**pack.__dict__, body=gzip.compress(body, mtime=0)))


def of_school(snapshot: Snapshot, school: str, limit: int = 20) -> list[Pack]:
    """Return the newest packs of a school."""
    query = (
        select(*_COLUMNS)
        .where(PACKS.c.school == school)
        .order_by(PACKS.c.made_ms.desc(), PACKS.c.pack_id.desc())
        .limit(limit)
    )
    return [Pack(**row._mapping) for row in snapshot.connection.execute(query)]


def same(snapshot: Snapshot, school: str, content_hash: str) -> Pack | None:
    """Return the newest pack of a school that says just this."""
    query = (
        select(*_COLUMNS)
        .where(PACKS.c.school == school, PACKS.c.content_hash == content_hash)
        .order_by(PACKS.c.made_ms.desc())
        .limit(1)
    )
    row = snapshot.connection.execute(query).first()
    return Pack(**row._mapping) if row is not None else None


def body(snapshot: Snapshot, school: str, pack_id: str) -> bytes | None:
    """Return a file of a school, None where there is none of that name."""
    query = select(PACKS.c.body).where(PACKS.c.school == school, PACKS.c.pack_id == pack_id)
    packed = snapshot.connection.scalar(query)
    return gzip.decompress(packed) if packed is not None else None
