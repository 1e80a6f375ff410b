"""Between rows and the watch: an outage as it was seen live, and as it stands with what diaries say of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from collector.domain.availability import LONGEST_MS, is_placed
from collector.domain.calendars import OpenDay, local_day
from collector.domain.diary_states import Said, said_by
from collector.domain.outages import lost, revise
from collector.domain.outages.groups import Group
from collector.domain.outages.revise import AROUND_MIN, Revised, Run, Silence, Span, Stretch
from collector.domain.outages.usual import DAYS
from collector.domain.outages.watch import Member, Outage
from collector.domain.words import OutageLabel, OutageState
from collector.evaluate.opening import Hours
from collector.store.queries import schools as registry
from collector.store.queries.judging import outages
from collector.store.queries.judging.outages import REGIONAL, DiaryRun, Row, Watched
from collector.store.queries.schools import DatedFacts, School
from collector.store.unit import Snapshot

MINUTE_MS = 60_000
CURVE_BEFORE_MIN = 90


def minute_of_day(minute: int, zone: ZoneInfo) -> int:
    """Return the minute of the local day of a minute of Unix time."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone)
    return local.hour * 60 + local.minute


def outage_of(row: Row, schools: Iterable[Row]) -> Outage:
    """Return an outage as the watch left it: nothing of what diaries say is in it."""
    members = {
        one["school"]: Member(_minute(one["heard_ms"]) or 0, _minute(one["back_ms"]), one["is_late_only"])
        for one in schools
    }
    return Outage(
        outage_id=row["outage_id"],
        group=Group(row["area"], row["provider"]),
        label=OutageLabel(row["live_label"]),
        state=_live_state(row),
        suspected=_minute(row["suspected_ms"]) or 0,
        began=_minute(row["began_ms"]) or 0,
        online=row["online"],
        usual=row["usual"],
        chance=row["chance"],
        near_online=row["near_online"],
        near_fell=row["near_silent"],
        opened=_minute(row["opened_ms"]),
        recovered=_minute(row["recovered_ms"]),
        whole=_minute(row["whole_ms"]),
        closed=_minute(row["closed_ms"]),
        members=members,
    )


def _live_state(row: Row) -> OutageState:
    for name, state in (
        ("closed_ms", OutageState.CLOSED),
        ("recovered_ms", OutageState.RECOVERING),
        ("opened_ms", OutageState.OPEN),
    ):
        if row[name] is not None:
            return state
    return OutageState.SUSPECTED


def days_of(schools: Iterable[Row]) -> set[tuple[str, str]]:
    """Return the days of schools that are not judged for an outage."""
    return {(one["school"], day) for one in schools for day in json.loads(one["days"])}


class _Then(NamedTuple):
    """A school as it was when an outage took it."""

    school: School
    dated: Sequence[DatedFacts]  # oldest first: each day has the hours that held on it
    pupils: int | None


