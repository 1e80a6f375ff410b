"""One hazard made ready for its pages: each school with its standing, counts, and how the schools came back."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from collector.domain.hazards.standing import NOT_CALLED, Called, Facts, Standing, Step, curve, fold, standing
from collector.store.queries import hazards, newness
from collector.store.queries.hazards import Call, Hazard
from collector.store.queries.pages import hazards as pages_hazards
from collector.store.queries.pages.hazards import Member
from collector.store.unit import Snapshot
from collector.web.desk import desk
from collector.web.http.kept import Kept

T = TypeVar("T")

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
AFTER_H: Final = (1, 6, 24, 72)
"""Hours after the beginning at which the table of the curve says how many schools had been heard from."""


@dataclass(frozen=True, slots=True)
class Line:
    """One school."""

    member: Member
    standing: Standing
    called: Called
    first_ms: int | None  # a PC of it was heard for the first time after the beginning
    last_ms: int | None  # last heard at all, before the beginning too
    confirmed_ms: int | None  # when a person said how it is, where that is the newest word

    @property
    def back_ms(self) -> int | None:
        """When it was heard, or a person said how it is, for the first time: what came later takes nothing back."""
        firsts = (self.first_ms, self.called.first_answered_ms)
        return min((one for one in firsts if one is not None), default=None)

    @property
    def name(self) -> str:
        """What the school is called."""
        return self.member.name or self.member.code


@dataclass(frozen=True)
class Whole:
    """A hazard at one moment, as far as the reader sees it."""

    hazard: Hazard
    as_of_ms: int
    lines: list[Line]  # in the order of the call list
    made: dict[object, tuple[object, Any]] = field(default_factory=dict, repr=False, compare=False)

    def once(self, name: object, make: Callable[[], T], at: object = None) -> T:
        """Return what follows from it alone, made by who asks first: many look at the same minute of a hazard.

        Args:
            name: Of it, with its language where it has words.
            make: Makes it.
            at: What it depends on beside; only the newest is kept.
        """
        known = self.made.get(name)
        if known is None or known[0] != at:
            known = self.made[name] = (at, make())
        found: T = known[1]
        return found

    @property
    def counts(self) -> Counter[str]:
        """How many schools stand where."""
        return self.once("counts", lambda: Counter(line.standing.value for line in self.lines))

    @property
    def pupils_silent(self) -> int:
        """How many pupils the silent schools have, as far as that is known."""
        return sum(line.member.pupils or 0 for line in self.lines if line.standing is Standing.SILENT)


@dataclass(frozen=True)
class Group:
    """The schools of an area or a provider, and how they came back."""

    name: str | None
    schools: int
    heard: int  # or confirmed by a person, so far
    steps: list[Step]
    after: list[int | None]  # how many at AFTER_H; None: that moment is still to come
    half_ms: int | None  # how long until half of them were heard; None: not yet


def look(snapshot: Snapshot, hazard: Hazard) -> Whole:
    """Return a hazard at this minute; remembered until something of it, or a school, changes."""
    now_ms = desk().now_ms
    as_of_ms = hazard.as_of_ms(now_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS)
    rows = (snapshot.scope, hazard, newness.registry(snapshot))
    facts = (rows, as_of_ms, pages_hazards.newest_call(snapshot, hazard.hazard_id))
    kept = Kept[Whole].of_app("hazards", 4)
    found = kept.find(facts)
    if found is not None:
        return found
    # What costs most is reading thousands of rows; they are others only after the jobs' next look.
    kept_rows = Kept[list[Member]].of_app("hazard_members", 4)
    members = kept_rows.find(rows)
    if members is None:
        members = kept_rows.keep(rows, pages_hazards.members(snapshot, hazard.hazard_id))
    records = hazards.calls(snapshot, hazard.hazard_id)
    lines = [_line(one, records.get(one.code, ()), hazard, as_of_ms) for one in members]
    return kept.keep(facts, Whole(hazard, as_of_ms, lines))


def _line(member: Member, record: Sequence[Call], hazard: Hazard, as_of_ms: int) -> Line:
    called = fold(call.entry for call in record) if record else NOT_CALLED
    facts = Facts(
        begins_ms=hazard.begins_ms,
        as_of_ms=as_of_ms,
        last_contact_ms=member.last_contact_ms,
        word=member.word,
        newest_bps=member.newest_bps,
        usual_bps=member.usual_bps,
        answer=called.answer,
        answered_ms=called.answered_ms,
    )
    found = standing(facts)
    answered = called.answered_ms if found is Standing.CONFIRMED else None
    lasts = [one for one in (member.last_contact_ms, member.usual_contact_ms) if one is not None]
    return Line(member, found, called, member.first_heard_ms, max(lasts, default=None), answered)


def groups(found: Whole, of: Callable[[Member], str | None]) -> list[Group]:
    """Return how the schools of each area, or of each provider, came back: the largest groups first."""
    by_name: dict[str | None, list[Line]] = {}
    for line in found.lines:
        by_name.setdefault(of(line.member), []).append(line)
    made = [group(found, name, lines) for name, lines in by_name.items()]
    return sorted(made, key=lambda one: (-one.schools, one.name or ""))


def group(found: Whole, name: str | None, lines: Iterable[Line]) -> Group:
    """Return how some schools came back."""
    firsts = [line.back_ms for line in lines]
    begins_ms, until_ms = found.hazard.begins_ms, max(found.as_of_ms, found.hazard.begins_ms)
    steps = curve(firsts, begins_ms, until_ms)
    after = [
        _at(steps, begins_ms + hours * HOUR_MS) if begins_ms + hours * HOUR_MS <= until_ms else None
        for hours in AFTER_H
    ]
    half = next((one.at_ms - begins_ms for one in steps if 2 * one.heard >= len(firsts)), None)
    return Group(name, len(firsts), steps[-1].heard, steps, after, half)


def _at(steps: Sequence[Step], moment_ms: int) -> int:
    return max((one.heard for one in steps if one.at_ms <= moment_ms), default=0)
