"""Providers compared: who delivers how much of what is paid for, with the schools behind every number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response
from markupsafe import Markup

from collector.domain.roles import Role
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import providers as pages_providers
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.providers import ProviderFilter
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.charts import compare, small
from collector.web.desk import desk
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import say, say_many
from collector.web.people.access import for_role
from collector.web.views import remembered, scorecard
from collector.web.views.scorecard import FEWEST, ORDERS, Delivered, Score

BLUEPRINT = Blueprint("providers", __name__)

SCHOOLS = 8
_DEFAULT_ORDER = "delivered"
LISTING: Final = Listing("providers", "providers.show", "providers.download", {"sort": _DEFAULT_ORDER})

_COLUMNS: Final = {
    "provider": CellKind.TEXT,
    "technologies": CellKind.TEXT,
    "is_ranked": CellKind.BOOLEAN,
    "schools": CellKind.INTEGER,
    "judged": CellKind.INTEGER,
    "meets": CellKind.INTEGER,
    "below": CellKind.INTEGER,
    "share_meeting": CellKind.NUMBER,
    "share_lower": CellKind.NUMBER,
    "share_upper": CellKind.NUMBER,
    "with_contract": CellKind.INTEGER,
    "typical_share_of_contract": CellKind.NUMBER,
    "under_80_pct": CellKind.INTEGER,
    "open_flags": CellKind.INTEGER,
    "idle_rtt_ms": CellKind.NUMBER,
    "idle_schools": CellKind.INTEGER,
    "worst_area": CellKind.TEXT,
    "worst_area_meets": CellKind.INTEGER,
    "worst_area_judged": CellKind.INTEGER,
}
_SCHOOL_COLUMNS: Final = {
    "provider": CellKind.TEXT,
    "technology": CellKind.TEXT,
    "area": CellKind.TEXT,
    "school": CellKind.TEXT,
    "name": CellKind.TEXT,
    "verdict": CellKind.TEXT,
    "median_bps": CellKind.INTEGER,
    "contract_mbps": CellKind.NUMBER,
    "share_of_contract": CellKind.NUMBER,
    "idle_rtt_ms": CellKind.NUMBER,
}


@dataclass(frozen=True)
class ScoreLine:
    """One provider with its pictures."""

    score: Score
    strip: Markup  # the share that meets, with its interval
    dots: Markup
    share_range: str


@dataclass(frozen=True)
class Beside:
    """The schools of one provider that get the least of their contract, or answer the slowest."""

    provider: str
    by: str  # contract | delay
    schools: Sequence[Delivered]
    found: int


def _query() -> str:
    """Return the filter of the address, in one order."""
    wanted = _read_filter()
    return LISTING.query({"area": wanted.area, "technology": wanted.technology, "sort": _read_order()})


@BLUEPRINT.route("/providers", methods=METHODS)
@keeps_views(LISTING, _query)
def show() -> str:
    """Show the scorecard."""
    parts = desk()
    wanted, order = _read_filter(), _read_order()
    with parts.store.reader() as snapshot:
        scores = _scores(snapshot, wanted)
        ranked = scorecard.ranked(scores, order)
        return page(
            "providers/show.html",
            snapshot,
            headline=_headline(scores),
            lines=[_line(score) for score in ranked],
            unranked=scorecard.unranked(scores),
            beside=_beside(scores),
            each=max((compare.schools_a_dot(score.shares) for score in ranked), default=1),
            mixed=_mixed(ranked),
            nameless=pages_providers.count_without_provider(snapshot, wanted),
            facets=pages_schools.facets(snapshot),
            wanted=wanted,
            bar=bar(snapshot, LISTING, _query()),
            order=order,
            fewest=FEWEST,
        )


@BLUEPRINT.get("/providers.csv")
@for_role(Role.ANALYST)
def download() -> Response:
    """Give the table as a file, in its order."""
    with desk().store.reader() as snapshot:
        scores = _scores(snapshot, _read_filter())
    shown = [*scorecard.ranked(scores, _read_order()), *scorecard.unranked(scores)]
    return rows.csv_file("providers", _COLUMNS, [_row(score) for score in shown])


@BLUEPRINT.get("/providers/schools.csv")
@for_role(Role.ANALYST)
def download_schools() -> Response:
    """Give the schools that the table counts, those of one provider where the address names it."""
    of = asked.text("of")
    with desk().store.reader() as snapshot:
        found = pages_providers.served_schools(snapshot, desk().measure, _read_filter())
    shown = [
        (
            *(one.provider, one.technology, one.area, one.code, one.name, one.verdict, one.median_bps),
            *(one.contract_mbps, scorecard.delivered(one), one.idle_rtt_ms),
        )
        for one in found
        if of in ("", one.provider)
    ]
    return rows.csv_file("providers-schools", _SCHOOL_COLUMNS, shown)


def _scores(snapshot: Snapshot, wanted: ProviderFilter) -> list[Score]:
    return remembered.scores(snapshot, desk().measure, wanted)


def _read_filter() -> ProviderFilter:
    return ProviderFilter(asked.text("area"), asked.text("technology"))


def _read_order() -> str:
    order = asked.text("sort")
    return order if order in ORDERS else _DEFAULT_ORDER


def _headline(scores: Sequence[Score]) -> Markup:
    ranked = scorecard.ranked(scores)
    if not ranked:
        return say("No provider has enough judged schools to be compared")
    worst = ranked[0]
    if worst.typical is not None:
        values = {"provider": worst.provider, "pct": present.percent(worst.typical)}
        if worst.typical >= pages_schools.CONTRACT_FULL:
            return say(
                "Every provider delivers %(pct)s %% or more of what is paid at the typical school", pct=values["pct"]
            )
        return say("%(provider)s delivers %(pct)s %% of what is paid at the typical school", **values)
    worst = scorecard.ranked(scores, "meets")[0]
    return say_many(
        "%(provider)s: %(meets)s of %(judged)s judged school meets the target",
        "%(provider)s: %(meets)s of %(judged)s judged schools meet the target",
        worst.judged,
        provider=worst.provider,
        meets=present.number(worst.meets),
        judged=present.number(worst.judged),
    )


def _line(score: Score) -> ScoreLine:
    bounds, shown = None, ""
    if score.interval is not None:
        bounds = (score.interval.lower, score.interval.upper)
        low, high = present.percent(bounds[0]), present.percent(bounds[1])
        shown = str(say("%(low)s to %(high)s %%", low=low, high=high))
    label = say(
        "%(provider)s: the middle school gets %(pct)s %% of its contract",
        provider=score.provider,
        pct=present.percent(score.typical),
    )
    return ScoreLine(
        score=score,
        strip=small.meeting_strip(score.meets, score.judged, bounds),
        dots=compare.contract_dots(score.shares, score.typical, str(label)) if score.shares else Markup(""),
        share_range=shown,
    )


def _beside(scores: Sequence[Score]) -> Beside | None:
    """Return the schools of the provider that the address names, else of the worst one."""
    wanted, by = asked.text("of"), asked.text("by")
    named = next((score for score in scores if score.provider == wanted), None)
    score = named or next(iter(scorecard.ranked(scores)), None)
    if score is None:
        return None
    by = "delay" if by == "delay" else "contract"
    schools = score.delivered if by == "contract" else score.delays
    return Beside(score.provider, by, schools[: asked.limit(SCHOOLS)], len(schools))


def _mixed(ranked: Sequence[Score]) -> str:
    """Return who serves by what, where providers use different technologies; empty where they do not."""
    named = [score for score in ranked if score.technologies]
    if len({score.technologies[0] for score in named}) < 2:
        return ""
    shown = (f"{score.provider}{present.colon()}{', '.join(score.technologies)}" for score in named[:8])
    return present.semicolon().join(shown) + "."


def _row(score: Score) -> tuple[Any, ...]:
    worst = score.worst_areas[0] if score.worst_areas else None
    interval = score.interval
    return (
        *(score.provider, ", ".join(score.technologies) or None, score.is_ranked),
        *(score.schools, score.judged, score.meets, score.below, score.share),
        *((interval.lower, interval.upper) if interval else (None, None)),
        *(len(score.delivered), score.typical, score.under if score.delivered else None, score.flags),
        *(score.idle_rtt_ms, len(score.delays)),
        *((worst.area, worst.meets, worst.judged) if worst else (None, None, None)),
    )
