"""The network that schools are seen on: looked up as measurements arrive, held day by day against the provider paid.

An address belongs to the request that brought a measurement, so the day is that of the arrival. What is kept of it,
/24 or /48, is the smallest block that networks announce to each other: its network is that of the whole address.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from collector.config import CollectorConfig
from collector.domain import networks
from collector.domain.calendars import local_day
from collector.domain.conditions import ConditionKind, Observed
from collector.domain.networks import Own
from collector.evaluate import conditions, work
from collector.evaluate.inputs import Deployment, Reference, SchoolInputs
from collector.ports import Network, NetworkLookup, Ports
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.queries import facts, schools
from collector.store.queries import networks as stored
from collector.store.queries.judging import condition_days
from collector.store.queries.judging.condition_days import Series
from collector.store.queries.networks import Arrival, Learnt
from collector.store.queries.pieces import in_pieces
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

STANDS_DAYS: Final = 28  # a network on which a school was not seen for so long is none of its any more
KEPT_DAYS: Final = 35  # how far back days say something for a flag
_AGAIN_MS: Final = 600_000  # what was received just before is read again: another process may have committed later
_SLICE_MS: Final = 7 * 86_400_000  # of arrivals that are looked up in one go
_AT_ONCE: Final = 200  # schools in one transaction


def look_up(store: Store, config: CollectorConfig, ports: Ports, known: NetworkLookup) -> int:
    """Note the networks of what arrived since last time, and return of how many arrivals they are.

    Args:
        store: The database.
        config: Zone of schools without one of their own.
        ports: The clock.
        known: Knows networks.
    """
    now_ms = ports.clock.now_ms()
    with store.reader() as snapshot:
        deployment = work.deployment_of(snapshot, config, profiles.load(), Reference())
        seen_ms = facts.find_mark(snapshot, facts.NETWORKS_SEEN_MS, now_ms)
        first_ms = seen_ms - _AGAIN_MS if seen_ms is not None else stored.first_arrival_ms(snapshot)
    if first_ms is None:
        return 0
    found: dict[str, Network | None] = {}
    count = 0
    for from_ms in range(first_ms, now_ms + 1, _SLICE_MS):
        with store.reader() as snapshot:
            arrived = stored.arrivals(snapshot, from_ms, min(from_ms + _SLICE_MS, now_ms + 1))
        for prefix in {one.prefix for one in arrived} - found.keys():
            found[prefix] = known.find(prefix)
        _note(store, deployment, [one for one in arrived if found[one.prefix] is not None], found, now_ms)
        count += len(arrived)
    with store.unit() as unit:
        stored.forget_standings(unit, _first_day(now_ms, STANDS_DAYS).isoformat())
        facts.set_fact(unit, facts.NETWORKS_SEEN_MS, str(now_ms))
        unit.commit()
    LOG.info("networks.looked_up", extra={"arrivals": count, "prefixes": len(found)})
    return count


def _first_day(now_ms: int, days: int) -> date:
    return local_day(now_ms, ZoneInfo("UTC")) - timedelta(days=days)


def _note(
    store: Store, deployment: Deployment, arrived: list[Arrival], found: Mapping[str, Network | None], now_ms: int
) -> None:
    by_school: dict[str, list[Arrival]] = {}
    for one in arrived:
        by_school.setdefault(one.school, []).append(one)
    for piece in in_pieces(sorted(by_school), _AT_ONCE):
        with store.unit() as unit:
            rows: dict[tuple[Any, ...], dict[str, Any]] = {}
            for code, inputs in _inputs(unit, piece, deployment).items():
                for one in by_school[code]:
                    network = found[one.prefix]
                    if network is not None:
                        row = _row(one, network, inputs)
                        rows[tuple(row.values())] = row
            stored.add_days(unit, [rows[key] for key in sorted(rows)])
            stored.renew_standings(unit, piece, _first_day(now_ms, STANDS_DAYS).isoformat())
            unit.commit()


def _inputs(snapshot: Snapshot, codes: list[str], deployment: Deployment) -> dict[str, SchoolInputs]:
    found = schools.by_code(snapshot, codes)
    dated = schools.facts_of(snapshot, found)
    return {code: SchoolInputs(one, dated[code], deployment) for code, one in found.items()}


def _row(one: Arrival, network: Network, inputs: SchoolInputs) -> dict[str, Any]:
    day = inputs.local_day(one.received_ms)
    return {
        "school": one.school,
        "device": one.device,
        "day": day.isoformat(),
        "asn": network.number,
        "as_name": network.name,
        "in_hours": inputs.at(day).is_within(one.received_ms),
    }


def own_as_learnt(snapshot: Snapshot, learnt: Learnt) -> dict[str, Own]:
    """Return the networks that are taken for each provider's own, as the last evaluation learnt them of all schools.

    Who sees some areas sees too few schools to learn from: a provider's own network is the same for everybody.
    """
    said = _said(snapshot)
    declared = {provider: Own(frozenset(numbers), is_declared=True) for provider, numbers in said.items()}
    return {provider: Own(frozenset(some)) for provider, some in learnt.items()} | declared


def _said(snapshot: Snapshot) -> dict[str, set[int]]:
    said: dict[str, set[int]] = {}
    for one in stored.declared(snapshot):
        said.setdefault(one.provider, set()).add(one.asn)
    return said


def own_by_provider(snapshot: Snapshot) -> dict[str, Own]:
    """Return the networks that are taken for each provider's own.

    Args:
        snapshot: Of the whole country: where a provider's schools are seen is learnt from all of them.
    """
    said = _said(snapshot)
    seen: dict[str, Counter[int]] = {}
    codes: dict[str, set[str]] = {}
    for provider, code, number, _name in stored.standings(snapshot):
        if provider is not None:
            seen.setdefault(provider, Counter())[number] += 1
            codes.setdefault(provider, set()).add(code)
    return {
        provider: networks.own_networks(
            said.get(provider, ()), seen.get(provider, Counter()), len(codes.get(provider, ()))
        )
        for provider in said.keys() | seen.keys()
    }


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Write what the days of every school that is seen on another network say of `other_network`.

    Args:
        store: The database.
        deployment: Calendars.
        now_ms: The collector's time.
    """
    _mend_standings(store, now_ms)
    with store.reader() as snapshot:
        own = own_by_provider(snapshot)
        learnt, known_before = _learnt(snapshot, own), stored.find_learnt(snapshot)
        others = {
            code
            for provider, code, number, _name in stored.standings(snapshot)
            if provider is not None and own[provider].is_known and number not in own[provider].numbers
        }
        from_day = _first_day(now_ms, KEPT_DAYS)
        known = condition_days.known_series(snapshot, ConditionKind.OTHER_NETWORK.value, from_day.isoformat())
    if learnt != known_before:
        with store.unit() as unit:
            stored.set_learnt(unit, learnt)
            unit.commit()
    before, flagged = ({one.school for one in some} for some in known)
    others |= flagged
    for piece in in_pieces(sorted(others), _AT_ONCE):
        with store.unit() as unit:
            _write_some(unit, piece, own, deployment, now_ms)
            unit.commit()
    if stale := before - others:  # what people have said since explains it
        with store.unit() as unit:
            nothing: dict[Series, list[Observed]] = {Series(code): [] for code in sorted(stale)}
            conditions.write_days(unit, ConditionKind.OTHER_NETWORK, nothing, from_day)
            unit.commit()


