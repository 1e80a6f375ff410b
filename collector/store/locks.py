"""What has to be done by one at a time is: by names, held until the transaction ends.

SQLite has one writer anyway, and reading before writing is safe there. PostgreSQL lets two transactions read the same
and both write: whoever decides by what they have read holds a name first.
"""

from collections.abc import Iterable

from sqlalchemy import Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY

from collector.store.unit import UnitOfWork


def hold(unit: UnitOfWork, names: Iterable[str]) -> None:
    """Wait until nobody holds these names, and hold them until the transaction ends.

    Args:
        unit: The open unit of work.
        names: In any order: everybody takes them in the same one, so that nobody waits for somebody who waits for them.
    """
    if unit.connection.dialect.name != "postgresql":
        return
    name = func.unnest(literal(sorted(names), ARRAY(Text))).column_valued("name")
    unit.connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(name)))).all()


def hold_shared(unit: UnitOfWork, name: str) -> None:
    """Wait until nobody holds a name, and let nobody but others who share it hold it until the transaction ends."""
    if unit.connection.dialect.name == "postgresql":
        unit.connection.execute(select(func.pg_advisory_xact_lock_shared(func.hashtext(name)))).all()
