"""The history of what was brought into the registry. Nothing here commits."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, delete, exists, func, insert, or_, select, update

from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import ASSIGNMENTS, DEVICES, TOKENS
from collector.store.tables.judgement import (
    CONDITION_DAYS,
    EVALUATIONS,
    FLAGS,
    NEWEST_EVALUATIONS,
    PERIOD_VERDICTS,
    SCHOOL_DAYS,
)
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import REGISTRY_CHANGES, REGISTRY_IMPORTS, SCHOOL_FACTS, SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork

LOOKED_AT, APPLIED, UNDONE = "looked_at", "applied", "undone"


@dataclass(frozen=True)
class Import:
    """One file that somebody brought, or one import that somebody took back."""

    import_id: str
    kind: str  # schools | calendar
    state: str  # looked_at | applied | undone
    file_name: str
    file_hash: str
    made_ms: int
    made_by: str
    applied_ms: int | None
    added: int
    changed: int
    unchanged: int
    refused: int
    undoes: str | None


@dataclass(frozen=True)
class StoredChange:
    """One field that an import changed; an empty field is the whole row."""

    number: int
    subject: str
    field: str
    before: str | None  # JSON
    after: str | None


_COLUMNS = [REGISTRY_IMPORTS.c[name] for name in Import.__dataclass_fields__]
_CHANGES = [REGISTRY_CHANGES.c[name] for name in StoredChange.__dataclass_fields__]


def add_import(unit: UnitOfWork, one: Import, file: bytes | None) -> None:
    """Store an import with its deflated file."""
    unit.connection.execute(insert(REGISTRY_IMPORTS).values(**asdict(one), file=file))


def change_import(unit: UnitOfWork, import_id: str, **values: Any) -> None:
    """Change columns of an import."""
    unit.connection.execute(update(REGISTRY_IMPORTS).where(REGISTRY_IMPORTS.c.import_id == import_id).values(**values))


def find_import(snapshot: Snapshot, import_id: str) -> Import | None:
    """Return an import, None where there is none."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(REGISTRY_IMPORTS.c.import_id == import_id)).first()
    return Import(**row._mapping) if row is not None else None


def find_undo(snapshot: Snapshot, import_id: str) -> Import | None:
    """Return what took an import back last, None where nothing did."""
    query = select(*_COLUMNS).where(REGISTRY_IMPORTS.c.undoes == import_id).order_by(REGISTRY_IMPORTS.c.made_ms.desc())
    row = snapshot.connection.execute(query).first()
    return Import(**row._mapping) if row is not None else None


def find_file(snapshot: Snapshot, import_id: str) -> bytes | None:
    """Return an import's deflated file, None where it is not kept."""
    found = snapshot.connection.scalar(select(REGISTRY_IMPORTS.c.file).where(REGISTRY_IMPORTS.c.import_id == import_id))
    return bytes(found) if found is not None else None


def list_imports(snapshot: Snapshot, limit: int) -> list[Import]:
    """Return the newest imports first."""
    order = (REGISTRY_IMPORTS.c.made_ms.desc(), REGISTRY_IMPORTS.c.import_id.desc())
    return [
        Import(**row._mapping) for row in snapshot.connection.execute(select(*_COLUMNS).order_by(*order).limit(limit))
    ]


def stamp(snapshot: Snapshot) -> tuple[Any, ...]:
    """Return something that is another whenever the registry has changed."""
    schools = snapshot.connection.execute(select(func.count(), func.max(SCHOOLS.c.updated_ms))).one()
    states = select(REGISTRY_IMPORTS.c.state, func.count()).group_by(REGISTRY_IMPORTS.c.state)
    return (*schools, *sorted(tuple(row) for row in snapshot.connection.execute(states)))


def count_imports(snapshot: Snapshot) -> int:
    """Return how many imports the history has."""
    return int(snapshot.connection.scalar(select(func.count()).select_from(REGISTRY_IMPORTS)) or 0)


