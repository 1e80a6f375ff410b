"""The six questions that a school's page answers in one row, each with a word and the number that it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import url_for
from markupsafe import Markup

from collector.domain.fitness import Finding, Outcome, Quality
from collector.domain.low_availability import DEFAULT_PCT
from collector.domain.targets import BPS_PER_MBPS
from collector.profiles.use_limits import CLASS
from collector.store.queries.pages.school import SchoolFlag
from collector.store.queries.pages.schools import CONTRACT_FULL, CONTRACT_UNDER, SchoolRow
from collector.web.language import present
from collector.web.language.i18n import later, say
from collector.web.views import fitness_words, line_up
from collector.web.views.why import Why
from collector.web.words import terms

_UP, _DOUBTS, _SILENT = "low_availability", "data_quality", "not_reporting"
_YES: Final = later("Yes")
_IN_DOUBT: Final = later("In doubt")
_NO: Final = later("No")


@dataclass(frozen=True)
class Answer:
    """One question with its answer."""

    asked: Markup
    mark: str  # of the shape and colour, as verdicts have them
    word: str
    said: Markup  # the number, with a link to what it rests on


def answers(
    row: SchoolRow, flags: Sequence[SchoolFlag], found: Why | None, heard: Markup, aside: Markup
) -> list[Answer]:
    """Return the answers, in the order of the page.

    Args:
        row: The school.
        flags: Of the school.
        found: What the tests of its judged days say; None where it has none.
        heard: How many computers, and when they were heard.
        aside: How many tests were set aside.
    """
    open_kinds = {flag.kind for flag in flags if flag.is_open}
    answered = [
        Answer(say("Enough for teaching?"), *_verdict(row.verdict or "NONE"), _typical(row)),
        _paid(row),
        _up(row, is_flagged=_UP in open_kinds),
        _quick(found),
    ]
    silent = row.heard_ms is None or _SILENT in open_kinds
    answered.append(Answer(say("Is it heard?"), *(("insuf", str(_NO)) if silent else ("meets", str(_YES))), heard))
    doubt = _DOUBTS in open_kinds
    word = ("border", str(_IN_DOUBT)) if doubt else ("meets", str(_YES))
    return [*answered, Answer(say("Is it believable?"), *(word if row.n else _verdict("INSUFFICIENT")), aside)]


def _verdict(name: str) -> tuple[str, str]:
    return terms.VERDICT_CLASS[name], str(terms.VERDICTS[name])


def _typical(row: SchoolRow) -> Markup:
    if row.median_bps is None or not row.target_bps:
        return say("no test counts yet")
    return say(
        "<b>%(speed)s</b> of %(target)s Mbit/s",
        speed=present.mbps(row.median_bps),
        target=Markup('<a href="#target">{}</a>').format(present.target_mbps(row.target_bps)),
    )


def _paid(row: SchoolRow) -> Answer:
    asked = say("What was paid for?")
    if not row.contract_download_mbps:
        return Answer(asked, *_verdict("INSUFFICIENT"), say("not in the registry"))
    contract = present.target_mbps(row.contract_download_mbps * BPS_PER_MBPS)
    if row.median_bps is None or not row.n or row.verdict == "INSUFFICIENT":
        return Answer(asked, *_verdict("INSUFFICIENT"), say("%(speed)s Mbit/s", speed=contract))
    share = row.median_bps / (row.contract_download_mbps * BPS_PER_MBPS)
    name = "BELOW" if share < CONTRACT_UNDER else "BORDERLINE" if share < CONTRACT_FULL else "MEETS"
    shown = Markup('<a href="{}">{}</a>').format(url_for("evidence.show", code=row.code), contract)
    said = say("<b>%(pct)s %%</b> of %(contract)s Mbit/s", pct=present.percent(share), contract=shown)
    return Answer(asked, *_verdict(name), said)


def _up(row: SchoolRow, *, is_flagged: bool) -> Answer:
    asked = say("Is it up?")
    if row.availability is None:
        return Answer(asked, *_verdict("INSUFFICIENT"), say("no PC has seen the line yet"))
    holds = 100 * row.availability >= DEFAULT_PCT
    # Under the goal, but not on enough days for a flag: nobody calls that a fault.
    name = "BELOW" if is_flagged else "MEETS" if holds else "BORDERLINE"
    address = url_for("availability.show", code=row.code)
    shown = Markup('<a href="{}">{}</a>').format(address, line_up.percent(row.availability))
    return Answer(asked, *_verdict(name), say("%(up)s; goal %(goal)s", up=shown, goal=present.plain(DEFAULT_PCT)))


def _quick(found: Why | None) -> Answer:
    asked = say("Is it quick?")
    judged = next((one for one in found.uses if one.use.id == CLASS), None) if found else None
    latency: Finding | None = judged.finding(Quality.LATENCY) if judged else None
    if found is None or judged is None or latency is None:
        return Answer(asked, *_verdict("INSUFFICIENT"), say("no test counts yet"))
    name = {Outcome.HOLDS: "MEETS", Outcome.FAILS: "BELOW"}.get(latency.outcome, "INSUFFICIENT")
    said = fitness_words.said(found, judged, latency)
    need = fitness_words.need_words(judged, Quality.LATENCY)
    return Answer(asked, *_verdict(name), Markup("{}<small>{}</small>").format(said, _under_load(need)))


def _under_load(need: Markup) -> Markup:
    return say("under load %(need)s", need=need)
