"""Days of schools that are not judged because something happened there that is no fault of the line's speed."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, literal, select

from collector.domain.suppressed import Suppressed
from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState, Suppression
from collector.store.queries.judging import hazard_days
from collector.store.queries.pieces import in_pieces
from collector.store.tables.hazards import HAZARD_SCHOOLS, HAZARDS
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.unit import Snapshot

_COUNTS = (*LIVE_OUTAGES, OutageState.CLOSED.value)


def suppressed(snapshot: Snapshot) -> dict[str, Suppressed]:
    """Return what keeps days from being judged, by school, beside the calendar: outages and hazards.

    Schools at which nothing happened are not in it.
    """
    outages, hazards = outage_days(snapshot), hazard_days.hazards_of_schools(snapshot)
    return {
        school: Suppressed(frozenset(outages.get(school, ())), tuple(hazards.get(school, ())))
        for school in outages.keys() | hazards.keys()
    }


def outage_days(snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the local days that outages took from schools; what is our own failure, or was none, takes none."""
    query = (
        select(OUTAGE_SCHOOLS.c.school, OUTAGE_SCHOOLS.c.days)
        .join(OUTAGES, OUTAGES.c.outage_id == OUTAGE_SCHOOLS.c.outage_id)
        .where(OUTAGES.c.state.in_(_COUNTS), OUTAGES.c.label != OutageLabel.COLLECTOR.value)
        .where(OUTAGE_SCHOOLS.c.days != "[]")
    )
    found: dict[str, set[str]] = {}
    for school, days in snapshot.connection.execute(query):
        found.setdefault(school, set()).update(json.loads(days))
    return found


@dataclass(frozen=True)
class Hold:
    """Why the flags of a school wait: they are not told of, and what comes meanwhile moves none."""

    kind: Suppression  # hazard or outage
    hold_id: str
    name: str  # of the hazard; of an outage its provider, or its area
    from_ms: int
    until_ms: int | None = None  # None: it goes on


def open_outages(snapshot: Snapshot, codes: Collection[str] | None = None) -> dict[str, Hold]:
    """Return the outage that goes on at each of some schools (None: of all), where there is one: ours, too.

    It says why a PC is silent. Whether flags wait for it is another question, see `holds`.

    Args:
        snapshot: The database.
        codes: Of schools.
    """
    return _newest(snapshot, _outages().where(OUTAGES.c.state.in_(LIVE_OUTAGES)), codes)


def holds(snapshot: Snapshot, codes: Collection[str] | None = None) -> dict[str, Hold]:
    """Return why the flags of some schools (None: of all) are on hold now; the others are not in it.

    A hazard goes before an outage, as with the days that are not judged. What is our own failure holds nothing: schools
    go on testing and send later what they measured, no day of theirs is left out for it (`outage_days`), and a flag
    that rested "because of an outage" would put it down to the school or its provider. Label and hold change together:
    where diaries show that only we could not be reached, the flags go on.
    """
    hazards = _hazards().where(HAZARDS.c.ends_ms.is_(None))
    outages = _theirs().where(OUTAGES.c.state.in_(LIVE_OUTAGES))
    if codes is None or len(codes) != 1:
        return _newest(snapshot, outages, codes) | _newest(snapshot, hazards, codes)
    both = [query.where(query.selected_columns[0].in_(list(codes))) for query in (hazards, outages)]
    return _held(snapshot.connection.execute(both[0].union_all(both[1])).all())  # a page of one school asks once


def schools_in_outages() -> "Select[Any]":
    """Ask for the schools whose flags wait for an outage that goes on, whether or not a hazard lies over them too."""
    live = _theirs().where(OUTAGES.c.state.in_(LIVE_OUTAGES))
    return live.with_only_columns(OUTAGE_SCHOOLS.c.school)


def schools_in_hazards() -> "Select[Any]":
    """Ask for the schools whose flags wait because they lie in a hazard that is still open."""
    live = _hazards().where(HAZARDS.c.ends_ms.is_(None))
    return live.with_only_columns(HAZARD_SCHOOLS.c.school)


def ended_holds(snapshot: Snapshot, since_ms: int) -> dict[str, Hold]:
    """Return the hold of each school that ended last, of those that ended since a moment."""
    ended = OUTAGES.c.state == OutageState.CLOSED.value, OUTAGES.c.closed_ms >= since_ms
    found = _newest(snapshot, _theirs().where(*ended), None)
    for school, one in _newest(snapshot, _hazards().where(HAZARDS.c.ends_ms >= since_ms), None).items():
        other = found.get(school)
        if other is None or (one.until_ms or 0) > (other.until_ms or 0):
            found[school] = one
    return found


def _outages() -> "Select[Any]":
    mine = OUTAGE_SCHOOLS.c
    query = select(mine.school, OUTAGES.c.outage_id, OUTAGES.c.provider, OUTAGES.c.area, OUTAGES.c.from_ms)
    query = query.add_columns(OUTAGES.c.closed_ms.label("until_ms"), literal(Suppression.OUTAGE.value).label("kind"))
    return query.join(OUTAGES, OUTAGES.c.outage_id == mine.outage_id).where(mine.said != "off")


def _theirs() -> "Select[Any]":
    """Ask for the outages of schools: not for what we ourselves caused."""
    return _outages().where(OUTAGES.c.label != OutageLabel.COLLECTOR.value)


def _hazards() -> "Select[Any]":
    mine = HAZARD_SCHOOLS.c
    query = select(mine.school, HAZARDS.c.hazard_id, HAZARDS.c.name, literal(""), HAZARDS.c.begins_ms)
    query = query.add_columns(HAZARDS.c.ends_ms.label("until_ms"), literal(Suppression.HAZARD.value).label("kind"))
    return query.join(HAZARDS, HAZARDS.c.hazard_id == mine.hazard_id).where(HAZARDS.c.is_drill.is_(False))


def _newest(snapshot: Snapshot, query: "Select[Any]", codes: Collection[str] | None) -> dict[str, Hold]:
    school = query.selected_columns[0]
    pieces = [query] if codes is None else [query.where(school.in_(some)) for some in in_pieces(codes)]
    return _held(row for piece in pieces for row in snapshot.connection.execute(piece).all())


def _held(rows: "Iterable[Sequence[Any]]") -> dict[str, Hold]:
    """Return the newest hold of each school; a hazard counts as newer than any outage."""
    found: dict[str, Hold] = {}
    in_order = sorted(rows, key=lambda row: (row[6] == Suppression.HAZARD, row[5] or 0, row[4]))
    for code, hold_id, name, other_name, from_ms, until_ms, kind in in_order:
        found[code] = Hold(Suppression(kind), hold_id, name or other_name, from_ms, until_ms)
    return found


def on_hold(snapshot: Snapshot) -> set[str]:
    """Return the schools whose flags wait because of an outage or a hazard: nobody is told of them one by one."""
    return set(holds(snapshot))
