"""From a school's facts to its target: declarative rules, the first that matches wins, nothing is evaluated as code."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.domain.words import Technology

BPS_PER_MBPS: Final = 1_000_000

# Words in names of technologies, in the order in which they are looked for, in the languages of the pages.
_TECHNOLOGY_WORDS: Final[tuple[tuple[Technology, tuple[str, ...]], ...]] = (
    (Technology.SATELLITE, ("satel", "satél", "vsat", "starlink")),
    (Technology.FIBRE, ("fibr", "fiber", "ftth", "gpon")),
    (Technology.DSL, ("dsl", "copper", "cobre", "cuivre")),
    (Technology.CABLE, ("cable", "cabo", "câble", "coax", "docsis", "hfc")),
    (
        Technology.CELLULAR,
        ("cell", "celular", "mobile", "móvil", "móvel", "lte", "2g", "3g", "4g", "5g"),
    ),
    (Technology.RADIO, ("radio", "rádio", "wireless", "p2p", "p2mp", "microwave", "microondas", "wimax", "wisp")),
)

# ISCED 2011 levels by the words that registries use. A word is taken out where it is found, so the longer come first.
_LEVEL_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("post-secondary", "4"),
    ("postsecundari", "4"),
    ("pre-primary", "0"),
    ("pre primary", "0"),
    ("preprimary", "0"),
    ("early childhood", "0"),
    ("kindergarten", "0"),
    ("nursery", "0"),
    ("preescolar", "0"),
    ("pre-escolar", "0"),
    ("pré-escola", "0"),
    ("inicial", "0"),
    ("infantil", "0"),
    ("creche", "0"),
    ("maternelle", "0"),
    ("secondary", "23"),
    ("secundari", "23"),
    ("secundári", "23"),
    ("secondaire", "23"),
    ("primary", "1"),
    ("primaria", "1"),
    ("primária", "1"),
    ("primaire", "1"),
    ("fundamental", "12"),
    ("ensino médio", "3"),
    ("ensino medio", "3"),
    ("bachillerato", "3"),
    ("lycée", "3"),
    ("collège", "2"),
)
_LEVEL_DIGITS: Final = re.compile(r"(?:isced)?[\s0-8,;/+]+")


@dataclass(frozen=True)
class SchoolFacts:
    """What decides a school's target, as valid on one day; None means unknown."""

    students_total: int | None = None
    students_peak_shift: int | None = None
    shifts: int | None = None
    staff: int | None = None
    education_level: str | None = None  # as the registry has it: words, or ISCED levels "1,2"
    technology: str | None = None  # as the registry has it
    contract_download_mbps: float | None = None  # what is paid for


@dataclass(frozen=True)
class When:
    """Conditions of a rule; all of those given must hold. An unknown fact fulfils none."""

    technology: frozenset[Technology] | None = None  # the school is connected by one of these
    levels_only: frozenset[str] | None = None  # it teaches these ISCED levels and no other


@dataclass(frozen=True)
class Rule:
    """Either a fixed speed, or a rate for each of something, with a floor and a ceiling; all in bit/s."""

    when: When = When()
    fixed_bps: int | None = None
    per: str | None = None  # a name of FACTS
    fallback: tuple[str, ...] = ()  # facts that stand in for `per`, the first known one: the target is estimated
    rate_bps: int | None = None
    at_once: float | None = None  # the part of what is counted that is online at the same time; None: all
    min_bps: int | None = None
    max_bps: int | None = None
    upload_bps: int | None = None  # what the same rule asks of the upload


@dataclass(frozen=True)
class Target:
    """What a school's line should reach, and how that was found."""

    target_bps: int
    is_estimated: bool  # a stand-in was used, or the roll is unknown and the floor holds
    inputs: tuple[tuple[str, str | float], ...]  # the facts that decided
    upload_bps: int | None = None  # shown beside the download, which alone is judged


def _students_total_per_shift(facts: SchoolFacts) -> float | None:
    if facts.students_total is None or not facts.shifts:
        return None
    return facts.students_total / facts.shifts


