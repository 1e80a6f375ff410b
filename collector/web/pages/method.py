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
    what = _what(rule)
    if rule.upload_bps is not None:
        upload = present.number(rule.upload_bps / BPS_PER_MBPS)
        what = say("%(what)s, and %(upload)s Mbit/s of upload", what=what, upload=upload)
    if rule.when.technology:
        names = ", ".join(sorted(words.word_of(words.TECHNOLOGIES, name) for name in rule.when.technology))
        return str(say("Connected by %(names)s: %(what)s.", names=names, what=what))
    if rule.when.levels_only:
        levels = ", ".join(sorted(rule.when.levels_only))
        return str(say("Teaching only ISCED level %(levels)s: %(what)s.", levels=levels, what=what))
    return str(say("All others: %(what)s.", what=what))


def _what(rule: Rule) -> Markup:
    if rule.fixed_bps is not None:
        return say("%(speed)s Mbit/s", speed=_speed(rule.fixed_bps))
    if rule.per == "contract_download_mbps":
        part = present.percent((rule.rate_bps or 0) / BPS_PER_MBPS)
        return say("%(part)s %% of the contracted download speed", part=part)
    return _per_words(rule)


def _speed(bps: int) -> str:
    """Return a speed of a rule with as many decimals as it has, three at most."""
    mbps = bps / BPS_PER_MBPS
    return present.number(mbps, next(places for places in range(4) if places == 3 or mbps == round(mbps, places)))


def _per_words(rule: Rule) -> Markup:
    values = {
        "rate": _speed(rule.rate_bps or 0),
        "unit": words.word_of(words.COUNTED, rule.per),
        "least": _speed(rule.min_bps or 0),
        "most": _speed(rule.max_bps or 0),
        "part": present.percent(rule.at_once),
    }
    if rule.at_once is not None:
        what = say("%(rate)s Mbit/s for each %(unit)s online at once, who are %(part)s %% of all", **values)
    else:
        what = say("%(rate)s Mbit/s for each %(unit)s", **values)
    if rule.min_bps is not None and rule.max_bps is not None:
        return say("%(what)s, from %(least)s to %(most)s Mbit/s", what=what, **values)
    if rule.min_bps is not None:
        return say("%(what)s, at least %(least)s Mbit/s", what=what, **values)
    if rule.max_bps is not None:
        return say("%(what)s, at most %(most)s Mbit/s", what=what, **values)
    return what


@BLUEPRINT.get("/columns")
def columns() -> str:
    """Show what every column of every export means."""
    with desk().store.reader() as snapshot:
        return page("method/columns.html", snapshot, tables=dictionary.tables(language()))
