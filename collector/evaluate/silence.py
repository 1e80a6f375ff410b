"""Which PCs are silent and why, and the days of `not_reporting` and `data_quality`: worked out again by every run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from collector.domain import doubts, silence
from collector.domain.conditions import RULES, ConditionKind, DayState, Observed
from collector.domain.doubts import Reported
from collector.domain.reporting import Seen, reporting_days
from collector.domain.silence import Around, Known
from collector.evaluate import conditions
from collector.evaluate.elsewhere import elsewhere
from collector.evaluate.inputs import Deployment, SchoolInputs
from collector.store.open import Store
from collector.store.queries import schools
from collector.store.queries.judging import condition_days, contacts, suppressions
from collector.store.queries.judging.condition_days import Series
from collector.store.queries.judging.contacts import Contact, Silence
from collector.store.queries.pieces import in_pieces
from collector.store.unit import Snapshot

REACH: Final = timedelta(days=40)  # days of `not_reporting` further back stay as they were found
_NEWEST_WITHIN: Final = timedelta(days=21)  # the longest that is looked back for a school day: holidays
_GAP: Final = RULES[ConditionKind.NOT_REPORTING].open_after
_AT_ONCE: Final = 500  # schools in one transaction


@dataclass(frozen=True)
class School:
    """A school with its calendar and its PCs."""

    inputs: SchoolInputs
    pcs: tuple[Contact, ...]
    newest: date | None  # the newest school day on which PCs were expected by now; None: none for weeks
    outage_from_ms: int | None = None  # when the outage began that goes on there; None: none does
    provider: str | None = None


def write(store: Store, deployment: Deployment, now_ms: int) -> None:
    """Work out who is silent and why, and write the days of both conditions.

    Args:
        store: The open database.
        deployment: What holds for all schools.
        now_ms: The collector's time, UTC milliseconds.
    """
    with store.reader() as snapshot:
        found = _schools(snapshot, deployment, now_ms)
        silent = _silences(snapshot, found)
        reporting, from_day = _reporting(snapshot, found, now_ms)
        doubtful = _doubtful(snapshot, found, now_ms)
    _write_silences(store, silent)
    _write_reporting(store, reporting, from_day)
    for day, of_schools in doubtful.items():
        for some in in_pieces(of_schools.items(), _AT_ONCE):
            with store.unit() as unit:
                if conditions.write_days(unit, ConditionKind.DATA_QUALITY, dict(some), day, day):
                    unit.commit()


def _schools(snapshot: Snapshot, deployment: Deployment, now_ms: int) -> list[School]:
    by_school = {code: tuple(pcs) for code, pcs in groupby(contacts.contacts(snapshot), lambda pc: pc.school)}
    known = schools.by_code(snapshot, by_school)
    dated = schools.facts_of(snapshot, known)
    open_outages = suppressions.open_outages(snapshot)
    found = []
    for code, row in known.items():
        try:
            inputs = SchoolInputs(row, dated[code], deployment)
            newest = _newest_day(inputs, now_ms)
        except (ValueError, LookupError, OSError):
            continue  # `work.tasks` says so as soon as there is something to judge
        outage = open_outages.get(code)
        found.append(School(inputs, by_school[code], newest, outage.from_ms if outage else None, row.provider))
    return found


def _newest_day(inputs: SchoolInputs, now_ms: int) -> date | None:
    """Return the newest school day on which PCs were expected by now."""
    today = inputs.local_day(now_ms)
    back = (today - timedelta(days=passed) for passed in range(_NEWEST_WITHIN.days + 1))
    return next((day for day in back if silence.has_begun(inputs.at(day).periods, now_ms)), None)


def _silences(snapshot: Snapshot, found: Sequence[School]) -> dict[str, Silence]:
    silent = [(school, pc) for school in found for pc in school.pcs if _is_silent(school, pc)]
    words = contacts.last_words(snapshot, [pc.device for _school, pc in silent if pc.last_contact_ms is not None])
    moved = elsewhere(snapshot, [(school.provider, pc) for school, pc in silent])
    return {
        pc.device: _silence(school, pc, words.get(pc.device), is_elsewhere=pc.device in moved) for school, pc in silent
    }


def _is_silent(school: School, pc: Contact) -> bool:
    return school.newest is not None and _since_ms(pc) < school.inputs.start_ms(school.newest)


def _since_ms(pc: Contact) -> int:
    return pc.enrolled_ms if pc.last_contact_ms is None else pc.last_contact_ms


def _silence(school: School, pc: Contact, last_word: str | None, *, is_elsewhere: bool) -> Silence:
    inputs, newest = school.inputs, school.newest
    assert newest is not None  # noqa: S101 -- `_is_silent`
    since = inputs.local_day(_since_ms(pc))
    others = [other for other in school.pcs if other.device != pc.device]
    known = Known(
        last_contact_ms=pc.last_contact_ms,
        last_word=last_word,
        clock_offset_ms=pc.clock_offset_ms,
        is_volatile=pc.is_volatile,
        is_pending=pc.is_pending,
        is_replaced=any(_replaces(other, pc) for other in others),
        is_elsewhere=is_elsewhere,
    )
    last_day = inputs.at(since).periods
    others_ms = [other.last_contact_ms for other in others]
    around = Around(last_day, inputs.start_ms(newest), others_ms, school.outage_from_ms)
    why = silence.explain(known, around)
    return Silence(
        device=pc.device,
        school=inputs.code,
        contact_ms=pc.last_contact_ms,
        school_days=inputs.expected_days(since, newest),
        reason=why.reason.value,
        last_word=last_word,
        others=why.others,
        others_heard=why.others_heard,
        is_together=why.is_together,
    )


def _replaces(other: Contact, pc: Contact) -> bool:
    """Return whether another device is the same computer, enrolled after this one was heard last, and heard itself."""
    is_same = other.replaces == pc.device or (other.replaces is None and other.machine_hash == pc.machine_hash)
    return is_same and other.last_contact_ms is not None and other.enrolled_ms > _since_ms(pc)


def _write_silences(store: Store, found: Mapping[str, Silence]) -> None:
    with store.unit() as unit:
        stored = contacts.silences(unit)
        gone = [device for device, one in stored.items() if found.get(device) != one]
        new = [one for device, one in found.items() if stored.get(device) != one]
        if gone or new:
            contacts.write_silences(unit, gone, new)
            unit.commit()


def _reporting(snapshot: Snapshot, found: Sequence[School], now_ms: int) -> tuple[dict[Series, list[Observed]], date]:
    """Return the days of `not_reporting` of every school with something to say, and the first of them.

    Diaries and starts of PCs are read of few: of schools that no measurement and no contact shows alive for as long as
    it takes to open a flag, and of those that have been looked at before.
    """
    today = max((school.inputs.local_day(now_ms) for school in found), default=date.max)
    from_day = today - REACH if found else today
    measured = contacts.measured_days(snapshot, from_day.isoformat())
    stored = condition_days.days(
        snapshot, ConditionKind.NOT_REPORTING.value, [school.inputs.code for school in found], from_day.isoformat()
    )
    known = {series.school for series in stored}
    alive = {school.inputs.code: _days_alive(school, measured) for school in found}
    looked_at = [
        school
        for school in found
        if school.inputs.code in known or _has_gap(school, alive[school.inputs.code], from_day)
    ]
    from_ms = min((school.inputs.start_ms(from_day) for school in looked_at), default=0)
    signs = contacts.signs_of_life(snapshot, [school.inputs.code for school in looked_at], from_ms)
    for school in looked_at:
        for first_ms, last_ms in signs.get(school.inputs.code, ()):
            alive[school.inputs.code] |= _days_between(school.inputs, first_ms, last_ms)
    days = {Series(school.inputs.code): _observed(school, alive[school.inputs.code], from_day) for school in looked_at}
    return days, from_day


def _days_alive(school: School, measured: Mapping[str, set[str]]) -> set[date]:
    days = {date.fromisoformat(day) for day in measured.get(school.inputs.code, ())}
    return days | {school.inputs.local_day(pc.last_contact_ms) for pc in school.pcs if pc.last_contact_ms is not None}


def _days_between(inputs: SchoolInputs, first_ms: int, last_ms: int) -> set[date]:
    first, last = inputs.local_day(first_ms), inputs.local_day(max(first_ms, last_ms - 1))
    return {first + timedelta(days=passed) for passed in range((last - first).days + 1)}


def _expected(school: School, from_day: date) -> Iterable[date]:
    """Yield the school days from one on, on which a PC of the school was expected by now."""
    return (day for day in _looked_at(school, from_day) if school.inputs.at(day).is_open)


def _looked_at(school: School, from_day: date) -> Iterable[date]:
    """Yield the days from one on, with school or without, since which a PC of the school was expected."""
    enrolled = school.inputs.local_day(min(pc.enrolled_ms for pc in school.pcs))
    first = max(from_day, enrolled + timedelta(days=1))  # on the day of its enrolment nobody knows from what hour on
    last = school.newest or first - timedelta(days=1)
    return (first + timedelta(days=passed) for passed in range((last - first).days + 1))


def _has_gap(school: School, alive: set[date], from_day: date) -> bool:
    """Return whether nothing is known of so many school days in a row that a flag would open."""
    silent = 0
    for day in _looked_at(school, from_day):
        is_alive = day in alive
        if is_alive and not silent:  # nearly every day: there is nothing that it could end
            continue
        open_day = school.inputs.at(day)
        if not open_day.is_open:
            continue
        if is_alive:
            silent = 0
        elif open_day.suppression is None:  # a day on hold opens nothing
            silent += 1
        if silent >= _GAP:
            return True
    return False


def _observed(school: School, alive: set[date], from_day: date) -> list[Observed]:
    before = [day for day in alive if day < from_day]
    expected = tuple(_expected(school, from_day))
    on_hold = frozenset(day for day in expected if school.inputs.at(day).suppression is not None)
    seen = Seen(expected, frozenset(alive), len(school.pcs), max(before, default=None), on_hold)
    return reporting_days(seen, school.inputs.expected_days)


def _write_reporting(store: Store, found: Mapping[Series, Sequence[Observed]], from_day: date) -> None:
    for some in in_pieces(found.items(), _AT_ONCE):
        with store.unit() as unit:
            if conditions.write_days(unit, ConditionKind.NOT_REPORTING, dict(some), from_day):
                unit.commit()


def _doubtful(snapshot: Snapshot, found: Sequence[School], now_ms: int) -> dict[date, dict[Series, list[Observed]]]:
    """Return what the PCs that were heard lately say of themselves, by the day on which they were heard last."""
    from_ms = now_ms - 2 * silence.DAY_MS
    conflicts = contacts.conflicts_since(snapshot, from_ms - silence.DAY_MS)
    known = set(condition_days.schools_to_fold(snapshot, ConditionKind.DATA_QUALITY.value))
    by_day: dict[date, dict[Series, list[Observed]]] = {}
    for school in found:
        heard = max((pc.last_contact_ms or 0 for pc in school.pcs), default=0)
        if heard < from_ms:
            continue
        day = school.inputs.local_day(heard)
        observed = _doubts_of(school, day, conflicts)
        is_new = observed.state is DayState.BAD or school.inputs.code in known  # of others there is nothing to close
        if school.inputs.at(day).is_open and is_new:
            by_day.setdefault(day, {})[Series(school.inputs.code)] = [observed]
    return by_day


def _doubts_of(school: School, day: date, conflicts: Mapping[str, Sequence[int]]) -> Observed:
    pcs = [pc for pc in school.pcs if pc.last_contact_ms and school.inputs.local_day(pc.last_contact_ms) == day]
    said = {pc.device: doubts.doubts(_reported(pc, day, school.inputs, conflicts.get(pc.device, ()))) for pc in pcs}
    return _of_doubts(day, said)


def _of_doubts(day: date, said: Mapping[str, Sequence[doubts.Doubt]]) -> Observed:
    names = [doubt.value for doubt in doubts.Doubt if any(doubt in those for those in said.values())]
    pcs = sorted(device for device, those in said.items() if those)
    numbers = {"doubts": names, "pcs": pcs, "heard": len(said)}
    return Observed(day, DayState.BAD if names else DayState.GOOD, numbers)


def _reported(pc: Contact, day: date, inputs: SchoolInputs, conflicts: Sequence[int]) -> Reported:
    return Reported(
        clock_offset_ms=pc.clock_offset_ms,
        is_volatile=pc.is_volatile,
        has_conflicts=any(inputs.local_day(at_ms) == day for at_ms in conflicts),
        lineages=pc.lineages,
        created=pc.ledger_created,
        acked=pc.ledger_acked,
        ready=pc.ledger_ready,
        dead=pc.ledger_dead,
        dropped=pc.ledger_dropped,
    )
