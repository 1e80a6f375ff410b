"""A proof in whole sentences: what is missing, what the tests say, what was asked of computers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from zoneinfo import ZoneInfo

from markupsafe import Markup

from collector.domain import proof as rule
from collector.domain.contracts import Finding, Question
from collector.evaluate.proof import DayCount, Proof, Tested
from collector.web.charts import proof as picture
from collector.web.charts.proof import Dot, Level, Panel
from collector.web.language import present
from collector.web.language.i18n import say, say_many


@dataclass(frozen=True)
class Asked:
    """One question to the tests, in words."""

    asked: Markup
    answer: Markup
    so: Markup
    is_kept: bool


@dataclass(frozen=True)
class Day:
    """What the tests that count on one day say."""

    day: str
    tests: int
    slowest_bps: int
    typical_bps: float
    fastest_bps: int


def missing(proof: Proof) -> Markup:
    """Return in one sentence what a proof still needs."""
    have, lack = len(proof.counted), rule.TESTS - len(proof.counted)
    if proof.terms is None:
        return say("The registry has no contract of this school: nobody can say what its tests should reach.")
    if proof.is_complete:
        return say("%(have)s of %(have)s tests: all are there, ten on each of three days.", have=have)
    if not proof.choice.coming:
        if proof.wanted.last < _today(proof):
            return say("%(have)s of 30 tests. This period is over: no test can be added to it.", have=have)
        return say(
            "%(have)s of 30 tests. The next two weeks have too few school days for the others: come back later.",
            have=have,
        )
    if proof.choice.by is None:
        return say("%(have)s of 30 tests. It needs ten tests on each of three days within 14 days.", have=have)
    return say_many(
        "%(have)s of 30 tests. It needs %(lack)s more on %(num)s more day, by %(by)s.",
        "%(have)s of 30 tests. It needs %(lack)s more on %(num)s more days, by %(by)s.",
        proof.choice.missing_days,
        have=have,
        lack=lack,
        by=long_day(proof.choice.by.isoformat()),
    )


def _today(proof: Proof) -> date:
    return present.local(proof.wanted.now_ms, zone_of(proof)).date()


def zone_of(proof: Proof) -> ZoneInfo:
    """Return the zone that the days of a proof are of."""
    return ZoneInfo(proof.timezone)


def long_day(iso: str) -> str:
    """Return `Thursday 26 November`."""
    return f"{present.weekday(iso)} {present.day(iso)}"


def result(proof: Proof) -> Markup:
    """Return what a complete proof shows, the contract's speed beside what is typical."""
    contract = present.with_unit(present.target_mbps(proof.terms.max_bps)) if proof.terms else ""
    values = {"contract": contract, "typical": present.with_unit(present.mbps(typical_bps(proof.counted)))}
    if not proof.is_complete:
        return say("No result yet: the tests are not all there.")
    if proof.is_kept:
        return say(
            "These 30 tests do not show less than the contract of %(contract)s. The typical test was %(typical)s.",
            **values,
        )
    return say(
        "These 30 tests show less than the contract of %(contract)s. The typical test was %(typical)s.", **values
    )


def typical_bps(tests: Sequence[Tested]) -> float | None:
    """Return the median download of tests, None where there is none."""
    speeds = [one.row.measured.download_bps for one in tests if one.row.measured.download_bps is not None]
    return median(speeds) if speeds else None


def questions(proof: Proof) -> list[Asked]:
    """Return the three questions with the answers of a complete proof."""
    return [_asked(one) for one in proof.findings]


def _asked(one: Finding) -> Asked:
    speed = present.with_unit(present.target_mbps(one.bps))
    so = say("The contract is kept") if one.is_kept else say("Less than the contract")
    values = {"speed": speed, "found": one.found, "of": one.of, "needed": one.needed}
    if one.question is Question.BEST:
        asked = say("Was %(speed)s, 90 %% of the contract, reached once on %(needed)s of %(of)s days?", **values)
        return Asked(asked, say("On %(found)s of %(of)s days", **values), so, one.is_kept)
    if one.question is Question.USUAL:
        asked = say("Did %(needed)s of %(of)s tests reach %(speed)s, the speed that is usually to be had?", **values)
        return Asked(asked, say("%(found)s of %(of)s tests", **values), so, one.is_kept)
    asked = say("Were there %(needed)s of %(of)s days without any test under %(speed)s, the least?", **values)
    return Asked(asked, say("%(found)s of %(of)s days", **values), so, one.is_kept)


def days(proof: Proof) -> list[Day]:
    """Return the days that count, with the speeds of their tests."""
    by_day: dict[str, list[int]] = {}
    for one in proof.counted:
        if one.row.measured.download_bps is not None:
            by_day.setdefault(one.day.isoformat(), []).append(one.row.measured.download_bps)
    return [Day(day, len(bps), min(bps), median(bps), max(bps)) for day, bps in sorted(by_day.items())]


def hours(proof: Proof, windows: Sequence[tuple[int, int]]) -> list[tuple[str, list[str]]]:
    """Return windows as days with their hours: `Tue 24 Nov`, `05:00 to 07:00`."""
    found: dict[str, list[str]] = {}
    for from_ms, to_ms in windows:
        first, last = (present.local(moment_ms, zone_of(proof)) for moment_ms in (from_ms, to_ms))
        shown = say("%(first)s to %(last)s", first=f"{first:%H:%M}", last=f"{last:%H:%M}")
        found.setdefault(present.weekday_day(first.date().isoformat()), []).append(str(shown))
    return list(found.items())


def pictures(proof: Proof) -> tuple[Markup, Markup] | None:
    """Return the picture of the days that count for a wide page and a narrow one; None where there is no such day."""
    shown = sorted({one.day for one in proof.counted})
    if not shown or proof.terms is None:
        return None
    panels = [
        Panel(
            present.weekday_day(day.isoformat()),
            [_dot(one, proof) for one in proof.tests if one.day == day and one.row.measured.download_bps is not None],
        )
        for day in shown
    ]
    terms = proof.terms
    named = (
        (terms.max_bps, say("Contract %(speed)s", speed=present.target_mbps(terms.max_bps)), "c-contract"),
        (terms.nearly_bps, say("90 %% of it: %(speed)s", speed=present.target_mbps(terms.nearly_bps)), "c-target"),
        (terms.normal_bps, say("Usual %(speed)s", speed=present.target_mbps(terms.normal_bps)), "c-dash"),
        (terms.min_bps, say("Least %(speed)s", speed=present.target_mbps(terms.min_bps)), "c-dash"),
    )
    levels = [Level(bps, str(name), class_) for bps, name, class_ in named]
    label = str(say("Download speed of every test on the days that count, in Mbit/s"))
    return picture.draw(panels, levels, label, picture.WIDE), picture.draw(panels, levels, label, picture.NARROW)


def bar(day: DayCount) -> Markup:
    """Return how many of a day's ten tests there are, drawn."""
    return picture.progress_bar(day.tests, rule.DAY_TESTS)


def _dot(one: Tested, proof: Proof) -> Dot:
    when = present.local(one.row.measured.started_ms, zone_of(proof))
    of_day = (when.hour * 60 + when.minute) / 1440
    return Dot(of_day, one.row.measured.download_bps or 0, one.reason is None)