def _users(facts: SchoolFacts) -> float | None:
    if facts.students_total is None or facts.staff is None:
        return None
    return facts.students_total + facts.staff


_READERS: Final[Mapping[str, Callable[[SchoolFacts], float | None]]] = {
    "students_peak_shift": lambda facts: facts.students_peak_shift,
    "students_total_per_shift": _students_total_per_shift,
    "students_total": lambda facts: facts.students_total,
    "staff": lambda facts: facts.staff,
    "users": _users,
    "contract_download_mbps": lambda facts: facts.contract_download_mbps,
}

FACTS: Final = frozenset(_READERS)


def fact_of(facts: SchoolFacts, name: str) -> float | None:
    """Return a named fact (one of FACTS); None where it is unknown."""
    return _READERS[name](facts)


def technology_of(text: str | None) -> Technology | None:
    """Return the technology that a registry's free text names; None where it says nothing."""
    folded = (text or "").strip().casefold()
    if not folded or folded in ("unknown", "desconocido", "desconhecido", "inconnu", "-"):
        return None
    for technology, words in _TECHNOLOGY_WORDS:
        if any(word in folded for word in words):
            return technology
    return Technology.OTHER


def levels_of(text: str | None) -> frozenset[str]:
    """Return the ISCED 2011 levels that a registry's text names; empty where it says nothing that we know.

    Digits are levels ("1,2"). Words are looked for in several languages; "Pre-Primary and Primary" gives 0 and 1.
    """
    folded = (text or "").casefold()
    if _LEVEL_DIGITS.fullmatch(folded):
        return frozenset(folded) & frozenset("012345678")
    levels: set[str] = set()
    for word, found in _LEVEL_WORDS:
        if word in folded:
            folded = folded.replace(word, " ")
            levels.update(found)
    return frozenset(levels)


def resolve(rules: Sequence[Rule], facts: SchoolFacts) -> Target | None:
    """Return the target of a school by the first rule that matches.

    Args:
        rules: In the profile's order.
        facts: Of the school, valid on the day that is judged.

    Returns:
        The target, or None: no rule matches, or the one that does has nothing to count and no floor.
    """
    for rule in rules:
        conditions = _conditions(rule.when, facts)
        if conditions is not None:
            return _apply(rule, conditions, facts)
    return None


def _conditions(when: When, facts: SchoolFacts) -> tuple[tuple[str, str | float], ...] | None:
    """Return the facts that fulfil the conditions, or None where they are not fulfilled."""
    met: list[tuple[str, str | float]] = []
    if when.technology is not None:
        technology = technology_of(facts.technology)
        if technology is None or technology not in when.technology:
            return None
        met.append(("technology", technology.value))
    if when.levels_only is not None:
        levels = levels_of(facts.education_level)
        if not levels or not levels <= when.levels_only:
            return None
        met.append(("education_level", ",".join(sorted(levels))))
    return tuple(met)


def _apply(rule: Rule, conditions: tuple[tuple[str, str | float], ...], facts: SchoolFacts) -> Target | None:
    if rule.fixed_bps is not None:
        return Target(rule.fixed_bps, False, conditions, rule.upload_bps)
    if rule.per is None or rule.rate_bps is None:
        return None
    for name in (rule.per, *rule.fallback):
        count = fact_of(facts, name)
        if count is not None:
            part = 1.0 if rule.at_once is None else rule.at_once
            target_bps = _bounded(round(count * part * rule.rate_bps), rule)
            if target_bps <= 0:
                return None
            return Target(target_bps, name != rule.per, (*conditions, (name, count)), rule.upload_bps)
    if rule.min_bps is None:
        return None
    return Target(rule.min_bps, True, conditions, rule.upload_bps)


def _bounded(target_bps: int, rule: Rule) -> int:
    if rule.min_bps is not None:
        target_bps = max(target_bps, rule.min_bps)
    if rule.max_bps is not None:
        target_bps = min(target_bps, rule.max_bps)
    return target_bps
