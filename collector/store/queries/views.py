"""Filters of lists that people have given a name. Nothing here commits."""

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select

from collector.store.queries.users import fold
from collector.store.tables.people import SAVED_VIEWS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class SavedView:
    """One named filter of a person."""

    view_id: str
    user_id: str
    page: str
    name: str
    query: str  # as it stands in the address
    created_ms: int


_COLUMNS = [SAVED_VIEWS.c[name] for name in SavedView.__dataclass_fields__]


def list_views(snapshot: Snapshot, user_id: str, page: str) -> list[SavedView]:
    """Return a person's views of a list, by name."""
    query = select(*_COLUMNS).where(SAVED_VIEWS.c.user_id == user_id, SAVED_VIEWS.c.page == page)
    rows = snapshot.connection.execute(query.order_by(SAVED_VIEWS.c.name_folded)).mappings()
    return [SavedView(**row) for row in rows]


def is_name_taken(snapshot: Snapshot, user_id: str, page: str, name: str) -> bool:
    """Return whether a person has a view of this name, however it is written."""
    query = select(func.count()).where(
        SAVED_VIEWS.c.user_id == user_id, SAVED_VIEWS.c.page == page, SAVED_VIEWS.c.name_folded == fold(name)
    )
    return bool(snapshot.connection.execute(query).scalar_one())


def add_view(unit: UnitOfWork, view: SavedView) -> None:
    """Keep a view."""
    unit.connection.execute(insert(SAVED_VIEWS).values(**view.__dict__, name_folded=fold(view.name)))


def delete_view(unit: UnitOfWork, user_id: str, view_id: str) -> SavedView | None:
    """Forget a view of a person, and return what it was."""
    mine = (SAVED_VIEWS.c.view_id == view_id) & (SAVED_VIEWS.c.user_id == user_id)
    row = unit.connection.execute(select(*_COLUMNS).where(mine)).mappings().first()
    unit.connection.execute(delete(SAVED_VIEWS).where(mine))
    return SavedView(**row) if row is not None else None
