"""What the tests of some days say of a school: why it is slow, what it is good for, each with the tests behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from collector.domain import fitness
from collector.domain.diagnosis.examine import examine
from collector.domain.diagnosis.facts import Cause, Fact, Hint, Key, Site
from collector.domain.fitness import Judged, Quality
from collector.domain.targets import BPS_PER_MBPS, technology_of
from collector.profiles import use_limits as published
from collector.store.queries import use_limits
from collector.store.queries.pages import school_tests
from collector.store.queries.pages.schools import SchoolRow
from collector.store.queries.use_limits import LimitsDecision
from collector.store.unit import Snapshot
from collector.web.http.addresses import url_for
from collector.web.views import evidence


@dataclass(frozen=True)
class Span:
    """Local days of a school, both included."""

    first: str
    last: str


@dataclass(frozen=True)
class Why:
    """What the tests of a span say."""

    code: str
    span: Span
    site: Site
    hints: tuple[Hint, ...]
    uses: tuple[Judged, ...]
    decided: LimitsDecision | None  # who has set the limits of the uses; None: they are the published ones

    def address(self, *, hint: Cause | None = None, part: str | None = None, use: str | None = None) -> str:
        """Return the address of the list of exactly the tests that say something.

        Args:
            hint: A cause.
            part: One group of its tests; None: all.
            use: A use and one of its limits, as `use_key` gives it.
        """
        days: dict[str, Any] = {"from": self.span.first, "to": self.span.last}
        return url_for("school_tests.show", code=self.code, hint=hint, part=part, use=use, **days)

    def hint(self, cause: Cause) -> Hint | None:
        """Return one hint; None where the tests do not support it."""
        return next((hint for hint in self.hints if hint.cause is cause), None)

    def use_keys(self, key: str) -> frozenset[Key]:
        """Return the tests that one limit of a use rests on."""
        for judged in self.uses:
            for found in judged.findings:
                if use_key(judged, found.quality) == key:
                    return found.keys
        return frozenset()


def goal_ms(snapshot: Snapshot) -> float | None:
    """Return within which time answers have to come under load for a class on video; None: nothing is asked for."""
    decided = use_limits.in_force(snapshot)
    return published.held(decided.limits if decided else None).class_delay_ms


def use_key(judged: Judged, quality: Quality) -> str:
    """Return what an address calls one limit of a use."""
    return f"{judged.use.id}.{quality}"


def part_keys(hint: Hint, name: str) -> frozenset[Key]:
    """Return the tests of one group of a hint; all of them where it has no such group."""
    return frozenset(key for part in hint.parts if part.name == name for key in part.keys) or hint.keys


def parts_of(hint: Hint) -> Mapping[Key, list[str]]:
    """Return in which groups of a hint each of its tests is; a group of all of them goes without saying."""
    found: dict[Key, list[str]] = {}
    for part in hint.parts:
        for key in part.keys if set(part.keys) != hint.keys else ():
            if part.name not in found.setdefault(key, []):
                found[key].append(part.name)
    return found


def judged_span(row: SchoolRow) -> Span | None:
    """Return the days of the newest verdict; None where there is none."""
    return Span(row.window_from, row.day) if row.window_from is not None and row.day is not None else None


def look(snapshot: Snapshot, row: SchoolRow, span: Span, zone: ZoneInfo) -> Why:
    """Return what the tests of a span say of a school, by the target of its newest verdict."""
    facts = _facts(snapshot, row, span, zone)
    decided = use_limits.in_force(snapshot)
    held = published.held(decided.limits if decided else None)
    site = site_of(row)
    return Why(
        code=row.code,
        span=span,
        site=site,
        hints=tuple(examine(facts, site)),
        uses=tuple(fitness.judge(use, facts, row.pupils) for use in held.uses()),
        decided=decided if decided is not None and decided.limits is not None else None,
    )


def _facts(snapshot: Snapshot, row: SchoolRow, span: Span, zone: ZoneInfo) -> list[Fact]:
    from_ms = evidence.midnight_ms(span.first, zone)
    to_ms = evidence.midnight_ms(evidence.day_after(span.last), zone)
    return school_tests.facts(snapshot, row.code, from_ms, to_ms, zone)


def site_of(row: SchoolRow) -> Site:
    """Return what hints need to know of a school."""
    contract = row.contract_download_mbps
    return Site(
        target_bps=row.target_bps,
        contract_bps=round(contract * BPS_PER_MBPS) if contract else None,
        technology=technology_of(row.technology),
    )
