"""The watch over the country, once a minute: who fell silent together, what became of it, what was learnt later.

Everything follows from who was heard in which minute (`contacts`) and from diaries: the same minute taken twice, or all
of them again, gives the same rows. A minute is taken when it is over.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from collector.config import CollectorConfig
from collector.domain.calendars import local_day
from collector.domain.notice_facts import OutageFact
from collector.domain.outages import presence
from collector.domain.outages.groups import Group, Place
from collector.domain.outages.odds import FEWEST, WITHIN_MIN, Counts
from collector.domain.outages.presence import LONGEST_MIN, LOOKBACK_MIN, Event
from collector.domain.outages.revise import AROUND_MIN
from collector.domain.outages.tally import Tally
from collector.domain.outages.usual import DAYS, ENOUGH_DAYS, TICK_MIN, Usual
from collector.domain.outages.watch import Outage, Watch
from collector.domain.words import OutageState
from collector.evaluate import outage_rows, outages_seen, turns
from collector.evaluate.opening import Hours
from collector.evaluate.outage_rows import Composer
from collector.ports import Ports
from collector.store.open import Store
from collector.store.queries import contacts, facts
from collector.store.queries.judging import judgement, outages
from collector.store.queries.judging.outages import Row
from collector.store.queries.notices.outages import fact_of
from collector.store.unit import Snapshot, UnitOfWork

LOG = logging.getLogger(__name__)

MINUTE_MS = 60_000
DAY_MS = 86_400_000
CATCH_UP_MIN = 180  # after a longer rest the watch begins anew: what was before is told by diaries
AGAIN_EVERY_MIN = 15
AGAIN_SCHOOLS = 400  # of all outages that are worked out again in one minute; a larger one is alone
LOAD_MIN = LOOKBACK_MIN + WITHIN_MIN + 2 * LONGEST_MIN
USUAL_KEPT_DAYS = 60
SET_BACK_MIN = 2  # a clock that is put back by less is waited for
COMMITTED_WITHIN_MS = 3 * MINUTE_MS


@dataclass(frozen=True)
class Country:
    """What the watch sees."""

    watch: Watch
    events: dict[int, list[Event]]  # of the minutes to take
    minutes: range


def watch(store: Store, config: CollectorConfig, ports: Ports) -> list[OutageFact]:
    """Take the minutes that are over; return the outages that changed, for whoever writes messages.

    Args:
        store: The database.
        config: The default time zone.
        ports: The clock.
    """
    now_ms = ports.clock.now_ms()
    last = now_ms // MINUTE_MS - 1
    with store.reader() as snapshot:
        taken = int(facts.find_fact(snapshot, facts.OUTAGES_MINUTE) or last - 1)
        if taken > last + SET_BACK_MIN:  # by a clock that was ahead: nobody would watch until it is that late again
            taken = last - 1
        minutes = range(max(taken + 1, last - CATCH_UP_MIN), last + 1)
        if not minutes:
            return []
        wrong = outages_seen.broken(snapshot, is_live=True)
    told = _see_again(store, config, wrong, taken, last) if wrong else []
    with store.reader() as snapshot:
        followed = [_outage_of(snapshot, row) for row in outages.list_rows(snapshot)]
        country = _country(snapshot, config, minutes, followed)
    changed, counted = _take(country, ZoneInfo(config.default_timezone))
    with store.unit() as unit:
        composer = Composer(unit, config.default_timezone, last)
        for day, ticks in counted.items():
            outages.add_ticks(unit, day, ticks)
        told += _write(unit, changed, composer)
        outages_seen.seal(unit, changed, last - turns.BACK_DAYS * DAY_MS // MINUTE_MS)
        told += _learn(unit, composer, now_ms, {fact.outage_id for fact in told})
        facts.set_fact(unit, facts.OUTAGES_MINUTE, str(last))
        unit.commit()
    told += _again(store, config, now_ms)
    if told:
        LOG.info("outages.changed", extra={"outages": len(told)})
    return told


def _see_again(store: Store, config: CollectorConfig, wrong: set[str], taken: int, last: int) -> list[OutageFact]:
    """Let the watch over the minutes of outages again whose rows somebody altered or deleted (`outages_seen`)."""
    told: list[OutageFact] = []
    with store.reader() as snapshot:
        looks = outages_seen.spans(snapshot, wrong, taken)
    for look in looks:
        with store.reader() as snapshot:
            country = _country(snapshot, config, look.minutes, ())
        seen = [one for one in _take(country, ZoneInfo(config.default_timezone))[0] if one.outage_id in look.ids]
        with store.unit() as unit:
            told += _write(unit, seen, Composer(unit, config.default_timezone, last))
            lost = sorted((wrong & look.ids) - {one.outage_id for one in seen})
            left = [_outage_of(unit, row) for row in outages.list_rows(unit, lost)]
            outages_seen.forget(unit, lost)
            outages_seen.seal(unit, [*seen, *left], 0)
            unit.commit()
        LOG.warning("outages.seen_again", extra={"outages": len(wrong & look.ids), "lost": len(lost)})
    return told


def _outage_of(snapshot: Snapshot, row: Row) -> Outage:
    return outage_rows.outage_of(row, outages.school_rows(snapshot, row["outage_id"]))


def _country(snapshot: Snapshot, config: CollectorConfig, minutes: range, followed: Iterable[Outage]) -> Country:
    """Return who is heard just before the minutes, and what happens in them.

    Args:
        snapshot: The database.
        config: The default time zone.
        minutes: Of Unix time.
        followed: Outages that are suspected or go on before them.
    """
    schools = outages.watched_schools(snapshot)
    first, last = minutes[0] - LOAD_MIN, minutes[-1]
    heard = contacts.rows_between(snapshot, first, last)
    hours = Hours(snapshot, config.default_timezone)
    day = local_day(minutes[0] * MINUTE_MS, ZoneInfo(config.default_timezone)).isoformat()
    known = outages.known_days(snapshot, day)[:DAYS]
    is_new = len(known) < ENOUGH_DAYS
    tally = Tally({one.code: Place(one.area, one.provider) for one in schools})
    by_minute: dict[int, list[Event]] = {}
    for school in schools:
        rows = heard.get(school.code)
        if rows:
            words = [minute for minute in presence.minutes_of(rows) if first <= minute <= last]
            opening = hours.minutes(school, first, last)
            opening = presence.trimmed(opening) if is_new else opening
            for event in presence.events(school.code, words, opening, last):
                by_minute.setdefault(event.minute, []).append(event)
    for minute in sorted(by_minute):
        if minute < minutes[0]:
            tally.take(minute, by_minute.pop(minute))
    usual = _Lazy(snapshot, known)
    zone = ZoneInfo(config.default_timezone)
    live = Watch(tally, lambda group, minute: usual.of(group, outage_rows.minute_of_day(minute, zone)), followed)
    usual.load()
    return Country(live, by_minute, minutes)


class _Lazy:
    """What was usual on the days before."""

    def __init__(self, snapshot: Snapshot, days: list[str]) -> None:
        self._snapshot, self._days, self._usual = snapshot, days, Usual()

    def load(self) -> None:
        """Read it, the oldest day first; what was counted during an outage is not usual."""
        by_day = outages.ticks_of(self._snapshot, self._days)
        for day in sorted(by_day):
            for group, ticks in by_day[day].items():
                quiet = {minute: Counts(*numbers[:2]) for minute, numbers in ticks.items() if len(numbers) == 2}
                self._usual.add_day(group, quiet)

    def of(self, group: Group, minute_of_day: int) -> float:
        """Return the chance of a school of the group to fall silent."""
        return self._usual.of(group, minute_of_day)


_Counted = dict[str, dict[Group, dict[int, list[int]]]]


def _take(country: Country, zone: ZoneInfo) -> tuple[list[Outage], _Counted]:
    """Let the minutes pass; return the outages that changed, as they are in the end, and what was counted."""
    changed: dict[str, Outage] = {}
    counted: _Counted = {}
    for minute in country.minutes:
        for outage in country.watch.step(minute, country.events.get(minute, ())):
            changed[outage.outage_id] = outage
        if minute % TICK_MIN == 0:
            day = local_day(minute * MINUTE_MS, zone).isoformat()
            for group, numbers in _counts(country.watch):
                ticks = counted.setdefault(day, {}).setdefault(group, {})
                ticks[outage_rows.minute_of_day(minute, zone)] = numbers
            changed.update({outage.outage_id: outage for outage in country.watch.outages})
    return list(changed.values()), counted


def _counts(live: Watch) -> Iterable[tuple[Group, list[int]]]:
    """Yield what is counted of every group; a third number says that an outage makes it unusual."""
    busy = [outage.group for outage in live.outages]
    for group in live.tally.schools:
        online, fell = live.tally.counts(group)
        if online >= FEWEST:
            yield group, [online, fell, 1] if any(_touch(group, one) for one in busy) else [online, fell]


def _touch(group: Group, busy: Group) -> bool:
    """Return whether the schools of an outage are a good part of a group."""
    return all(mine in ("", theirs) or theirs == "" for mine, theirs in zip(group, busy, strict=True)) and (
        group != Group() or busy == Group()
    )


def _write(unit: UnitOfWork, changed: Iterable[Outage], composer: Composer) -> list[OutageFact]:
    told: list[OutageFact] = []
    for outage in changed:
        if outage.opened is None and outage.state is OutageState.RETRACTED:
            outages.remove(unit, [outage.outage_id])
        else:
            told += _compose(unit, outage, composer)
    return told


def _learn(unit: UnitOfWork, composer: Composer, now_ms: int, done: set[str]) -> list[OutageFact]:
    """Look again at outages of which diaries have come since the last time."""
    # A batch that was received before the last look may have been committed after it.
    after_ms = (facts.find_mark(unit, facts.OUTAGES_LEARNT_MS, now_ms) or 0) - COMMITTED_WITHIN_MS
    told: list[OutageFact] = []
    for outage_id in outages.touched_by(unit, after_ms, now_ms, AROUND_MIN * MINUTE_MS):
        if outage_id not in done:
            for outage in _stored(unit, outage_id):
                told += _compose(unit, outage, composer)
    facts.set_fact(unit, facts.OUTAGES_LEARNT_MS, str(now_ms))
    return told


def _again(store: Store, config: CollectorConfig, now_ms: int) -> list[OutageFact]:
    """Work out again what stands of the outages of late: what they took follows from calendars, zones and rolls too.

    So a holiday that is declared afterwards, or a row that somebody altered, is right after the next round. A round
    begins every quarter of an hour, and is spread over the minutes, so that the watch is not kept from watching.
    """
    last = now_ms // MINUTE_MS - 1
    with store.reader() as snapshot:
        began, _, done = (facts.find_fact(snapshot, facts.OUTAGES_AGAIN) or "0").partition(" ")
        if not done and 0 <= last - int(began) < AGAIN_EVERY_MIN:
            return []
        broken = set() if done else outages_seen.broken(snapshot, is_live=False)
        began = began if done else str(last)
    told = _see_again(store, config, broken, last, last) if broken else []
    with store.reader() as snapshot:
        composer = Composer(snapshot, config.default_timezone, last)
        ids = [one for one in outages.seen_since(snapshot, now_ms - turns.BACK_DAYS * DAY_MS) if one > done]
        wrong, looked, schools = [], "", 0
        for outage_id in ids:
            if schools >= AGAIN_SCHOOLS:
                break
            looked, found = outage_id, _stored(snapshot, outage_id)
            schools += sum(len(outage.members) for outage in found)
            if not _stands(snapshot, outage_id, found, composer):
                wrong.append(outage_id)
    with store.unit() as unit:
        composer = Composer(unit, config.default_timezone, last)
        for outage_id in wrong:
            for outage in _stored(unit, outage_id):
                told += _compose(unit, outage, composer)
        is_over = not ids or looked == ids[-1]
        facts.set_fact(unit, facts.OUTAGES_AGAIN, began if is_over else f"{began} {looked}")
        unit.commit()
    return told


def _stored(snapshot: Snapshot, outage_id: str) -> list[Outage]:
    return [_outage_of(snapshot, row) for row in outages.list_rows(snapshot, [outage_id])]


def _stands(snapshot: Snapshot, outage_id: str, seen: Iterable[Outage], composer: Composer) -> bool:
    """Return whether an outage and what diaries made of it are stored as they are to be."""
    found = [one for outage in seen for one in composer.rows(outage)]
    if not set(outages.parts_of(snapshot, outage_id)) <= {row["outage_id"] for row, _schools in found}:
        return False
    return all(outages.stands(snapshot, row, schools) for row, schools in found)


def _compose(unit: UnitOfWork, outage: Outage, composer: Composer) -> list[OutageFact]:
    """Write an outage as it is known now, with what late diaries made of it; say which rows changed."""
    return keep(unit, outage.outage_id, composer.rows(outage))


def keep(unit: UnitOfWork, outage_id: str, found: Iterable[tuple[Row, list[Row]]]) -> list[OutageFact]:
    """Write an outage and its parts over what was there; days that it takes or gives back are judged again.

    Args:
        unit: The transaction to write in.
        outage_id: Of the outage as it was seen live.
        found: Its row and those of its parts, each with the rows of its schools.

    Returns:
        The outages that changed.
    """
    listed = list(found)
    gone = set(outages.parts_of(unit, outage_id)) - {row["outage_id"] for row, _schools in listed}
    for part in sorted(gone):
        _reopen(unit, outage_rows.days_of(outages.school_rows(unit, part)))
    outages.remove(unit, gone)
    told: list[OutageFact] = []
    for row, schools in listed:
        days_before = outage_rows.days_of(outages.school_rows(unit, row["outage_id"]))
        if not outages.write(unit, row, schools):
            continue
        _reopen(unit, outage_rows.days_of(schools) ^ days_before)
        if row["opened_ms"] is not None:
            told.append(fact_of(row))
    return told


def _reopen(unit: UnitOfWork, days: Iterable[tuple[str, str]]) -> None:
    for school, day in sorted(days):
        judgement.reopen_days(unit, day, [school])


def forget(unit: UnitOfWork, now_ms: int) -> None:
    """Forget what was usual long ago."""
    day = date.fromtimestamp(now_ms // 1000) - timedelta(days=USUAL_KEPT_DAYS)
    outages.forget_usual(unit, day.isoformat())
