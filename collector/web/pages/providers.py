"""Providers compared: who delivers how much of what is paid for, with the schools behind every number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response
from markupsafe import Markup

from collector.domain import proof
from collector.domain.roles import Role
from collector.store.queries.exports import CellKind
from collector.store.queries.pages import providers as pages_providers
from collector.store.queries.pages import schools as pages_schools
from collector.store.queries.pages.providers import ProviderFilter, ServedSchool
from collector.store.unit import Snapshot
from collector.web import asked
from collector.web.asking import rows
from collector.web.asking.listing import METHODS, Listing, bar, keeps_views
from collector.web.charts import compare, small
from collector.web.desk import Desk, desk
from collector.web.forms import proof_form
from collector.web.http.frame import page
from collector.web.language import present
from collector.web.language.i18n import language, say, say_many
from collector.web.people.access import for_role
from collector.web.views import line_up, reliability, remembered, scorecard, why
from collector.web.views.evidence import local_day, midnight_ms
from collector.web.views.reliability import Reliability
from collector.web.views.scorecard import FEWEST, ORDERS, Delivered, Score

BLUEPRINT = Blueprint("providers", __name__)

SCHOOLS = 8
_COUNTED: Final = 50  # schools whose thirty tests are looked for: of each a month of tests is read
_DEFAULT_ORDER = "delivered"
_UNKNOWN: Final = Reliability()
# What the schools beside the table are sorted by, each with where a score has them.
_BY: Final = {"contract": "delivered", "delay": "delays", "loaded": "loads"}
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
    "loaded_p95_ms": CellKind.NUMBER,
    "loaded_schools": CellKind.INTEGER,
    "up_share": CellKind.NUMBER,
    "outages_30_days": CellKind.INTEGER,
    "typical_repair_minutes": CellKind.NUMBER,
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
    "loaded_p95_ms": CellKind.NUMBER,
    "loaded_tests": CellKind.INTEGER,
    "window_from": CellKind.DAY,
    "day": CellKind.DAY,
    "evidence_pack_tests": CellKind.INTEGER,
    "cable_tests_30_days": CellKind.INTEGER,
}


@dataclass(frozen=True)
class ScoreLine:
    """One provider with its pictures."""

    score: Score
    drawn: "Drawn"
    lines: Reliability
    delay: Markup  # idle and under load


@dataclass(frozen=True)
class Drawn:
    """What follows from the verdicts of a provider's schools."""

    strip: Markup  # the share that meets, with its interval
    share_range: str
    dots: Markup  # its schools along their contracts
    each: int  # schools that one of the dots stands for


@dataclass(frozen=True)
class Evidence:
    """What some schools have in hand to show what their contract gives, in the last thirty days."""

    counted: Mapping[str, int]  # of the thirty tests of a pack, by the code of a school that was looked at
    by_cable: Mapping[str, int]  # tests that count and were made by cable


