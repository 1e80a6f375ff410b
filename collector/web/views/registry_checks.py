"""The checks of the registry over the schools that a reader sees: made once, until a school changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.domain import registry_checks
from collector.domain.registry_checks import Check, Finding, Site
from collector.store.queries.pages import quality as pages_quality
from collector.store.queries.pages.quality import QualityFilter, SchoolIssue
from collector.store.unit import Snapshot
from collector.web.views import remembered


@dataclass(frozen=True)
class Checked:
    """What is odd about which schools."""

    sites: Mapping[str, Site]  # by code
    findings: Sequence[Finding]  # by check, then by code
    counts: Mapping[Check, int]  # of all of them


def checked(snapshot: Snapshot) -> Checked:
    """Return what is odd about the schools that the reader sees; two of one name are twins only where both are seen."""

    def check() -> Checked:
        sites = pages_quality.sites(snapshot)
        findings = registry_checks.find(sites)
        return Checked({site.code: site for site in sites}, findings, registry_checks.counts(findings))

    return remembered.of_schools("registry_checks", snapshot, check, remembered.COUNTRIES)


def counts(found: Checked, wanted: QualityFilter) -> dict[Check, int]:
    """Return every check with how many schools of a filter it names."""
    if not any(wanted):
        return {check: found.counts[check] for check in Check}
    counted = registry_checks.counts(one for one in found.findings if _fits(found.sites[one.code], wanted))
    return {check: counted[check] for check in Check}


def rows(snapshot: Snapshot, check: Check, wanted: QualityFilter, limit: int | None) -> tuple[list[SchoolIssue], int]:
    """Return the schools of a filter that a check names, and how many they are.

    Those that it names together stand beside each other.

    Args:
        snapshot: Where to look.
        check: Which.
        wanted: Of which schools.
        limit: At most so many; None: all.
    """
    found = checked(snapshot)
    named = [one for one in found.findings if one.check == check and _fits(found.sites[one.code], wanted)]
    some = sorted(named, key=lambda one: (min((one.code, *one.others)), one.code))[:limit]
    return pages_quality.school_issues(snapshot, some), len(named)


def _fits(site: Site, wanted: QualityFilter) -> bool:
    return wanted.area in ("", site.area) and wanted.provider in ("", site.provider)
