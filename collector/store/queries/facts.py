"""Small facts of the deployment by name."""

from sqlalchemy import bindparam, select

from collector.store.tables.people import FACTS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

STORE_EPOCH = "store_epoch"  # changes when a backup is restored: agents then offer again what was acknowledged
SETTINGS_VERSION = "settings_version"  # a counter, raised when calendars or opening hours change
LAST_EVALUATION_MS = "last_evaluation_ms"
EVALUATED_PROFILE = "evaluated_profile"
VERDICTS_VERSION = "verdicts_version"  # a counter, raised whenever newest verdicts are written (`queries.newness`)
HAS_EVALUATIONS = "has_evaluations"  # "1" or "0": of that profile, when an evaluation last came to its end


_FACT = select(FACTS.c.value).where(FACTS.c.name == bindparam("name"))


def find_fact(snapshot: Snapshot, name: str) -> str | None:
    """Return the fact, None where nobody has written it."""
    value: str | None = snapshot.connection.scalar(_FACT, {"name": name})
    return value


def set_fact(unit: UnitOfWork, name: str, value: str) -> None:
    """Write the fact over what was there."""
    insert_or_update(unit, FACTS, {"name": name, "value": value})


def raise_settings_version(unit: UnitOfWork) -> None:
    """Let every device ask for its settings again; call it when calendars, opening hours or time zones change."""
    set_fact(unit, SETTINGS_VERSION, str(int(find_fact(unit, SETTINGS_VERSION) or "0") + 1))
