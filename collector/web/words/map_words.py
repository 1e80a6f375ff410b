"""What the map says: the answer above it, and the words that its script puts numbers into."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from markupsafe import Markup

from collector.store.queries.pages.standings import AreaShare
from collector.web.language import present
from collector.web.language.i18n import later, say, say_many
from collector.web.words import terms

SCHOOLS: Final = later("Schools")
SHARE: Final = later("Share that meets, by district")

_PLACE = "{n}"
_COUNTS: Final = (0, 1, 2)


def sentence(counts: dict[str, int], shares: Sequence[AreaShare], address: Callable[..., str]) -> Markup:
    """Return whether it is one place or everywhere: how many schools are below their target, and where.

    Args:
        counts: Schools by verdict.
        shares: The same by area.
        address: Gives the address of the list of schools with some more filters; every number leads to its rows.
    """
    below, total = counts.get("BELOW", 0), sum(counts.values())
    if not total:
        return Markup("")
    values: dict[str, object] = {
        "below": _link(below, address(verdict="BELOW")),
        "total": _link(total, address()),
    }
    named = [one for one in shares if one.area]
    hit = [one for one in named if one.below]
    if len(hit) < 2:
        if not hit or len(named) < 2 or hit[0].below < below:  # the others are in no district
            return say_many(
                "%(below)s of %(total)s school is below its target.",
                "%(below)s of %(total)s schools are below their target.",
                total,
                **values,
            )
        return say_many(
            "%(below)s of %(total)s school is below its target, in %(area)s.",
            "%(below)s of %(total)s schools are below their target, all in %(area)s.",
            total,
            area=hit[0].area,
            **values,
        )
    values |= {"places": present.number(len(hit)), "areas": present.number(len(named))}
    return _most(max(hit, key=lambda one: one.below), below, values, address)


def _most(most: AreaShare, below: int, values: dict[str, object], address: Callable[..., str]) -> Markup:
    """Return the answer where schools of several districts are below: most of them are more than half."""
    values |= {"most": _link(most.below, address(verdict="BELOW", area=most.area)), "area": most.area}
    if 2 * most.below > below:
        return say(
            "%(below)s of %(total)s schools are below their target, in %(places)s of %(areas)s districts; most of "
            "them, %(most)s, in %(area)s.",
            **values,
        )
    return say(
        "%(below)s of %(total)s schools are below their target, in %(places)s of %(areas)s districts; no district "
        "has more of them than %(area)s, with %(most)s.",
        **values,
    )


def _link(count: int, address: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, present.number(count))


def for_script() -> str:
    """Return the words of the script as JSON; `{n}` and `{m}` are places for numbers that it writes itself.

    What it counts comes in the forms for none, one and more, because languages differ in what they say of none.
    """
    said = {
        "decimal": present.conventions().decimal,
        "group": present.conventions().group,
        "verdicts": {name: str(word) for name, word in terms.VERDICTS.items()},
        "inView": [
            str(say_many("%(shown)s school in view", "%(shown)s schools in view", count, shown=_PLACE))
            for count in _COUNTS
        ],
        "schools": [str(say_many("%(shown)s school", "%(shown)s schools", count, shown=_PLACE)) for count in _COUNTS],
        "here": [
            str(say_many("%(shown)s school at this place", "%(shown)s schools at this place", count, shown=_PLACE))
            for count in _COUNTS
        ],
        "pin": str(say("Show on the map: %(name)s, %(verdict)s", name="{name}", verdict="{verdict}")),
        "pinOut": str(say("Show on the map: %(name)s, in an outage; %(verdict)s", name="{name}", verdict="{verdict}")),
        "of": str(say("of %(target)s", target=_PLACE)),
        "next": str(say("Next %(num)s", num=_PLACE)),
        "back": str(say("Back %(num)s", num=_PLACE)),
        "placeless": str(say("no coordinates")),
        "few": str(say("too few")),
        "zoomIn": str(say("Zoom in")),
        "zoomOut": str(say("Zoom out")),
        "close": str(say("Close")),
        "failed": str(say("The map could not be loaded. The list has every school.")),
        "natural": str(say("Outlines: Natural Earth")),
        "invented": str(say("Outlines drawn for this demonstration")),
    }
    return json.dumps(said, ensure_ascii=False)


def share_of(one: AreaShare, address: Callable[..., str]) -> Markup:
    """Return how many of an area's judged schools meet the target, each number with its rows."""
    return say_many(
        "%(meets)s of %(judged)s judged school",
        "%(meets)s of %(judged)s judged schools",
        one.judged,
        meets=_link(one.meets, address(area=one.area, verdict="MEETS")),
        judged=_link(one.judged, address(area=one.area, verdict="ENOUGH")),
    )
