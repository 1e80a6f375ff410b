"""On which networks schools are seen, and which are whose. Nothing here commits."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select

from collector.store.many import insert_all
from collector.store.queries import facts, newness
from collector.store.tables.measurements import MEASUREMENTS
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import NETWORK_DAYS, NETWORK_STANDINGS, PROVIDER_NETWORKS
from collector.store.unit import Snapshot, UnitOfWork


class Arrival(NamedTuple):
    """A measurement that arrived from an address of which the beginning is kept."""

    school: str
    device: str
    received_ms: int
    prefix: str


class SeenDay(NamedTuple):
    """A network on which a school was seen on a local day in school hours."""

    school: str
    day: str
    asn: int
    as_name: str


Learnt = Mapping[str, Mapping[int, str]]
"""Names of the networks that are taken for a provider's own because its schools are seen on them, by number."""


class OwnNetwork(NamedTuple):
    """A network that people say is a provider's own."""

    provider: str
    asn: int
    as_name: str


def arrivals(snapshot: Snapshot, since_ms: int, until_ms: int) -> list[Arrival]:
    """Return what arrived in a time, its end outside, one of each computer, prefix and moment."""
    m = MEASUREMENTS.c
    query = select(m.school, m.device, m.received_ms, m.client_ip_prefix).where(
        m.received_ms >= since_ms,
        m.received_ms < until_ms,
        m.school.is_not(None),
        m.client_ip_prefix.is_not(None),
    )
    return [Arrival(*row) for row in snapshot.connection.execute(query.distinct())]


def first_arrival_ms(snapshot: Snapshot) -> int | None:
    """Return when the first measurement came; None: none did."""
    found: int | None = snapshot.connection.scalar(select(func.min(MEASUREMENTS.c.received_ms)))
    return found


def add_days(unit: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Note networks of days; what is noted already stays."""
    if rows:
        insert_all(unit, NETWORK_DAYS, list(rows))


def renew_standings(unit: UnitOfWork, schools: Collection[str], from_day: str) -> None:
    """Write on which networks some schools were seen since a day."""
    n = NETWORK_DAYS.c
    unit.connection.execute(delete(NETWORK_STANDINGS).where(NETWORK_STANDINGS.c.school.in_(schools)))
    query = (
        select(n.school, n.asn, func.max(n.as_name), func.max(n.day))
        .where(n.school.in_(schools), n.day >= from_day, n.in_hours)
        .group_by(n.school, n.asn)
    )
    unit.connection.execute(insert(NETWORK_STANDINGS).from_select(["school", "asn", "as_name", "day"], query))
    newness.raise_standings(unit)


def wrong_standings(snapshot: Snapshot, from_day: str) -> list[str]:
    """Return the schools of which other networks stand there than those on which they were seen since a day."""
    n, s = NETWORK_DAYS.c, NETWORK_STANDINGS.c
    seen = select(n.school, n.asn, func.max(n.as_name), func.max(n.day)).where(n.day >= from_day, n.in_hours)
    right = snapshot.connection.execute(seen.group_by(n.school, n.asn)).all()
    there = snapshot.connection.execute(select(s.school, s.asn, s.as_name, s.day)).all()
    return sorted({row[0] for row in set(map(tuple, right)) ^ set(map(tuple, there))})


def forget_standings(unit: UnitOfWork, before_day: str) -> None:
    """Drop what has not been seen since a day."""
    gone = unit.connection.execute(delete(NETWORK_STANDINGS).where(NETWORK_STANDINGS.c.day < before_day))
    if gone.rowcount:
        newness.raise_standings(unit)


def days_of(snapshot: Snapshot, schools: Collection[str], from_day: str) -> list[SeenDay]:
    """Return the networks of some schools in school hours from a local day on, in order."""
    n = NETWORK_DAYS.c
    query = (
        select(n.school, n.day, n.asn, func.max(n.as_name))
        .where(n.school.in_(schools), n.day >= from_day, n.in_hours)
        .group_by(n.school, n.day, n.asn)
        .order_by(n.school, n.day, n.asn)
    )
    return [SeenDay(*row) for row in snapshot.connection.execute(query)]


def standings(snapshot: Snapshot) -> list[tuple[str | None, str, int, str]]:
    """Return provider, school, number and name of every network on which a school was seen lately."""
    n = NETWORK_STANDINGS.c
    query = (
        select(SCHOOLS.c.provider, n.school, n.asn, n.as_name)
        .select_from(NETWORK_STANDINGS.join(SCHOOLS, SCHOOLS.c.code == n.school))
        .order_by(n.school, n.asn)
    )
    return [(row[0], row[1], row[2], row[3]) for row in snapshot.connection.execute(query)]


def declared(snapshot: Snapshot) -> list[OwnNetwork]:
    """Return what people say is whose, in order."""
    p = PROVIDER_NETWORKS.c
    query = select(p.provider, p.asn, p.as_name).order_by(p.provider, p.asn)
    return [OwnNetwork(*row) for row in snapshot.connection.execute(query)]


def find_learnt(snapshot: Snapshot) -> Learnt:
    """Return what was last learnt of all schools: a fact about providers, also for who sees some of them."""
    found = facts.find_fact(snapshot, facts.LEARNT_NETWORKS)
    told: dict[str, list[tuple[int, str]]] = json.loads(found) if found else {}
    return {provider: dict(networks) for provider, networks in told.items()}


def set_learnt(unit: UnitOfWork, learnt: Learnt) -> None:
    """Write down what was learnt of all schools."""
    told = {provider: sorted(networks.items()) for provider, networks in sorted(learnt.items())}
    facts.set_fact(unit, facts.LEARNT_NETWORKS, json.dumps(told, ensure_ascii=False))


def declare(unit: UnitOfWork, own: OwnNetwork, now_ms: int, who: str) -> None:
    """Say that a network is a provider's own; once more does nothing."""
    insert_all(unit, PROVIDER_NETWORKS, [{**own._asdict(), "added_ms": now_ms, "added_by": who}])


def take_back(unit: UnitOfWork, provider: str, asn: int) -> bool:
    """Say no longer that a network is a provider's own; return whether it was said."""
    p = PROVIDER_NETWORKS.c
    done = unit.connection.execute(delete(PROVIDER_NETWORKS).where(p.provider == provider, p.asn == asn))
    return done.rowcount > 0
