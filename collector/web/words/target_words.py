"""Targets in words: what they are called, where they hold, what each rule asks for."""

from collections.abc import Iterable, Sequence
from functools import cache

from markupsafe import Markup

from collector.domain.in_force import Reach
from collector.domain.targets import BPS_PER_MBPS, Rule
from collector.profiles import catalogue
from collector.profiles.catalogue import Catalogue, Profile
from collector.profiles.choices import OWN, own_profile
from collector.store.queries.target_versions import Decision
from collector.web.desk import desk
from collector.web.language import present
from collector.web.language.i18n import language, say
from collector.web.words import terms


@cache
def shipped() -> Catalogue:
    """Return the published profiles."""
    return catalogue.load()


def name_of(profile: Profile) -> str:
    """Return the name of a profile in the page's language."""
    return profile.names.get(language(), profile.names["en"])


def profile_of(decision: Decision) -> Profile | None:
    """Return what a decision names, in its newest edition; None: as the wider place has it."""
    if decision.profile is None:
        return None
    return own_profile(decision.rule) if decision.rule is not None else shipped().newest(decision.profile)


def name_of_decision(decision: Decision) -> str:
    """Return what a decision is called."""
    profile = profile_of(decision)
    return str(say("as the wider place has it")) if profile is None else name_of(profile)


def judged_by(target_profile: str | None, version: str | None, made: Sequence[Decision]) -> Profile | None:
    """Return the profile by which an evaluation was made, in its version; None where nobody knows it any more.

    Args:
        target_profile: As the evaluation has it; None: the deployment's own.
        version: Of that profile.
        made: The decisions, for targets of one's own.
    """
    if target_profile == OWN:
        known: Iterable[Profile] = (own_profile(one.rule) for one in made if one.rule is not None)
    else:
        wanted = target_profile or desk().config.profile
        known = (one for one in shipped().profiles if one.id == wanted)
    return next((one for one in known if one.version == version), None)


def name_of_judged(target_profile: str | None, version: str | None, made: Sequence[Decision]) -> str:
    """Return the name of the profile by which an evaluation was made; the arguments are those of `judged_by`."""
    found = judged_by(target_profile, version, made)
    if found is None and target_profile == OWN:
        return str(say("a target of one's own"))
    wanted = target_profile or desk().config.profile
    if found is None and wanted in shipped().ids:
        found = shipped().newest(wanted)
    return name_of(found) if found else wanted


def place_words(reach: str, place: str) -> Markup:
    """Return where a version holds."""
    if reach == Reach.DEPLOYMENT:
        return say("All schools")
    if reach == Reach.AREA:
        return say("District %(name)s", name=place)
    return say("School %(code)s", code=place)


def rule_words(rule: Rule) -> str:
    """Return one rule of a profile as a sentence."""
    what = _what(rule)
    if rule.upload_bps is not None:
        what = say("%(what)s, and %(upload)s Mbit/s of upload", what=what, upload=speed(rule.upload_bps))
    if rule.when.technology:
        names = ", ".join(sorted(terms.word_of(terms.TECHNOLOGIES, name) for name in rule.when.technology))
        return str(say("Connected by %(names)s: %(what)s.", names=names, what=what))
    if rule.when.levels_only:
        levels = ", ".join(sorted(rule.when.levels_only))
        return str(say("Teaching only ISCED level %(levels)s: %(what)s.", levels=levels, what=what))
    return str(say("All others: %(what)s.", what=what))


def _what(rule: Rule) -> Markup:
    if rule.fixed_bps is not None:
        return say("%(speed)s Mbit/s", speed=speed(rule.fixed_bps))
    if rule.per == "contract_download_mbps":
        part = present.percent((rule.rate_bps or 0) / BPS_PER_MBPS)
        return say("%(part)s %% of the contracted download speed", part=part)
    return _per_words(rule)


def speed(bps: int) -> str:
    """Return a speed of a rule in Mbit/s with as many decimals as it has, three at most."""
    mbps = bps / BPS_PER_MBPS
    return present.number(mbps, next(places for places in range(4) if places == 3 or mbps == round(mbps, places)))


def _per_words(rule: Rule) -> Markup:
    values = {
        "rate": speed(rule.rate_bps or 0),
        "unit": terms.word_of(terms.COUNTED, rule.per),
        "least": speed(rule.min_bps or 0),
        "most": speed(rule.max_bps or 0),
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
