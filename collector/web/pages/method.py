"""How we judge, from the profile in force and the constants of the rule; and what every column means."""

from collections.abc import Mapping
from functools import cache

from flask import Blueprint
from markupsafe import Markup

from collector.domain.criterion import Criterion
from collector.domain.targets import BPS_PER_MBPS, Rule
from collector.profiles import catalogue
from collector.publish import dictionary
from collector.web import present, words
from collector.web.desk import desk
from collector.web.frame import page
from collector.web.i18n import language, say

BLUEPRINT = Blueprint("method", __name__)


@BLUEPRINT.get("/how-we-judge")
def judge() -> str:
    """Show the rule with its numbers."""
    profile = catalogue.load().newest(desk().config.profile)
    criterion: Criterion = profile.criterion
    with desk().store.reader() as snapshot:
        return page(
            "method/judge.html",
            snapshot,
            profile=profile,
            profile_name=profile_name(),
            rules=[rule_words(rule) for rule in profile.rules],
            criterion=criterion,
        )


def profile_name() -> str:
    """Return the name of the profile that verdicts go by."""
    names = _names(desk().config.profile)
    return names.get(language(), names["en"])


@cache
def _names(profile: str) -> Mapping[str, str]:
    return catalogue.load().newest(profile).names


def rule_words(rule: Rule) -> str:
    """Return one rule of a profile as a sentence."""
    if rule.fixed_bps is not None:
        what = say("%(speed)s Mbit/s", speed=present.number(rule.fixed_bps / BPS_PER_MBPS))
    else:
        what = _per_words(rule)
    if rule.when.technology:
        names = ", ".join(sorted(words.word_of(words.TECHNOLOGIES, name) for name in rule.when.technology))
        return str(say("Connected by %(names)s: %(what)s.", names=names, what=what))
    if rule.when.levels_only:
        levels = ", ".join(sorted(rule.when.levels_only))
        return str(say("Teaching only ISCED level %(levels)s: %(what)s.", levels=levels, what=what))
    return str(say("All others: %(what)s.", what=what))


def _per_words(rule: Rule) -> Markup:
    rate = (rule.rate_bps or 0) / BPS_PER_MBPS
    values = {
        "rate": present.number(rate, 0 if rate == round(rate) else 2),
        "unit": words.word_of(words.COUNTED, rule.per),
        "least": present.number((rule.min_bps or 0) / BPS_PER_MBPS),
        "most": present.number((rule.max_bps or 0) / BPS_PER_MBPS),
    }
    if rule.min_bps is not None and rule.max_bps is not None:
        return say("%(rate)s Mbit/s for each %(unit)s, from %(least)s to %(most)s Mbit/s", **values)
    if rule.min_bps is not None:
        return say("%(rate)s Mbit/s for each %(unit)s, at least %(least)s Mbit/s", **values)
    return say("%(rate)s Mbit/s for each %(unit)s", **values)


@BLUEPRINT.get("/columns")
def columns() -> str:
    """Show what every column of every export means."""
    with desk().store.reader() as snapshot:
        return page("method/columns.html", snapshot, tables=dictionary.tables(language()))
