"""Very many measurements, quickly: copies of one, a second apart, made by the database itself."""

from sqlalchemy import insert, literal_column, select

from collector.store.open import Store
from collector.store.tables.measurements import MEASUREMENTS
from tests.fakes.records import NOON_MS
from tests.fakes.school_days import Town


def fill(store: Store, rows: int) -> None:
    """Make the table of measurements hold exactly so many rows."""
    Town(store).measure("a", NOON_MS, 1_000_000)
    have = 1
    while have < rows:
        more = min(have, rows - have, 100_000)
        named = {column: column for column in MEASUREMENTS.columns}
        made = {
            "rid": literal_column(f"printf('%036d', {have} + rowid)").label("rid"),
            "started_ms": literal_column(f"{NOON_MS} + 1000 * ({have} + rowid)").label("started_ms"),
        }
        chosen = [made.get(column.name, named[column]) for column in MEASUREMENTS.columns]
        source = select(*chosen).order_by(literal_column("rowid")).limit(more)
        with store.unit() as unit:
            unit.connection.execute(
                insert(MEASUREMENTS).from_select([one.name for one in MEASUREMENTS.columns], source)
            )
            unit.commit()
        have += more