def forget_files(unit: UnitOfWork, newest_id: str, keep: int, looked_at_before_ms: int) -> None:
    """Let old files go: all but the newest, and files that somebody only looked at and left.

    Args:
        unit: The transaction to write in.
        newest_id: What was brought now; it stays, whatever the clock says of the others.
        keep: How many files stay.
        looked_at_before_ms: Files that were looked at before it go.
    """
    left = (REGISTRY_IMPORTS.c.state == LOOKED_AT) & (REGISTRY_IMPORTS.c.made_ms < looked_at_before_ms)
    unit.connection.execute(delete(REGISTRY_IMPORTS).where(left))
    newest = (
        select(REGISTRY_IMPORTS.c.import_id)
        .where(REGISTRY_IMPORTS.c.file.is_not(None))
        .order_by(REGISTRY_IMPORTS.c.made_ms.desc(), REGISTRY_IMPORTS.c.import_id.desc())
        .limit(keep)
    )
    kept = [newest_id, *unit.connection.scalars(newest)]
    old = REGISTRY_IMPORTS.c.file.is_not(None) & REGISTRY_IMPORTS.c.import_id.not_in(kept)
    unit.connection.execute(delete(REGISTRY_IMPORTS).where(old & (REGISTRY_IMPORTS.c.state == LOOKED_AT)))
    unit.connection.execute(update(REGISTRY_IMPORTS).where(old).values(file=None))


def drop_import(unit: UnitOfWork, import_id: str) -> None:
    """Forget a file that somebody only looked at."""
    only = (REGISTRY_IMPORTS.c.import_id == import_id) & (REGISTRY_IMPORTS.c.state == LOOKED_AT)
    unit.connection.execute(delete(REGISTRY_IMPORTS).where(only))


def add_changes(unit: UnitOfWork, import_id: str, changes: Iterable[StoredChange]) -> None:
    """Store what an import changed."""
    rows = [{"import_id": import_id, **asdict(change)} for change in changes]
    if rows:
        unit.connection.execute(insert(REGISTRY_CHANGES), rows)


def list_changes(snapshot: Snapshot, import_id: str, limit: int | None = None) -> list[StoredChange]:
    """Return what an import changed, in its order."""
    query = select(*_CHANGES).where(REGISTRY_CHANGES.c.import_id == import_id).order_by(REGISTRY_CHANGES.c.number)
    return [StoredChange(**row._mapping) for row in snapshot.connection.execute(query.limit(limit))]


def count_changes(snapshot: Snapshot, import_id: str) -> int:
    """Return how many fields an import changed."""
    query = select(func.count()).select_from(REGISTRY_CHANGES).where(REGISTRY_CHANGES.c.import_id == import_id)
    return int(snapshot.connection.scalar(query) or 0)


def changes_of_subject(snapshot: Snapshot, subject: str, limit: int) -> list[tuple[Import, StoredChange]]:
    """Return how a school, or a day of a calendar, came to be what it is, the newest change first."""
    query = (
        select(*_COLUMNS, *_CHANGES)
        .join(REGISTRY_CHANGES, REGISTRY_CHANGES.c.import_id == REGISTRY_IMPORTS.c.import_id)
        .where(REGISTRY_CHANGES.c.subject == subject)
        .order_by(REGISTRY_IMPORTS.c.applied_ms.desc(), REGISTRY_CHANGES.c.number.desc())
        .limit(limit)
    )
    return [_pair(row) for row in snapshot.connection.execute(query)]


def _pair(row: Row[Any]) -> tuple[Import, StoredChange]:
    values = tuple(row)
    return Import(*values[: len(_COLUMNS)]), StoredChange(*values[len(_COLUMNS) :])


def codes_in_use(snapshot: Snapshot, codes: Iterable[str]) -> set[str]:
    """Return the schools that a device, a token or a measurement belongs to: they cannot be taken out again."""
    found: set[str] = set()
    for some in in_pieces(codes):
        belongs = [
            exists().where(table.c.school == SCHOOLS.c.code)
            for table in (DEVICES, ASSIGNMENTS, TOKENS, MEASUREMENTS, FLAGS)
        ]
        found |= set(snapshot.connection.scalars(select(SCHOOLS.c.code).where(SCHOOLS.c.code.in_(some), or_(*belongs))))
    return found


def remove_schools(unit: UnitOfWork, codes: Iterable[str]) -> None:
    """Take schools out that nothing belongs to, with their facts and empty days."""
    for some in in_pieces(codes):
        for table in (SCHOOL_FACTS, SCHOOL_DAYS, CONDITION_DAYS, EVALUATIONS, NEWEST_EVALUATIONS, PERIOD_VERDICTS):
            unit.connection.execute(delete(table).where(table.c.school.in_(some)))
        unit.connection.execute(delete(SCHOOLS).where(SCHOOLS.c.code.in_(some)))
