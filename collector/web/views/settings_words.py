"""What devices keep to, in words: settings, their values, where each comes from, and what a decision changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import LazyString

from collector.intake import rules
from collector.intake.rules import NAMES, PAUSED, SITES, Origin, Rules, Wishes
from collector.store.queries.agent_settings import SettingsDecision
from collector.web.forms.settings_form import BYTES_PER_MB
from collector.web.language import present
from collector.web.language.i18n import later, say

SETTINGS: Final[Mapping[str, LazyString]] = {
    "tests_per_window": later("Tests in each third of the school day"),
    "test_bytes": later("Most data of one direction of a test, MB"),
    "day_bytes": later("Most data of a school in a day, MB"),
    "month_bytes": later("Most data of a school in a month, MB"),
    "lease_s": later("How long a permission to test lasts, seconds"),
    PAUSED: later("Tests are paused"),
    SITES: later("Learning sites that PCs look at"),
}
ORIGINS: Final[Mapping[Origin, LazyString]] = {
    Origin.SHIPPED: later("as shipped"),
    Origin.FILE: later("configuration file"),
    Origin.DEPLOYMENT: later("this page, for all schools"),
    Origin.SCHOOL: later("this school"),
}


@dataclass(frozen=True)
class Line:
    """One setting as a row."""

    name: str
    value: str
    origin: Origin


@dataclass(frozen=True)
class Changed:
    """What one decision changed of one setting."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One decision with what it changed."""

    decision: SettingsDecision
    changes: tuple[Changed, ...]


def value(name: str, found: Any) -> str:
    """Return a value as people read it; None is what the wider place has."""
    if found is None:
        return str(say("as elsewhere"))
    if name == PAUSED:
        return str(say("yes, nobody tests") if found else say("no"))
    if name == SITES:
        return ", ".join(site.name for site in found) or str(say("none"))
    return present.plain(found / BYTES_PER_MB) if name.endswith("_bytes") else present.number(found)


def lines(held: Rules) -> list[Line]:
    """Return what holds, setting by setting."""
    return [Line(name, value(name, getattr(held, name)), held.origins[name]) for name in NAMES]


def changes(before: Wishes, after: Wishes) -> list[tuple[str, Any, Any]]:
    """Return what differs: the name of each setting, what was said before and what is said now."""
    found = [(name, getattr(before, name), getattr(after, name)) for name in NAMES]
    return [one for one in found if one[1] != one[2]]


def entries(made: Sequence[SettingsDecision]) -> list[Entry]:
    """Return decisions, the newest first, each with what it changed of the one before it."""
    said = [rules.wishes(one) for one in made]
    before = [*said, Wishes()][1:]
    return [
        Entry(one, tuple(Changed(name, value(name, old), value(name, new)) for name, old, new in changes(was, now)))
        for one, was, now in zip(made, before, said, strict=True)
    ]


def for_log(before: Wishes, after: Wishes, note: str) -> str:
    """Return what a decision changed as the audit log keeps it, the same in every language."""
    return "; ".join([*(f"{name}: {_raw(old)} -> {_raw(new)}" for name, old, new in changes(before, after)), note])


def _raw(found: Any) -> str:
    if isinstance(found, list):
        return "[" + ", ".join(f"{site.name} {site.url}" for site in found) + "]"
    return "-" if found is None else str(found).lower()