class Composer:
    """Makes the rows of outages; what several of them need is read once."""

    def __init__(self, snapshot: Snapshot, default_timezone: str, last: int) -> None:
        """Read the calendars.

        Args:
            snapshot: The database.
            default_timezone: Of the deployment.
            last: The newest minute of Unix time that is over.
        """
        self._snapshot, self._zone, self._last = snapshot, ZoneInfo(default_timezone), last
        self._hours = Hours(snapshot, default_timezone)

    def rows(self, outage: Outage) -> list[tuple[Row, list[Row]]]:
        """Return the row of an outage with those of its schools, and the outages that diaries made of it beside."""
        until = self._last if outage.closed is None else outage.closed
        # Who has not come back when it closes is silent for a reason of its own from then on.
        silences = {
            code: Silence(max(one.heard, outage.began), outage.closed if one.back is None else one.back)
            for code, one in outage.members.items()
        }
        found = outages.diaries(
            self._snapshot,
            sorted(outage.members),
            (outage.began - AROUND_MIN) * MINUTE_MS,
            (until + AROUND_MIN) * MINUTE_MS,
        )
        diaries: dict[str, list[Run]] = {}
        for run in found:
            if (told := _told(run)) is not None:
                diaries.setdefault(run.school, []).append(told)
        now = until if outage.closed is None else min(until + AROUND_MIN, self._last)
        revised = revise.revise(silences, diaries, now) if silences else Revised((), {}, is_ours=False)
        after_ms = (outage.closed + 1) * MINUTE_MS if outage.closed else None
        late = [run.received_ms for run in found if after_ms and run.received_ms > after_ms and _told(run)]
        return self._rows_of(outage, revised, max(late, default=None))

    def learnt(self, outage: Outage, learnt_ms: int | None) -> tuple[Row, list[Row]]:
        """Return the rows of an outage that only diaries tell of: each of its schools had no line from and to.

        Args:
            outage: With the minutes of each school as those of its silence.
            learnt_ms: Receipt of the newest diary that tells of it.
        """
        spans = {code: Span(one.heard, one.back) for code, one in outage.members.items()}
        revised = Revised((), dict.fromkeys(spans, Said.DOWN), is_ours=False)
        return self._piece(outage, revised, Stretch(Span(outage.began, outage.closed), spans), learnt_ms, outage.began)

    def _rows_of(self, outage: Outage, revised: Revised, learnt_ms: int | None) -> list[tuple[Row, list[Row]]]:
        is_ours = outage.label is OutageLabel.COLLECTOR or revised.is_ours
        if is_ours or not outage.members:
            return [self._as_seen(outage, revised, learnt_ms, is_ours=is_ours)]
        pieces = list(revised.stretches)
        if not pieces:
            row, schools = self._as_seen(outage, revised, learnt_ms, is_ours=False)
            nothing = {"state": OutageState.RETRACTED.value, "silent": 0, "pupil_hours": 0.0, "pupils": 0}
            return [({**row, **nothing}, [{**one, "pupil_hours": 0.0, "days": "[]"} for one in schools])]
        main = next((piece for piece in pieces if _overlap(piece.span, outage)), pieces[0])
        made = [self._piece(outage, revised, main, learnt_ms, None)]
        others = [piece for piece in pieces if piece is not main]
        made += [self._piece(outage, revised, piece, learnt_ms, piece.span.start) for piece in others]
        return made

    def _as_seen(
        self, outage: Outage, revised: Revised, learnt_ms: int | None, *, is_ours: bool
    ) -> tuple[Row, list[Row]]:
        spans = {code: Span(max(one.heard, outage.began), one.back) for code, one in outage.members.items()}
        end = outage.recovered if outage.state in (OutageState.CLOSED, OutageState.RECOVERING) else None
        row, schools = self._piece(outage, revised, Stretch(Span(outage.began, end), spans), learnt_ms, None)
        if is_ours:  # it is not the schools that lost anything, as far as we know
            row |= {"label": OutageLabel.COLLECTOR.value, "pupil_hours": None}
            schools = [{**one, "pupil_hours": None, "days": "[]"} for one in schools]
        return row, schools

    def _piece(
        self, outage: Outage, revised: Revised, piece: Stretch, learnt_ms: int | None, learnt_from: int | None
    ) -> tuple[Row, list[Row]]:
        is_live = learnt_from is None
        outage_id = outage.outage_id if is_live else f"{outage.outage_id}-{learnt_from}"
        known = self._known(sorted(outage.members), (outage.began if is_live else piece.span.start) * MINUTE_MS)
        codes = sorted(outage.members if is_live else piece.schools)
        schools = [
            self._school_row(outage_id, code, outage.members[code], piece.schools.get(code), known.get(code), revised)
            for code in codes
        ]
        taken = [one for one in schools if one["school"] in piece.schools]
        pupils = [known[one["school"]].pupils for one in taken if one["school"] in known]
        hours = _sum([one["pupil_hours"] for one in taken])
        confirmed = sum(one["said"] == Said.DOWN.value for one in taken)
        row = {
            **_seen(outage),
            "outage_id": outage_id,
            "from_ms": _ms(piece.span.start),
            "to_ms": _ms(piece.span.stop),
            "silent": len(taken),
            "confirmed": confirmed,
            "pupils": _sum(pupils),
            "pupil_hours": None if hours is None else round(hours, 3),
            "timeline": json.dumps(self._curve(outage, piece.span)),
            "learnt_ms": learnt_ms,
            "seen_live": is_live,
        }
        if not is_live:
            over = {"opened_ms": row["from_ms"], "closed_ms": row["to_ms"], "state": OutageState.CLOSED.value}
            row |= {**over, "suspected_ms": row["from_ms"], "began_ms": row["from_ms"]}
        return row, schools

    def _school_row(
        self, outage_id: str, code: str, member: Member, span: Span | None, school: _Then | None, revised: Revised
    ) -> Row:
        said = revised.said.get(code)
        from_ms = _ms(span.start if span else member.heard) or 0
        to_ms = _ms(span.stop) if span else from_ms
        until_ms = to_ms if to_ms is not None else self._last * MINUTE_MS
        days = self._days(school, from_ms, until_ms) if school and span else []
        return {
            "outage_id": outage_id,
            "school": code,
            "heard_ms": _ms(member.heard),
            "back_ms": _ms(member.back),
            "is_late_only": member.is_late_only,
            "said": said.value if said else "",
            "from_ms": from_ms,
            "to_ms": to_ms,
            "pupil_hours": lost.pupil_hours(days, from_ms, until_ms, school.pupils if school else None)
            if span
            else 0.0,
            "days": json.dumps(lost.lost_days(days, from_ms, until_ms)),
        }

    def _known(self, codes: Sequence[str], at_ms: int) -> dict[str, _Then]:
        """Return the schools with their dated facts, and how many pupils they had on their day of a moment."""
        found, dated = registry.by_code(self._snapshot, codes), registry.facts_of(self._snapshot, codes)
        known = {}
        for code, school in found.items():
            zone = ZoneInfo(school.timezone) if school.timezone else self._zone
            facts = registry.facts_on(dated[code], local_day(at_ms, zone).isoformat())
            pupils = (facts.students_peak_shift or facts.students_total) if facts else None
            known[code] = _Then(school, dated[code], pupils)
        return known

    def _days(self, then: _Then, from_ms: int, until_ms: int) -> list[OpenDay]:
        school = then.school
        watched = Watched(school.code, school.area, school.provider, school.timezone, school.opening)
        return list(self._hours.days(watched, from_ms, until_ms, then.dated))

    def _curve(self, outage: Outage, span: Span) -> list[list[Any]]:
        """Return how many schools of a group were heard every five minutes, and how many usually are."""
        group, first = outage.group, min(span.start, outage.began) - CURVE_BEFORE_MIN
        last = self._last if outage.closed is None else max(outage.closed, span.stop or 0)
        today = local_day(first * MINUTE_MS, self._zone)
        end = local_day(last * MINUTE_MS, self._zone)
        days = [(today + timedelta(days=passed)).isoformat() for passed in range(min((end - today).days, 2) + 1)]
        counted = outages.ticks_of(self._snapshot, days, group)
        before = outages.known_days(self._snapshot, days[0])[:DAYS]
        usual = [one[group] for one in outages.ticks_of(self._snapshot, before, group).values()]
        return list(_points(counted, usual, group, self._zone, first, last))


