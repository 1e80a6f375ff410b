"""The monthly report in words: its headline, what changed, what to do, what broke."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from collector.domain.cures import Cure
from collector.publish.monthly import Advice, Monthly, Need, Roll
from collector.store.queries.pages.reports import Tests
from collector.store.queries.pages.schools import NO_VERDICT
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.language.i18n import say, say_many
from collector.web.words import sentences, terms

ONE_DIGIT = 0.01  # smaller shares are said with a decimal
COMPLAINTS = 3  # providers named one by one; the file has them all


@dataclass(frozen=True)
class Proposal:
    """One line of what to do."""

    do: Markup
    because: Markup


def begins(first_day: str) -> str:
    """Return the month as a sentence begins with it: `October 2026`."""
    shown = present.month(first_day)
    return shown[:1].upper() + shown[1:]


def headline(first_day: str, meets: int, schools: int, judged: int, *, is_so_far: bool) -> Markup:
    """Return the result of a month in one sentence, without a full stop.

    Args:
        first_day: Of the month.
        meets: Schools that meet their target.
        schools: Of the registry.
        judged: With enough data.
        is_so_far: The month is not over.
    """
    name = say("%(month)s so far", month=begins(first_day)) if is_so_far else Markup.escape(begins(first_day))
    if not judged:
        return say("%(month)s: no school had enough data to be judged", month=name)
    values = {"month": name, "meets": present.number(meets), "total": present.number(schools)}
    if schools == 1:
        return say("%(month)s: %(meets)s of %(total)s school meets the internet target", **values)
    return say_many(
        "%(month)s: %(meets)s of %(total)s schools meets the internet target",
        "%(month)s: %(meets)s of %(total)s schools meet the internet target",
        meets,
        **values,
    )


def change(report: Monthly, before: str) -> Markup:
    """Return how many more or fewer meet than at the end of the month before, which `before` begins."""
    if not report.both.schools:
        return say("No school had enough data both in this month and in %(month)s.", month=present.month(before))
    more = report.both.change
    words = {"shown": present.number(abs(more)), "month": present.month(before)}
    if more > 0:
        return say("%(shown)s more than in %(month)s, of the schools judged in both months.", **words)
    if more < 0:
        return say("%(shown)s fewer than in %(month)s, of the schools judged in both months.", **words)
    return say("As many as in %(month)s, of the schools judged in both months.", **words)


def below(report: Monthly) -> Markup:
    """Return how many schools are below, with how many pupils, and on whom most of them depend."""
    if not report.judged:
        return Markup("")
    if not report.below:
        return say("No school is below.")
    return _below(report.below, report.pupils_below) + " " + _leaning(report)


def _below(schools: int, roll: Roll) -> Markup:
    shown = present.number(schools)
    if roll.pupils is None:
        return say_many("%(shown)s school is below.", "%(shown)s schools are below.", schools, shown=shown)
    pupils = terms.pupils(roll.pupils, present.number(roll.pupils))
    if not roll.is_whole:
        return say_many(
            "%(shown)s school, with at least %(pupils)s, is below.",
            "%(shown)s schools, with at least %(pupils)s, are below.",
            schools,
            shown=shown,
            pupils=pupils,
        )
    return say_many(
        "%(shown)s school, with %(pupils)s, is below.",
        "%(shown)s schools, with %(pupils)s, are below.",
        schools,
        shown=shown,
        pupils=pupils,
    )


def pupils_below(report: Monthly) -> tuple[str, Markup]:
    """Return the second number of the report and what it says."""
    below, everywhere = report.pupils_below, report.pupils
    total = present.number(everywhere.pupils)
    shown = None if not report.judged else below.pupils
    words = say_many(
        "pupil in schools below, of %(total)s", "pupils in schools below, of %(total)s", shown or 0, total=total
    )
    if not (below.is_whole and everywhere.is_whole):
        words += present.semicolon() + say("some rolls are not known")
    return present.number(shown), words


def _leaning(report: Monthly) -> Markup:
    most = report.leaning
    if most is None:
        return Markup("")
    if most.share is None:
        return say("Most of them depend on one provider, %(provider)s.", provider=most.provider)
    return say(
        "Most of them depend on one provider, %(provider)s, which typically delivers %(pct)s %% of what is contracted.",
        provider=most.provider,
        pct=present.percent(most.share),
    )


def thin(report: Monthly) -> Markup:
    """Return a warning where fewer than half of the schools have enough data; empty where there are more."""
    if not report.judged or 2 * report.judged >= report.schools:
        return Markup("")
    return say_many(
        "Only %(judged)s of %(total)s schools had enough data in this month: the figures speak of it, not of all.",
        "Only %(judged)s of %(total)s schools had enough data in this month: the figures speak of these, not of all.",
        report.judged,
        judged=present.number(report.judged),
        total=present.number(report.schools),
    )


def proposals(advice: Sequence[Advice], with_pack: Collection[str]) -> list[Proposal]:
    """Return what to do; complaints to many providers are summed up after the first ones.

    Args:
        advice: As the report has it.
        with_pack: Schools of which there is an evidence pack that is complete.
    """
    complaints = [one for one in advice if one.what is Cure.COMPLAIN]
    shown = [
        Proposal(sentences.do(Cure.COMPLAIN, one.provider), _why(one, with_pack)) for one in complaints[:COMPLAINTS]
    ]
    if others := complaints[COMPLAINTS:]:
        codes = tuple(code for one in others for code in one.schools)
        to = say_many(
            "Complain to %(num)s other provider: send the evidence",
            "Complain to %(num)s other providers: send the evidence",
            len(others),
        )
        shown.append(Proposal(to, _why(Advice(Cure.COMPLAIN, None, codes), with_pack)))
    return shown + [Proposal(_do(one), _why(one, ())) for one in advice if one.what is not Cure.COMPLAIN]


def _do(one: Advice) -> Markup:
    if isinstance(one.what, Cure):
        return sentences.do(one.what, None)
    if one.what is Need.BETTER_PORT:
        return say("Use a cable, or a faster port")
    if one.what is Need.SECOND_PC:
        return say("Install a second PC, or leave one switched on")
    return say("Find out why nothing comes")


def _why(one: Advice, with_pack: Collection[str]) -> Markup:
    schools, count = len(one.schools), {"shown": present.number(len(one.schools))}
    if one.what is Cure.COMPLAIN:
        because = say_many(
            "%(shown)s school below gets less than 80 %% of its contract.",
            "%(shown)s schools below get less than 80 %% of their contracts.",
            schools,
            **count,
        )
        return because + _packs(one, with_pack)
    if one.what is Cure.BUY:
        return say_many(
            "%(shown)s school below gets what is paid for, and that is less than its target.",
            "%(shown)s schools below get what is paid for, and that is less than their targets.",
            schools,
            **count,
        )
    if one.what is Cure.LOOK:
        return say_many(
            "%(shown)s school below gets what should be enough: its line may be full in class hours.",
            "%(shown)s schools below get what should be enough: their lines may be full in class hours.",
            schools,
            **count,
        )
    if one.what is Cure.FIND_OUT:
        return say_many(
            "Of %(shown)s school below the registry has no contract.",
            "Of %(shown)s schools below the registry has no contract.",
            schools,
            **count,
        )
    return _why_not_judged(one)


def _why_not_judged(one: Advice) -> Markup:
    schools, count = len(one.schools), {"shown": present.number(len(one.schools))}
    if one.what is Need.BETTER_PORT:
        return say_many(
            "The PC of %(shown)s school cannot show the target.",
            "The PCs of %(shown)s schools cannot show the target.",
            schools,
            **count,
        )
    if one.what is Need.SECOND_PC:
        return say_many(
            "%(shown)s school has too few tests for a verdict.",
            "%(shown)s schools have too few tests for a verdict.",
            schools,
            **count,
        )
    return say_many(
        "Of %(shown)s school no test was judged in this month.",
        "Of %(shown)s schools no test was judged in this month.",
        schools,
        **count,
    )


def _packs(one: Advice, with_pack: Collection[str]) -> Markup:
    complete = sum(code in with_pack for code in one.schools)
    if not complete:
        return Markup("")
    return Markup(" ") + say_many(
        "%(shown)s evidence pack is complete.",
        "%(shown)s evidence packs are complete.",
        complete,
        shown=present.number(complete),
    )


def moved(report: Monthly, fell: Markup, recovered: Markup) -> Markup:
    """Return how many schools fell below in the month and how many recovered.

    Args:
        report: The month.
        fell: How many fell, with a link where there is one.
        recovered: The same of those that recovered.
    """
    first = say_many("%(shown)s school fell below in this month.", "%(shown)s schools fell below in this month.",
                     report.fell, shown=fell)  # fmt: skip
    second = say_many("%(shown)s recovered.", "%(shown)s have recovered.", report.recovered, shown=recovered)
    return first + " " + second


def share_meeting(report: Monthly, before: str) -> Markup:
    """Return what the first number says, and what it was in the month before, of the same schools."""
    first = say("of the schools meet the target")
    both = report.both
    if not both.schools:
        return first
    return (
        first
        + present.semicolon()
        + say_many(
            "of the %(schools)s school judged in both months %(now)s %%, in %(month)s %(then)s %%",
            "of the %(schools)s schools judged in both months %(now)s %%, in %(month)s %(then)s %%",
            both.schools,
            schools=present.number(both.schools),
            now=present.percent(both.meet / both.schools, 1),
            then=present.percent(both.met / both.schools, 1),
            month=present.month(before),
        )
    )


def quality(report: Monthly, tests: Tests) -> Markup:
    """Return which part of the tests did not count, and of how many schools nothing is said.

    Args:
        report: The month.
        tests: Those of the month.
    """
    few = report.counts.get("INSUFFICIENT", 0) + report.counts.get(NO_VERDICT, 0)
    if not few:
        return _set_aside(tests) + " " + say("Of every school there were enough tests.")
    second = say_many(
        "Of %(shown)s school there are not enough tests: nothing is said of it.",
        "Of %(shown)s schools there are not enough tests: nothing is said of them.",
        few,
        shown=present.number(few),
    )
    return _set_aside(tests) + " " + second


def _set_aside(tests: Tests) -> Markup:
    aside = tests.made - tests.voting
    if not aside:
        return say("No test was set aside.")
    share = aside / tests.made
    return say_many(
        "%(shown)s test of %(total)s (%(pct)s %%) was set aside, with its reason.",
        "%(shown)s tests of %(total)s (%(pct)s %%) were set aside, each with its reason.",
        aside,
        shown=present.number(aside),
        total=present.number(tests.made),
        pct=present.percent(share, 0 if share >= ONE_DIGIT else 1),
    )


def method(share: float) -> Markup:
    """Return the rule in a few sentences.

    Args:
        share: Of the tests, that has to reach the target.
    """
    part = say("half") if share == 0.5 else say("%(share)s %%", share=present.percent(share))
    return say(
        "A school <b>meets</b> the target when we can say, with 95 %% confidence, that at least %(part)s of its tests "
        "in school hours reach it. It is <b>below</b> when we can say the opposite. Where the data do not allow "
        "either, it is <b>borderline</b>. Silence is no outage, and missing data never close a flag.",
        part=part,
    )


def share_shown(report: Monthly) -> str:
    """Return which part of the schools meets the target, with its sign."""
    return f"{present.percent(report.meets / report.schools, 1)}{NBSP}%"
