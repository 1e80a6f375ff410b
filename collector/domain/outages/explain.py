"""Which group explains a drop, and what it is therefore put down to; pure.

Where a provider fails in one area, the area and the provider's other schools may drop below the limit too. Of all
groups that dropped the one with the best scan ratio is kept; those that share four fifths of their silent schools with
it are explained by it. Where all providers and all areas drop alike, no group is blamed: it may be us.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from collector.domain.outages import odds
from collector.domain.outages.groups import EVERYBODY, Group
from collector.domain.outages.odds import Counts
from collector.domain.outages.tally import Tally
from collector.domain.words import Cut, OutageLabel

SHARED: Final = 0.8  # of its silent schools, and a group is explained by another one
ALIKE: Final = 0.05  # above the usual, in three quarters of the providers and of the areas: it happens everywhere
ENOUGH_TO_COMPARE: Final = 10  # schools heard, in a group that says whether it happens everywhere

UsualOf = Callable[[Group], float]

_ORDER: Final = {Cut.ALL: 0, Cut.AREA: 1, Cut.PROVIDER: 2, Cut.CROSSING: 3}


class Drop(NamedTuple):
    """A group that fell silent together."""

    group: Group
    counts: Counts
    usual: float
    chance: float  # of this by accident
    fallen: frozenset[str]
    near: Counts  # schools of other providers in the same area; of a provider's group: in all its areas


def drops(tally: Tally, usual: UsualOf, alpha: float) -> list[Drop]:
    """Return the drops of this minute that explain the others, the clearest first."""
    doubtful = [group for group in tally.suspects if tally.counts(group).share >= odds.SHARE]
    if not doubtful:
        return []
    if is_everywhere(tally, usual):
        doubtful = [group for group in doubtful if group == EVERYBODY]
    scored = []
    for group in doubtful:
        counts, chance = tally.counts(group), usual(group)
        if odds.is_drop(counts, chance, alpha):
            scored.append((-odds.ratio(counts, chance), _ORDER[group.cut], group))
    kept: list[Drop] = []
    for _score, _cut, group in sorted(scored):
        fallen = tally.fallen(group)
        if all(len(fallen & one.fallen) < SHARED * len(fallen) for one in kept):
            kept.append(_drop(tally, group, usual(group), frozenset(fallen)))
    return kept


def is_everywhere(tally: Tally, usual: UsualOf) -> bool:
    """Return whether it happens to all providers and all areas alike, or to everybody there is."""
    if EVERYBODY not in tally.suspects:
        return False
    kinds = [_of_cut(tally, cut) for cut in (Cut.PROVIDER, Cut.AREA)]
    told_apart = [groups for groups in kinds if len(groups) > 1]
    if not told_apart:
        return tally.counts(EVERYBODY).share >= odds.SHARE
    return all(_low_excess(tally, groups, usual) >= ALIKE for groups in told_apart)


def label_of(drop: Drop) -> OutageLabel:
    """Return what a drop is put down to: a provider only where others near by are heard."""
    cut = drop.group.cut
    if cut is Cut.ALL:
        return OutageLabel.COLLECTOR
    if cut is Cut.AREA:
        return OutageLabel.AREA
    if cut is Cut.CROSSING and (not drop.near.online or drop.near.share >= odds.SHARE):
        return OutageLabel.AREA
    return OutageLabel.PROVIDER


def _of_cut(tally: Tally, cut: Cut) -> list[Group]:
    return [
        group
        for group in tally.schools
        if group.cut is cut and "/" not in group.area and tally.counts(group).online >= ENOUGH_TO_COMPARE
    ]


def _low_excess(tally: Tally, groups: Sequence[Group], usual: UsualOf) -> float:
    """Return how far above its usual share the group is that a quarter of them are below."""
    shares = sorted(tally.counts(group).share - usual(group) for group in groups)
    return shares[(len(shares) - 1) // 4]


def _drop(tally: Tally, group: Group, usual: float, fallen: frozenset[str]) -> Drop:
    counts = tally.counts(group)
    chance = odds.tail(counts.online, counts.fell, usual)
    return Drop(group, counts, usual, chance, fallen, _near(tally, group, fallen))


def _near(tally: Tally, group: Group, fallen: frozenset[str]) -> Counts:
    """Return the schools of other providers in the same areas: heard a moment ago, and fallen of those."""
    if group.cut in (Cut.ALL, Cut.AREA):
        return Counts(0, 0)
    areas = {one for code in fallen for one in tally.groups_of[code] if one.cut is Cut.AREA and "/" not in one.area}
    around = {group.area} if group.area else {one.area for one in areas}
    online = fell = 0
    for area in around:
        whole, own = tally.counts(Group(area)), tally.counts(Group(area, group.provider))
        online, fell = online + whole.online - own.online, fell + whole.fell - own.fell
    return Counts(online, fell)
