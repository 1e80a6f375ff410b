"""The checks of the registry, joined with what they look at."""

from collections.abc import Mapping

from collector.domain import registry_checks
from collector.domain.registry_checks import Check, Finding, Site
from collector.registry.names import fold
from collector.store.queries.schools import School


def findings(registry: Mapping[str, School]) -> list[Finding]:
    """Return what is odd about the schools of a registry."""
    return registry_checks.find(_site(school) for school in registry.values())


def summary(registry: Mapping[str, School]) -> list[tuple[Check, int]]:
    """Return every check with how many schools it names."""
    counted = registry_checks.counts(findings(registry))
    return [(check, counted[check]) for check in Check]


def _site(school: School) -> Site:
    return Site(
        code=school.code,
        name_folded=fold(school.name),
        level=school.education_level,
        latitude=school.latitude,
        longitude=school.longitude,
        area=school.area,
        pupils=school.students_total,
        staff=school.staff,
        provider=school.provider,
        technology=school.technology,
        contract_mbps=school.contract_download_mbps,
    )
