"""The life of an outage, minute by minute; pure: the same events give the same outages.

(nothing)   a drop -> suspected
suspected   the drop is still there in the next minute -> open; else it never was
open        four fifths of its schools are heard again -> recovering
recovering  fewer again -> open
recovering  19 of 20 are heard for 20 minutes, or four fifths for two hours -> closed
open        more than half are heard and nobody else for three days, or nobody for four weeks -> closed
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from collector.domain.outages import explain
from collector.domain.outages.explain import SHARED, Drop
from collector.domain.outages.groups import Group
from collector.domain.outages.odds import limit
from collector.domain.outages.presence import Change, Event
from collector.domain.outages.tally import Tally
from collector.domain.words import LIVE_OUTAGES, Cut, OutageLabel, OutageState

JOIN_MIN: Final = 30  # a school that falls silent later than this after the alarm has a reason of its own
RECOVERING_SHARE: Final = 0.8
CLOSED_SHARE: Final = 0.95
CLOSED_AFTER_MIN: Final = 20
FEW_SILENT_FOR_MIN: Final = 120
LEFT_MIN: Final = 3 * 24 * 60  # over a weekend
DROPPED_MIN: Final = 28 * 24 * 60  # as long as it takes until a computer counts as dropped off
_BEGAN_QUANTILE: Final = 0.9  # of the last words: a straggler falls silent for a reason of its own

UsualAt = Callable[[Group, int], float]
"""The chance of a school of a group to fall silent at a minute of Unix time."""


@dataclass
class Member:
    """A school of an outage."""

    heard: int  # minute of its last word before
    back: int | None = None  # minute of the first one after
    is_late_only: bool = False  # its word is late, and not yet missed


@dataclass
class Outage:
    """One outage as it is known from who was heard."""

    outage_id: str
    group: Group
    label: OutageLabel
    state: OutageState
    suspected: int  # minute of the first alarm
    began: int  # the schools' last words
    online: int  # schools of the group heard before
    usual: float
    chance: float
    near_online: int
    near_fell: int
    opened: int | None = None
    recovered: int | None = None  # since when four fifths have been heard again
    whole: int | None = None  # since when 19 of 20 have been
    closed: int | None = None
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.state.value in LIVE_OUTAGES

    def silent(self) -> set[str]:
        """Return the schools that have not been heard again."""
        return {code for code, member in self.members.items() if member.back is None}


def outage_id_of(group: Group, opened: int) -> str:
    """Return the identity of an outage: the same whenever it is worked out."""
    text = "\n".join((group.area, group.provider, str(opened)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Watch:
    """Follows a country; holds nothing that could not be found again from its events and the outages that go on."""

    def __init__(self, tally: Tally, usual: UsualAt, outages: Iterable[Outage] = ()) -> None:
        """Go on from where things stand.

        Args:
            tally: Who is heard now.
            usual: What is usual at an hour.
            outages: Those suspected and those that go on.
        """
        self.tally, self._usual = tally, usual
        self.outages = [one for one in outages if one.is_live or one.state is OutageState.SUSPECTED]
        self._alpha = limit(len(tally.schools))

    def step(self, minute: int, events: Iterable[Event]) -> list[Outage]:
        """Take one minute's events; return the outages that changed, with those that are over or never were."""
        happened = list(events)
        self.tally.take(minute, happened)
        changed = {id(one): one for one in self._follow(minute, happened)}
        if self.tally.suspects or self._suspected():
            found = explain.drops(self.tally, lambda group: self._usual(group, minute), self._alpha)
            changed.update({id(one): one for one in self._explain(minute, found)})
        self.outages = [one for one in self.outages if one.is_live or one.state is OutageState.SUSPECTED]
        return list(changed.values())

    # --- those that are there ------------------------------------------------------------------------------------

    def _follow(self, minute: int, happened: list[Event]) -> list[Outage]:
        live = [one for one in self.outages if one.is_live]
        return [outage for outage in live if self._join_and_leave(outage, minute, happened) | _advance(outage, minute)]

    def _join_and_leave(self, outage: Outage, minute: int, happened: list[Event]) -> bool:
        is_changed = False
        may_join = 0 <= minute - (outage.opened or minute) <= JOIN_MIN
        for event in happened:
            code, member = event.school, outage.members.get(event.school)
            is_ahead = member is not None and member.heard > minute  # seen by a clock that was put back since
            if event.change is Change.BACK and member is not None and (is_ahead or event.heard > member.heard):
                is_changed |= _heard_again(outage, code, member, minute)
            elif event.change in (Change.FELL, Change.LATE) and outage.group in self.tally.groups_of.get(code, ()):
                is_late = event.change is Change.LATE
                if member is None and may_join and event.heard <= outage.suspected:
                    outage.members[code], is_changed = Member(event.heard, is_late_only=is_late), True
                elif member is not None and not is_late:
                    is_changed |= _silent_again(member, may_join=may_join)
        if is_changed:
            outage.online = max(outage.online, len(outage.members))
            if may_join:
                outage.began = _began(outage)
        return is_changed

    # --- new ones ------------------------------------------------------------------------------------------------

    def _suspected(self) -> list[Outage]:
        return [one for one in self.outages if one.state is OutageState.SUSPECTED]

    def _explain(self, minute: int, found: list[Drop]) -> list[Outage]:
        changed: list[Outage] = []
        waiting = self._suspected()
        for drop in found:
            wider = next((one for one in self.outages if one.is_live and _widens(drop, one, minute)), None)
            if wider is None and any(one.is_live and _explains(one, drop) for one in self.outages):
                continue
            before = next((one for one in waiting if one.suspected < minute and _is_same(one, drop)), None)
            if wider is not None:
                changed.append(self._fill(wider, drop))
            elif before is not None:
                waiting.remove(before)
                changed.append(self._open(before, drop, minute))
            else:
                changed.append(self._suspect(drop, minute))
        for one in waiting:  # gone again
            one.state = OutageState.RETRACTED
        return changed + waiting

    def _suspect(self, drop: Drop, minute: int) -> Outage:
        outage = Outage(
            outage_id=outage_id_of(drop.group, minute),
            group=drop.group,
            label=explain.label_of(drop),
            state=OutageState.SUSPECTED,
            suspected=minute,
            began=minute,
            online=0,
            usual=drop.usual,
            chance=drop.chance,
            near_online=0,
            near_fell=0,
        )
        self.outages.append(outage)
        return self._fill(outage, drop)

    def _open(self, outage: Outage, drop: Drop, minute: int) -> Outage:
        outage.state, outage.opened = OutageState.OPEN, minute
        return self._fill(outage, drop)

    def _fill(self, outage: Outage, drop: Drop) -> Outage:
        """Let an outage be what a drop shows: its group, its schools, and the numbers that explain it."""
        tally = self.tally
        outage.group, outage.label = drop.group, explain.label_of(drop)
        outage.usual, outage.chance = drop.usual, drop.chance
        outage.near_online, outage.near_fell = drop.near.online, drop.near.fell
        for code in drop.fallen:
            outage.members[code] = Member(tally.fell[code])
        for code in tally.late:
            if drop.group in tally.groups_of[code]:
                outage.members.setdefault(code, Member(tally.heard[code], is_late_only=True))
        outage.online = max(drop.counts.online, len(outage.members))
        outage.began = _began(outage)
        return outage


