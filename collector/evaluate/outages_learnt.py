"""Outages of many schools that only their diaries tell of: worked out from the days of lines, and never told as new.

Of the last two weeks all days are looked at on which several schools had an outage of their own; what is found replaces
what was found before, so that running again, or other diaries first, gives the same rows. Days before that are left.
"""

import logging
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from collector.domain.calendars import local_day
from collector.domain.diary_states import Said, said_by, said_by_slot
from collector.domain.outages import learnt
from collector.domain.outages.groups import Place
from collector.domain.outages.learnt import Learnt
from collector.domain.outages.odds import FEWEST
from collector.domain.outages.revise import AROUND_MIN, Run
from collector.domain.outages.watch import Member, Outage, outage_id_of
from collector.domain.slots import SLOT_MS, read_runs
from collector.domain.words import OutageState
from collector.evaluate import outages as watching
from collector.evaluate.inputs import Deployment
from collector.evaluate.outage_rows import Composer
from collector.store import locks
from collector.store.open import Store
from collector.store.queries import facts
from collector.store.queries.judging import availability as stored
from collector.store.queries.judging import outages
from collector.store.unit import UnitOfWork

LOG = logging.getLogger(__name__)

BACK: Final = timedelta(days=14)
MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Find what diaries tell of the last weeks, as one of the writers of `daily`."""
    zone = ZoneInfo(deployment.default_timezone)
    first = local_day(now_ms, zone) - BACK
    with store.unit() as unit:
        locks.hold(unit, ("outages of diaries",))
        since_ms = _start_ms(first, zone)
        places = {one.code: Place(one.area, one.provider) for one in outages.watched_schools(unit)}
        found = [one for day in _days(unit, since_ms, now_ms, zone) for one in _of_day(unit, day, places)]
        composer = Composer(unit, deployment.default_timezone, now_ms // MINUTE_MS - 1)
        kept: set[str] = set()
        changed = 0
        for one in found:
            outage = _outage(one)
            rows = composer.learnt(outage, _newest(unit, one))
            kept.add(rows[0]["outage_id"])
            changed += len(watching.keep(unit, outage.outage_id, [rows]))
        for identity in sorted(set(outages.learnt_ids(unit, since_ms)) - kept):
            watching.keep(unit, identity.rpartition("-")[0], [])
            changed += 1
        groups = str(outages.count_groups(unit))
        if is_other := facts.find_fact(unit, facts.OUTAGE_GROUPS) != groups:
            facts.set_fact(unit, facts.OUTAGE_GROUPS, groups)
        if changed or is_other:
            unit.commit()
        if changed:
            LOG.info("outages.learnt", extra={"outages": len(found), "changed": changed})


def _start_ms(day: date, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, datetime.min.time(), zone).timestamp() * 1000)


def _days(unit: UnitOfWork, since_ms: int, now_ms: int, zone: ZoneInfo) -> Iterator[str]:
    """Yield the local days on which enough schools had an outage of their own to ask."""
    schools: dict[str, set[str]] = {}
    for school, from_ms, seen_ms in stored.outages_between(unit, since_ms, now_ms):
        for moment_ms in range(from_ms, max(seen_ms, from_ms + 1), _DAY_MS):
            schools.setdefault(local_day(moment_ms, zone).isoformat(), set()).add(school)
        schools.setdefault(local_day(seen_ms - 1, zone).isoformat(), set()).add(school)
    yield from (day for day, codes in sorted(schools.items()) if len(codes) >= FEWEST)


def _of_day(unit: UnitOfWork, day: str, places: Mapping[str, Place]) -> list[Learnt]:
    """Return the outages of one local day of each school that nobody saw at the time."""
    said: dict[tuple[int, str], list[Run]] = {}  # most schools say the same: it is read once for all of them
    tracks: dict[str, list[Run]] = {}
    for school, start_ms, states in stored.states_of_day(unit, day):
        if school not in places:
            continue
        if (start_ms, states) not in said:
            said[start_ms, states] = list(_runs(start_ms, states))
        tracks[school] = said[start_ms, states]
    around_ms = AROUND_MIN * MINUTE_MS
    return [
        one
        for one in learnt.find(places, tracks)
        if not learnt.is_known(
            one, outages.seen_around(unit, one.start * MINUTE_MS - around_ms, one.stop * MINUTE_MS + around_ms)
        )
    ]


def _runs(start_ms: int, states: str) -> Iterator[Run]:
    for run in read_runs(states):
        said = said_by_slot(run.slot)
        if said is not None:
            start, stop = start_ms + run.first * SLOT_MS, start_ms + run.end * SLOT_MS
            yield Run(start // MINUTE_MS, stop // MINUTE_MS, said)


def _outage(one: Learnt) -> Outage:
    """Return it as the watch would have left it: over, with the minutes of each school."""
    group, counts = one.drop.group, one.drop.counts
    members: Mapping[str, Member] = {code: Member(first, last) for code, (first, last) in sorted(one.schools.items())}
    return Outage(
        outage_id=f"{outages.DIARY_ID}{outage_id_of(group, one.start)}",
        group=group,
        label=one.label,
        state=OutageState.CLOSED,
        suspected=one.start,
        began=one.start,
        online=max(counts.online, len(one.schools)),
        usual=one.drop.usual,
        chance=one.drop.chance,
        near_online=one.drop.near.online,
        near_fell=one.drop.near.fell,
        opened=one.start,
        recovered=one.stop,
        whole=one.stop,
        closed=one.stop,
        members=dict(members),
    )


def _newest(unit: UnitOfWork, one: Learnt) -> int | None:
    """Return when the newest diary came in that says that a line was gone."""
    runs = outages.diaries(unit, sorted(one.schools), one.start * MINUTE_MS, one.stop * MINUTE_MS)
    return max((run.received_ms for run in runs if said_by(run.state) is Said.DOWN), default=None)