@dataclass(frozen=True)
class Beside:
    """The schools of one provider that get the least of their contract, or answer the slowest."""

    provider: str
    by: str  # one of `_BY`
    schools: Sequence[Delivered]
    found: int
    evidence: Evidence
    cable_from: str  # the day from which tests by cable are counted


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
        lines = reliability.by_provider(snapshot, wanted, parts.now_ms)
        drawn = _drawn(snapshot, scores, wanted)
        goal_ms = why.goal_ms(snapshot)
        return page(
            "providers/show.html",
            snapshot,
            headline=_headline(scores),
            lines=[
                ScoreLine(one, drawn[one.provider], lines.get(one.provider, _UNKNOWN), _delay(one, goal_ms))
                for one in ranked
            ],
            slowest=_slowest(ranked, goal_ms),
            goal_ms=goal_ms,
            days=reliability.DAYS,
            unranked=scorecard.unranked(scores),
            beside=_beside(snapshot, scores),
            rule=proof,
            line_up=line_up,
            each=max((one.each for one in drawn.values()), default=1),
            mixed=_mixed(ranked),
            nameless=pages_providers.count_without_provider(snapshot, wanted),
            facets=remembered.facets(snapshot),
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
        lines = reliability.by_provider(snapshot, _read_filter(), desk().now_ms)
    shown = [*scorecard.ranked(scores, _read_order()), *scorecard.unranked(scores)]
    return rows.csv_file("providers", _COLUMNS, [_row(score, lines.get(score.provider, _UNKNOWN)) for score in shown])


@BLUEPRINT.get("/providers/schools.csv")
@for_role(Role.ANALYST)
def download_schools() -> Response:
    """Give the schools that the table counts, those of one provider where the address names it."""
    of = asked.text("of")
    with desk().store.reader() as snapshot:
        served = pages_providers.served_schools(snapshot, desk().measure, _read_filter())
        found = [one for one in served if of in ("", one.provider)]
        codes = [one.code for one in found]
        packs, by_cable = pages_providers.pack_tests(snapshot, codes), _by_cable(snapshot, codes)
    shown = [
        (
            *(one.provider, one.technology, one.area, one.code, one.name, one.verdict, one.median_bps),
            *(one.contract_mbps, scorecard.delivered(one), one.idle_rtt_ms, one.loaded_ms, one.loaded_tests),
            *(one.window_from, one.day),
            *(packs.get(one.code), by_cable.get(one.code, 0)),
        )
        for one in found
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


def _drawn(snapshot: Snapshot, scores: Sequence[Score], wanted: ProviderFilter) -> Mapping[str, Drawn]:
    """Return the pictures of those that are compared; of a whole country they are drawn once."""

    def draw() -> Mapping[str, Drawn]:
        return {score.provider: _draw(score) for score in scores if score.is_ranked}

    if any(wanted):
        return draw()
    return remembered.of_votes("providers_drawn", snapshot, desk().measure, draw, language())


def _draw(score: Score) -> Drawn:
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
    return Drawn(
        strip=small.meeting_strip(score.meets, score.judged, bounds),
        share_range=shown,
        dots=compare.contract_dots(score.shares, score.typical, str(label)) if score.shares else Markup(""),
        each=compare.schools_a_dot(score.shares),
    )


def _delay(score: Score, goal_ms: float | None) -> Markup:
    if score.loaded_ms is None:
        return Markup("")
    label = say(
        "%(provider)s: %(idle)s ms while idle, %(loaded)s ms under load at the middle school",
        provider=score.provider,
        idle=present.milliseconds(score.idle_rtt_ms),
        loaded=present.milliseconds(score.loaded_ms),
    )
    return compare.delay_dumbbell(score.idle_rtt_ms, score.loaded_ms, goal_ms, str(label))


def _slowest(ranked: Sequence[Score], goal_ms: float | None) -> Markup:
    """Return what the delays under load say, in a sentence; empty where nobody's is known."""
    known = [(one.loaded_ms, one) for one in ranked if one.loaded_ms is not None]
    if not known:
        return Markup("")
    worst_ms, worst = max(known, key=lambda pair: pair[0])
    late = sum(ms > goal_ms for ms, _one in known) if goal_ms is not None else 0
    values = {"provider": worst.provider, "ms": present.milliseconds(worst_ms)}
    if goal_ms is None:
        return say("A busy line of %(provider)s answers the latest: after %(ms)s ms", **values)
    values["goal"] = present.milliseconds(goal_ms)
    if not late:
        return say("A busy line answers within %(goal)s ms with every provider", goal=values["goal"])
    if late == 1:
        return say("A busy line of %(provider)s answers after %(ms)s ms; %(goal)s is the most for a call", **values)
    return say(
        "A busy line answers after more than %(goal)s ms with %(late)s of %(all)s providers, the latest %(provider)s",
        goal=values["goal"],
        late=present.number(late),
        all=present.number(len(known)),
        provider=worst.provider,
    )


def _beside(snapshot: Snapshot, scores: Sequence[Score]) -> Beside | None:
    """Return the schools of the provider that the address names, else of the worst one."""
    wanted, by = asked.text("of"), asked.text("by")
    named = next((score for score in scores if score.provider == wanted), None)
    score = named or next(iter(scorecard.ranked(scores)), None)
    if score is None:
        return None
    by = by if by in _BY else "contract"
    schools: Sequence[Delivered] = getattr(score, _BY[by])
    shown = schools[: asked.limit(SCHOOLS)]
    evidence = _evidence(snapshot, [one.school for one in shown])
    return Beside(score.provider, by, shown, len(schools), evidence, _cable_from(desk()))


def _cable_from(parts: Desk) -> str:
    """Return the day from which tests by cable are counted: as many days as evidence is usually asked of."""
    return present.shift_day(local_day(parts.now_ms, parts.zone), 1 - proof_form.USUAL_DAYS)


def _evidence(snapshot: Snapshot, shown: Sequence[ServedSchool]) -> Evidence:
    parts = desk()
    zones = {one.code: parts.zone_of(one.timezone) for one in shown[:_COUNTED]}
    return Evidence(proof_form.counts(snapshot, parts, zones), _by_cable(snapshot, [one.code for one in shown]))


def _by_cable(snapshot: Snapshot, codes: Sequence[str]) -> dict[str, int]:
    from_ms = midnight_ms(_cable_from(desk()), desk().zone)
    return pages_providers.cable_tests(snapshot, codes, from_ms)


def _mixed(ranked: Sequence[Score]) -> str:
    """Return who serves by what, where providers use different technologies; empty where they do not."""
    named = [score for score in ranked if score.technologies]
    if len({score.technologies[0] for score in named}) < 2:
        return ""
    shown = (f"{score.provider}{present.colon()}{', '.join(score.technologies)}" for score in named[:8])
    return present.semicolon().join(shown) + "."


def _row(score: Score, lines: Reliability) -> tuple[Any, ...]:
    worst = score.worst_areas[0] if score.worst_areas else None
    interval = score.interval
    return (
        *(score.provider, ", ".join(score.technologies) or None, score.is_ranked),
        *(score.schools, score.judged, score.meets, score.below, score.share),
        *((interval.lower, interval.upper) if interval else (None, None)),
        *(len(score.delivered), score.typical, score.under if score.delivered else None, score.flags),
        *(score.idle_rtt_ms, len(score.delays), score.loaded_ms, len(score.loads)),
        *(lines.up, lines.outages, lines.repair_ms / 60_000 if lines.repair_ms is not None else None),
        *((worst.area, worst.meets, worst.judged) if worst else (None, None, None)),
    )