def _heard_again(outage: Outage, code: str, member: Member, minute: int) -> bool:
    if member.is_late_only:
        del outage.members[code]
        return True
    if member.back is None:
        member.back = minute
        return True
    return False


def _silent_again(member: Member, *, may_join: bool) -> bool:
    if member.is_late_only:
        member.is_late_only = False
        return True
    if member.back is not None and may_join:
        member.back = None
        return True
    return False


def _advance(outage: Outage, minute: int) -> bool:
    """Move an outage on by how many of its schools are heard again."""
    before = (outage.state, outage.recovered, outage.whole)
    silent, members = len(outage.silent()), len(outage.members)
    share = 1 - silent / members if members else 1.0
    missing_allowed = max(members - ceil(CLOSED_SHARE * members), 0)
    if share < RECOVERING_SHARE:
        outage.state, outage.recovered, outage.whole = OutageState.OPEN, None, None
        if _is_left(outage, minute):
            outage.state, outage.recovered, outage.closed = OutageState.CLOSED, minute, minute
        return before != (outage.state, outage.recovered, outage.whole)
    outage.recovered = min(outage.recovered or minute, minute)
    outage.state = OutageState.RECOVERING
    outage.whole = min(outage.whole or minute, minute) if silent <= missing_allowed else None
    is_whole = outage.whole is not None and minute - outage.whole >= CLOSED_AFTER_MIN
    if is_whole or minute - outage.recovered >= FEW_SILENT_FOR_MIN:
        outage.state, outage.closed = OutageState.CLOSED, minute
    return before != (outage.state, outage.recovered, outage.whole)


def _is_left(outage: Outage, minute: int) -> bool:
    """Return whether those that are still silent have a reason of their own, so that the flags of the others may go on.

    They do once they are fewer than half and nobody has come back for three days; and whoever they are, after the time
    in which a computer that is not heard drops off.
    """
    moved = max((one.back for one in outage.members.values() if one.back is not None), default=outage.opened or minute)
    is_most = 2 * len(outage.silent()) >= len(outage.members)
    return minute - moved >= (DROPPED_MIN if is_most else LEFT_MIN)


def _began(outage: Outage) -> int:
    words = sorted(member.heard for member in outage.members.values())
    return words[min(int(_BEGAN_QUANTILE * len(words)), len(words) - 1)] if words else outage.suspected


def _is_same(outage: Outage, drop: Drop) -> bool:
    """Return whether a drop is the one that was suspected a minute ago: half of its schools are."""
    return 2 * len(drop.fallen & outage.members.keys()) >= min(len(drop.fallen), len(outage.members))


def _explains(outage: Outage, drop: Drop) -> bool:
    return len(drop.fallen & outage.members.keys()) >= SHARED * len(drop.fallen)


def _widens(drop: Drop, outage: Outage, minute: int) -> bool:
    """Return whether an outage that has just been opened is only a part of what a drop shows."""
    is_new = minute - (outage.opened or minute) <= JOIN_MIN
    shared = len(outage.members.keys() & drop.fallen)
    has_more = not drop.fallen <= outage.members.keys()
    return is_new and has_more and _is_wider(drop, outage) and shared >= SHARED * len(outage.members)


def _is_wider(drop: Drop, outage: Outage) -> bool:
    if drop.group == outage.group:
        return False
    is_everybody = drop.group.cut is Cut.ALL
    same_area = drop.group.area in ("", outage.group.area) or outage.group.area.startswith(f"{drop.group.area}/")
    return is_everybody or (same_area and drop.group.provider in ("", outage.group.provider))
