"""The checks of the registry, joined with what they look at; what they found is remembered until it changes."""

from collections.abc import Sequence

from flask import current_app

from collector.domain import registry_checks
from collector.domain.registry_checks import Check, Finding, Site
from collector.registry.names import fold
from collector.store.queries import imports, schools
from collector.store.queries.schools import School
from collector.store.unit import Snapshot

_EXTENSION = "enlace_registry_checks"


def findings(snapshot: Snapshot) -> Sequence[Finding]:
    """Return what is odd about the schools of the registry: a second of work for a country, so done once a change."""
    stamp = (snapshot.scope, imports.stamp(snapshot))
    known: tuple[object, Sequence[Finding]] | None = current_app.extensions.get(_EXTENSION)
    if known is None or known[0] != stamp:
        registry = schools.by_code(snapshot)
        known = (stamp, registry_checks.find(_site(school) for school in registry.values()))
        current_app.extensions[_EXTENSION] = known
    return known[1]


def summary(snapshot: Snapshot) -> list[tuple[Check, int]]:
    """Return every check with how many schools it names."""
    counted = registry_checks.counts(findings(snapshot))
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
