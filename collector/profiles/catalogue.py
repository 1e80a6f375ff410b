"""Target profiles as data: one TOML file each, read strictly into values; every version that is known side by side."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from collector.domain.criterion import DEFAULT, Criterion
from collector.domain.targets import FACTS, Rule, When
from collector.domain.words import Technology
from collector.profiles.fields import Fields, ProfileError, a_bps, a_date, a_number, a_part, a_share, a_text

__all__ = ["Catalogue", "Companion", "Direction", "Profile", "ProfileError", "ProfileKind", "Source", "load", "read"]

LANGUAGES: Final = ("en", "es", "pt", "fr")
METRICS: Final = ("download_bps", "upload_bps")
ISCED_LEVELS: Final = tuple("012345678")


class ProfileKind(StrEnum):
    """How binding a profile is."""

    OFFICIAL = "official"
    RECOMMENDATION = "recommendation"
    PROGRAMME = "programme"
    HISTORIC = "historic"
    CUSTOM = "custom"


class Direction(StrEnum):
    """Which side of a companion's value is good."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True)
class Source:
    """Who says so, and where."""

    organisation: str
    document: str
    url: str | None


@dataclass(frozen=True)
class Companion:
    """A further condition that is shown beside the target, in the metric's own unit."""

    metric: str
    direction: Direction
    value: float
    share: float | None  # of the tests that must hold it; None: it is no share of tests


@dataclass(frozen=True)
class Profile:
    """A published rule that turns a school's facts into a target."""

    id: str
    version: str
    names: Mapping[str, str]  # by language, all four
    kind: ProfileKind
    jurisdiction: str
    source: Source
    valid_from: date
    valid_to: date | None  # last day; None: still in force
    metric: str
    criterion: Criterion
    rules: tuple[Rule, ...]
    companions: tuple[Companion, ...]

    def is_valid_on(self, day: date) -> bool:
        """Return whether this version is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Catalogue:
    """All versions of all profiles that a deployment knows."""

    profiles: tuple[Profile, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Each profile once, in alphabetical order."""
        return tuple(sorted({profile.id for profile in self.profiles}))

    def on(self, profile_id: str, day: date) -> Profile | None:
        """Return the newest version of a profile that is in force on a day; None where there is none."""
        valid = [p for p in self.profiles if p.id == profile_id and p.is_valid_on(day)]
        return max(valid, key=lambda profile: (profile.valid_from, profile.version), default=None)

    def newest(self, profile_id: str) -> Profile:
        """Return the newest version of a profile, in force or not.

        Raises:
            KeyError: If no profile has this id.
        """
        versions = [profile for profile in self.profiles if profile.id == profile_id]
        if not versions:
            raise KeyError(profile_id)
        return max(versions, key=lambda profile: (profile.valid_from, profile.version))


