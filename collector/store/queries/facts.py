"""Small facts of the deployment by name."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select

from collector.store.tables.people import FACTS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert, insert_or_update

STORE_EPOCH = "store_epoch"  # changes when a backup is restored: agents then offer again what was acknowledged
SETTINGS_VERSION = "settings_version"  # a counter, raised when calendars or opening hours change
LAST_EVALUATION_MS = "last_evaluation_ms"
EVALUATED_PROFILE = "evaluated_profile"
VERDICTS_VERSION = "verdicts_version"  # drawn anew whenever newest verdicts are written (`queries.newness`)
SET_ASIDE_VERSION = "set_aside_version"  # the same of tests that the evaluation sets aside, and nobody else
INPUTS_VERSION = "inputs_version"  # the same of what days follow from: calendars, hours, zones, outages, hazards
STANDINGS_VERSION = "standings_version"  # the same of standings of learning sites and networks
AVAILABILITY_VERSION = "availability_version"  # the same of how much lines were up in their last school days
AVAILABILITY_ZONE = "availability_zone"  # the default zone by which days of availability were worked out
SITES_SEEN_MS = "sites_seen_ms"  # receipt of the newest look at learning sites that was worked out
NETWORKS_SEEN_MS = "networks_seen_ms"  # receipt of the newest measurement whose network was looked up
LEARNT_NETWORKS = "learnt_networks"  # JSON: networks of providers, learnt from where all of their schools are seen
OUTAGE_GROUPS = "outage_groups"  # about how many groups of schools are looked at in the whole country
OUTAGES_MINUTE = "outages_minute"  # the newest minute of Unix time that the watch over the country has taken
OUTAGES_LEARNT_MS = "outages_learnt_ms"  # receipt of the newest diary that outages were held against
OUTAGES_AGAIN = "outages_again"  # minute in which the last round over them began; while it goes on, how far it is
FIRST_START_MS = "first_start_ms"  # when the web server of this deployment began for the first time
OUTAGES_SEEN = "outages_seen"  # JSON: seals of outages as the watch wrote them (`evaluate.outages_seen`)
TURNS_UNTIL = "turns_until"  # the newest quarter of an hour whose turn it was to be worked out again (`evaluate.turns`)
HAS_EVALUATIONS = "has_evaluations"  # "1" or "0": of that profile, when an evaluation last came to its end

MARK_BACK_MS = 86_400_000


_FACT = select(FACTS.c.value).where(FACTS.c.name == bindparam("name"))


def find_fact(snapshot: Snapshot, name: str) -> str | None:
    """Return the fact, None where nobody has written it."""
    value: str | None = snapshot.connection.scalar(_FACT, {"name": name})
    return value


def find_facts(snapshot: Snapshot, names: Iterable[str]) -> dict[str, str]:
    """Return those of some facts that somebody has written."""
    rows = snapshot.connection.execute(select(FACTS.c.name, FACTS.c.value).where(FACTS.c.name.in_(list(names))))
    return {row[0]: row[1] for row in rows}


def find_mark(snapshot: Snapshot, name: str, now_ms: int, back_ms: int = MARK_BACK_MS) -> int | None:
    """Return a fact that says up to which moment something was done; None where nobody has written it.

    A moment to come was written while this computer's clock was ahead, and what has come since it was put right lies
    before it. So then a day is done again: everything that goes by such a mark may be done twice.

    Args:
        snapshot: The database.
        name: Of the fact, UTC milliseconds.
        now_ms: The collector's time.
        back_ms: How much is done again then.
    """
    found = find_fact(snapshot, name)
    if found is None:
        return None
    return int(found) if int(found) <= now_ms else now_ms - back_ms


def set_fact(unit: UnitOfWork, name: str, value: str) -> None:
    """Write the fact over what was there."""
    insert_or_update(unit, FACTS, {"name": name, "value": value})


def raise_counter(unit: UnitOfWork, name: str) -> None:
    """Raise a fact that counts by one: in one statement of the database, so that two at once are two."""
    next_one = cast(cast(FACTS.c.value, BigInteger) + 1, Text)
    first = insert(unit, FACTS).values(name=name, value="1")
    unit.connection.execute(first.on_conflict_do_update(index_elements=["name"], set_={"value": next_one}))


def draw_version(unit: UnitOfWork, name: str) -> None:
    """Write a version that no state of any database of ours has had: drawn, because a restored counter goes back.

    What a page remembers under one is what was written with it, also when a backup brings it back.
    """
    is_postgresql = unit.connection.dialect.name == "postgresql"
    drawn = cast(func.gen_random_uuid(), Text) if is_postgresql else func.hex(func.randomblob(16))
    first = insert(unit, FACTS).values(name=name, value=drawn)
    unit.connection.execute(first.on_conflict_do_update(index_elements=["name"], set_={"value": first.excluded.value}))


def raise_settings_version(unit: UnitOfWork) -> None:
    """Let every device ask for its settings again; call it when calendars, opening hours or time zones change."""
    raise_counter(unit, SETTINGS_VERSION)
