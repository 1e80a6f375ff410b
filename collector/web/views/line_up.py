"""Whether a school's line was up, in words and as a picture: the last ten school days and today, and its outages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.domain.availability import LATE_MS, LATE_SLOTS, availability_of, coverage_of, school_slots
from collector.domain.calendars import Period
from collector.domain.diary_states import DOWN, GOOD
from collector.domain.low_availability import DEFAULT_PCT
from collector.domain.slots import DAY_MS, SLOT_MS, Slot, read
from collector.store.queries.judging.availability import DayRow, NowRow, OutageRow
from collector.store.queries.pages import availability as pages_availability
from collector.store.unit import Snapshot
from collector.web.charts import heat_strip
from collector.web.charts.heat_strip import Piece, StripRow
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.language.i18n import say

_DAYS: Final = 10
_READ: Final = 40  # stored days in which ten school days and today nearly always lie
_OUTAGE_WEEKS: Final = 4
_WIDE: Final = (960.0, (92.0, 60.0))
_NARROW: Final = (340.0, (86.0, 52.0))


@dataclass(frozen=True)
class DayLine:
    """One day in words."""

    day: str
    is_today: bool
    is_open: bool
    good_min: int
    down_min: int
    unseen_min: int  # so far
    availability: str  # percent with its sign; a dash where nobody saw anything
    coverage: str
    learnt_ms: int | None  # where it was learnt more than a day after
    portal_min: int  # a page to sign in at stood in the way, and nobody got through


@dataclass(frozen=True)
class OutageLine:
    """One outage in words."""

    row: OutageRow
    from_day: str
    word: str
    seen: str  # how long it was seen
    until: Markup


@dataclass(frozen=True)
class Card:
    """What the page of a school says."""

    now: NowRow | None
    lines: list[DayLine]
    sentence: Markup
    silence: Markup  # about what is not counted
    wide: Markup
    narrow: Markup
    outages: list[OutageLine]


def card(snapshot: Snapshot, code: str, zone: ZoneInfo, now_ms: int) -> Card:
    """Return the card of a school: three questions, each of an index."""
    today = present.local(now_ms, zone).date().isoformat()
    now = pages_availability.now(snapshot, code)
    stored = pages_availability.days(snapshot, code, _READ) if now else []
    rows = [row for row in stored if row.is_open and row.day < today][-_DAYS:]
    rows += [row for row in stored if row.is_open and row.day == today]
    since_ms = now_ms - _OUTAGE_WEEKS * 7 * DAY_MS
    outages = pages_availability.outages(snapshot, code, since_ms) if now else []
    sentence = _sentence(now)
    strip = [_strip_row(row, zone) for row in rows]
    label = str(sentence.striptags())
    return Card(
        now=now,
        lines=[line_of(row, now_ms, today) for row in rows],
        sentence=sentence,
        silence=_silence(now),
        wide=heat_strip.heat_strip(strip, label, *_WIDE),
        narrow=heat_strip.heat_strip(strip, label, *_NARROW),
        outages=[_outage(row, zone, now_ms) for row in outages],
    )


def _sentence(now: NowRow | None) -> Markup:
    if now is None or now.from_day is None or now.last_day is None:
        return say("No PC of this school has written a diary on a whole school day yet.")
    days = present.day_range(now.from_day, now.last_day)
    if now.availability is None:
        return say("No PC was on in school hours, %(days)s: nobody can say whether the line was up.", days=days)
    return say(
        "Up %(up)s of the school hours that we could observe, %(days)s; "
        "a PC saw the line in %(seen)s of all school hours.",
        up=percent(now.availability),
        days=days,
        seen=percent(now.coverage, 0),
    )


def _silence(now: NowRow | None) -> Markup:
    if now is None or now.availability is None:
        return Markup("")
    down = length(now.down_slots)
    seen = length(now.good_slots + now.down_slots)
    if not now.down_slots:
        return say("Never seen down in %(seen)s. Hours in which no PC was on are not counted.", seen=seen)
    return say("Down for %(down)s of %(seen)s seen. Hours in which no PC was on are not counted.", down=down, seen=seen)


def percent(share: float | None, decimals: int = 1) -> str:
    """Return a share with its sign; never rounded up to all where something is missing."""
    if share is None:
        return present.percent(None)
    scale = 100 * 10**decimals
    if share < 1 and round(share * scale) == scale:
        share = (scale - 1) / scale
    return f"{present.percent(share, 0 if share == 1 else decimals)}{NBSP}%"


def length(slots: int) -> str:
    """Return how long so many slots are, in hours and minutes."""
    hours, minutes = divmod(slots * SLOT_MS // 60_000, 60)
    parts = [f"{present.number(hours)}{NBSP}h"] if hours else []
    return " ".join([*parts, f"{minutes}{NBSP}min"] if minutes or not hours else parts)


def lasted(length_ms: float) -> str:
    """Return a length of time in hours and minutes, to five minutes: outages are seen no closer."""
    return length(round(length_ms / SLOT_MS))


def line_of(row: DayRow, now_ms: int, today: str) -> DayLine:
    """Return a day in words; of today, what is still to come is not missed."""
    slots, inside = read(row.states), _inside(row)
    passed = [is_school and row.start_ms + (at + 1) * SLOT_MS <= now_ms for at, is_school in enumerate(inside)]
    unseen = min(row.unobserved_slots, max(0, sum(passed) - row.good_slots - row.down_slots))
    portal = sum(is_school and slot is Slot.PORTAL for slot, is_school in zip(slots, inside, strict=True))
    minutes = SLOT_MS // 60_000
    return DayLine(
        day=row.day,
        is_today=row.day == today,
        is_open=row.is_open,
        good_min=row.good_slots * minutes,
        down_min=row.down_slots * minutes,
        unseen_min=unseen * minutes,
        availability=percent(availability_of(row.good_slots, row.down_slots)),
        coverage=percent(coverage_of(row.good_slots, row.down_slots, unseen), 0),
        learnt_ms=row.learnt_ms if _late_slots(row) >= LATE_SLOTS else None,
        portal_min=portal * minutes,
    )


def _late_slots(row: DayRow) -> int:
    return sum(count for _first, count, _ms in json.loads(row.late or "[]"))


def _inside(row: DayRow) -> tuple[bool, ...]:
    periods = [Period(first, after) for first, after in json.loads(row.spans)]
    return school_slots(row.start_ms, len(read(row.states)), periods)


def _strip_row(row: DayRow, zone: ZoneInfo) -> StripRow:
    pieces: list[Piece] = []
    slots = read(row.states)
    walls = wall_minutes(row.start_ms, len(slots), zone)
    for slot, is_school, begin in zip(slots, _inside(row), walls, strict=True):
        if not is_school:
            continue
        kind = "up" if slot in GOOD else "down" if slot in DOWN else "unseen"
        if pieces and pieces[-1].kind == kind and pieces[-1].to_min == begin:
            pieces[-1] = Piece(pieces[-1].from_min, begin + 5, kind)
        else:
            pieces.append(Piece(begin, begin + 5, kind))
    share = availability_of(row.good_slots, row.down_slots)
    is_low = share is not None and 100 * share < DEFAULT_PCT
    return StripRow(present.weekday_day(row.day), pieces, percent(share), is_low)


def wall_minutes(start_ms: int, count: int, zone: ZoneInfo) -> Sequence[int]:
    """Return when so many slots begin by the clock on the wall, in minutes after midnight."""
    first, last = present.local(start_ms, zone), present.local(start_ms + max(count - 1, 0) * SLOT_MS, zone)
    if first.utcoffset() == last.utcoffset():
        begin, step = first.hour * 60 + first.minute, SLOT_MS // 60_000
        return range(begin, begin + count * step, step)
    walls = (present.local(start_ms + at * SLOT_MS, zone) for at in range(count))
    return [wall.hour * 60 + wall.minute for wall in walls]


def _outage(row: OutageRow, zone: ZoneInfo, now_ms: int) -> OutageLine:
    if row.to_ms is None:
        until = say("not seen up again; last seen down %(moment)s", moment=present.moment(row.seen_ms, zone, now_ms))
    elif row.to_ms - row.seen_ms >= 2 * SLOT_MS:
        until = say(
            "between %(last)s and %(first)s: no PC was on",
            last=present.moment(row.seen_ms, zone, now_ms),
            first=present.moment(row.to_ms, zone, now_ms),
        )
    else:
        until = present.moment(row.to_ms, zone, now_ms)
    day = present.local(row.from_ms, zone).date().isoformat()
    return OutageLine(row, day, row.word, length(row.down_slots), until)


def totals(lines: Sequence[DayLine]) -> tuple[int, int]:
    """Return the minutes up and down of some days."""
    return sum(line.good_min for line in lines), sum(line.down_min for line in lines)


def learnt_late(received_ms: int, to_ms: int) -> bool:
    """Return whether a run came more than a day after it had ended."""
    return received_ms - to_ms > LATE_MS