def _points(
    counted: Mapping[str, Mapping[Group, Any]],
    usual: Sequence[Mapping[int, Sequence[int]]],
    group: Group,
    zone: ZoneInfo,
    first: int,
    last: int,
) -> Iterable[list[Any]]:
    for day, groups in sorted(counted.items()):
        midnight = datetime.combine(date.fromisoformat(day), datetime.min.time(), zone)
        for tick, numbers in sorted(groups.get(group, {}).items()):
            minute = int((midnight + timedelta(minutes=tick)).timestamp()) // 60
            if first <= minute <= last:
                expected = [one[tick][0] - one[tick][1] for one in usual if tick in one]
                mean = round(sum(expected) / len(expected), 1) if expected else None
                yield [minute * MINUTE_MS, numbers[0] - numbers[1], mean]


def _seen(outage: Outage) -> Row:
    """Return the columns that say how an outage was seen live."""
    return {
        "kind": REGIONAL,
        "label": outage.label.value,
        "live_label": outage.label.value,
        "state": outage.state.value,
        "area": outage.group.area,
        "provider": outage.group.provider,
        "suspected_ms": _ms(outage.suspected),
        "began_ms": _ms(outage.began),
        "opened_ms": _ms(outage.opened),
        "recovered_ms": _ms(outage.recovered),
        "whole_ms": _ms(outage.whole),
        "closed_ms": _ms(outage.closed),
        "online": outage.online,
        "usual": outage.usual,
        "chance": outage.chance,
        "near_online": outage.near_online,
        "near_silent": outage.near_fell,
    }


def _overlap(span: Span, outage: Outage) -> int:
    end = outage.recovered or outage.suspected + AROUND_MIN
    return max(0, min(span.stop or end, end) - max(span.start, outage.began))


def _sum(numbers: Iterable[float | None]) -> float | None:
    """Return the sum of the numbers that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _told(run: DiaryRun) -> Run | None:
    """Return what a run of the diary says of a line; None: nothing, or nobody knows when that was.

    As for the availability: of a computer that was on no more is believed than an agent writes in one run.
    """
    said, to_ms = said_by(run.state), run.to_ms
    if said is None:
        return None
    if said is not Said.OFF:
        if not is_placed(run.time_quality, run.clock_off_ms):
            return None
        to_ms = min(to_ms, run.from_ms + LONGEST_MS)
    return Run(run.from_ms // MINUTE_MS, -(-to_ms // MINUTE_MS), said)


def _ms(minute: int | None) -> Any:
    return None if minute is None else minute * MINUTE_MS


def _minute(moment_ms: int | None) -> int | None:
    return None if moment_ms is None else moment_ms // MINUTE_MS