def load(extra: Iterable[Path] = ()) -> Catalogue:
    """Return the profiles that are shipped, and those of further files.

    Raises:
        ProfileError: If a file cannot be read, or two have the same id and version.
    """
    texts_by_name = []
    for path in extra:
        try:
            texts_by_name.append((str(path), path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(f"{path}: cannot be read: {error}.") from error
    profiles = (*_shipped(), *(read(text, name) for name, text in texts_by_name))
    seen: set[tuple[str, str]] = set()
    for profile in profiles:
        if (profile.id, profile.version) in seen:
            raise ProfileError(f"Profile {profile.id} has version {profile.version} twice: give one a new version.")
        seen.add((profile.id, profile.version))
    return Catalogue(profiles)


@cache
def _shipped() -> tuple[Profile, ...]:
    """Return the profiles of this version: each evaluation asks for them, and they change with the program alone."""
    found = (entry for entry in files("collector.profiles").iterdir() if entry.name.endswith(".toml"))
    return tuple(read(entry.read_text("utf-8"), entry.name) for entry in sorted(found, key=lambda one: one.name))


def read(text: str, name: str) -> Profile:
    """Return a profile from TOML.

    Args:
        text: The file's text.
        name: The file's name, for messages.

    Raises:
        ProfileError: If it is no TOML, a key is unknown, missing or wrong, or the rules contradict themselves.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}: is no TOML: {error}.") from error
    fields = Fields(table, name)
    profile = Profile(
        id=fields.take("id", a_text),
        version=fields.take("version", a_text),
        names=_names(fields.table("names")),
        kind=ProfileKind(fields.word("kind", tuple(ProfileKind))),
        jurisdiction=fields.take("jurisdiction", a_text),
        source=_source(fields.table("source")),
        valid_from=fields.take("valid_from", a_date),
        valid_to=fields.find("valid_to", a_date),
        metric=fields.word("metric", METRICS),
        criterion=_criterion(fields.table("criterion")),
        rules=tuple(_rule(rule) for rule in fields.tables("rules")),
        companions=tuple(_companion(companion) for companion in fields.tables("companions")),
    )
    fields.end()
    if not profile.rules:
        raise ProfileError(f"{name}: has no rules: add at least one [[rules]].")
    if profile.valid_to is not None and profile.valid_to < profile.valid_from:
        raise ProfileError(f"{name}: valid_to lies before valid_from.")
    return profile


def _names(fields: Fields) -> dict[str, str]:
    names = {language: fields.take(language, a_text) for language in LANGUAGES}
    fields.end()
    return names


def _source(fields: Fields) -> Source:
    source = Source(fields.take("organisation", a_text), fields.take("document", a_text), fields.find("url", a_text))
    fields.end()
    return source


def _criterion(fields: Fields) -> Criterion:
    criterion = replace(DEFAULT, share=fields.take("share", a_share))
    icc = fields.find("day_icc", a_share)
    fields.end()
    return criterion if icc is None else replace(criterion, day_icc=icc)


def _rule(fields: Fields) -> Rule:
    when = _when(fields.table("when")) if fields.has("when") else When()
    rule = Rule(
        when=when,
        fixed_bps=fields.find("fixed", a_bps),
        per=fields.word("per", tuple(sorted(FACTS))) if fields.has("per") else None,
        fallback=fields.words("fallback", tuple(sorted(FACTS))) if fields.has("fallback") else (),
        rate_bps=fields.find("rate", a_bps),
        at_once=fields.find("at_once", a_part),
        min_bps=fields.find("min", a_bps),
        max_bps=fields.find("max", a_bps),
        upload_bps=fields.find("upload", a_bps),
    )
    fields.end()
    if (rule.fixed_bps is None) == (rule.per is None):
        raise ProfileError(f"{fields.where}: needs either `fixed` or `per`.")
    if (rule.per is None) != (rule.rate_bps is None):
        raise ProfileError(f"{fields.where}: `per` and `rate` belong together.")
    is_shaped = rule.fallback or rule.min_bps is not None or rule.max_bps is not None or rule.at_once is not None
    if rule.fixed_bps is not None and is_shaped:
        raise ProfileError(f"{fields.where}: a fixed speed has neither `fallback` nor `min` nor `max` nor `at_once`.")
    if rule.min_bps is not None and rule.max_bps is not None and rule.max_bps < rule.min_bps:
        raise ProfileError(f"{fields.where}: max lies below min.")
    return rule


def _when(fields: Fields) -> When:
    technologies = fields.words("technology", tuple(Technology)) if fields.has("technology") else None
    levels = fields.words("levels_only", ISCED_LEVELS) if fields.has("levels_only") else None
    fields.end()
    if technologies is None and levels is None:
        raise ProfileError(f"{fields.where}: names no condition: leave `when` out, or add one.")
    return When(
        technology=None if technologies is None else frozenset(Technology(word) for word in technologies),
        levels_only=None if levels is None else frozenset(levels),
    )


def _companion(fields: Fields) -> Companion:
    companion = Companion(
        metric=fields.take("metric", a_text),
        direction=Direction(fields.word("direction", tuple(Direction))),
        value=fields.take("value", a_number),
        share=fields.find("share", a_share),
    )
    fields.end()
    return companion