def _learnt(snapshot: Snapshot, own: Mapping[str, Own]) -> Learnt:
    named: dict[str, dict[int, str]] = {provider: {} for provider, one in own.items() if not one.is_declared}
    for provider, _code, number, name in stored.standings(snapshot):
        if provider in named and number in own[provider].numbers:
            named[provider][number] = name
    return named


def _mend_standings(store: Store, now_ms: int) -> None:
    """Make what stands of schools anew where it does not follow from their days: somebody wrote over it."""
    from_day = _first_day(now_ms, STANDS_DAYS).isoformat()
    with store.reader() as snapshot:
        wrong = stored.wrong_standings(snapshot, from_day)
    for piece in in_pieces(wrong, _AT_ONCE):
        with store.unit() as unit:
            stored.renew_standings(unit, piece, from_day)
            unit.commit()


def _write_some(
    unit: UnitOfWork, codes: list[str], own: Mapping[str, Own], deployment: Deployment, now_ms: int
) -> None:
    from_day = _first_day(now_ms, KEPT_DAYS)
    found = schools.by_code(unit, codes)
    inputs = _inputs(unit, codes, deployment)
    seen: dict[str, dict[date, dict[int, str]]] = {code: {} for code in found}
    for one in stored.days_of(unit, codes, from_day.isoformat()):
        if one.school in seen:
            seen[one.school].setdefault(date.fromisoformat(one.day), {})[one.asn] = one.as_name
    series: dict[Series, list[Observed]] = {}
    for code, days in seen.items():
        paid = found[code].provider or ""
        series[Series(code)] = []
        for day, names in sorted(days.items()):
            if day <= inputs[code].last_full_day(now_ms) and inputs[code].at(day).is_open:
                state, numbers = networks.observe(names, own.get(paid, Own()))
                found_out = Observed(day, state, {**numbers, "paid": paid})
                series[Series(code)].append(conditions.unless_on_hold(found_out, inputs[code]))
    conditions.write_days(unit, ConditionKind.OTHER_NETWORK, series, from_day)
