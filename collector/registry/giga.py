"""Giga's names for what the registry knows: a table of schools in either shape is read, and can be written again.

Giga's own id of a school changes when it is worked out anew after a correction: it is kept beside the school and never
its key.
"""

from collections.abc import Iterator
from dataclasses import replace

from collector.registry.csvfile import CsvFile
from collector.store.queries.schools import School

CODE = "school_id_govt"  # the heading that tells such a table
# Ours to theirs, the first one that a table has is taken.
NAMES: dict[str, tuple[str, ...]] = {
    "code": (CODE,),
    "name": ("school_name",),
    "area": ("admin1",),
    "students_total": ("num_students",),
    "staff": ("num_teachers",),
    "technology": ("connectivity_type_govt", "connectivity_type"),
    "contract_download_mbps": ("download_speed_contracted",),
}
KNOWN = frozenset(name for names in NAMES.values() for name in names)
# The columns of their master table that a registry can fill, in their order; those that we have no word for are kept
# from the file that brought them.
COLUMNS = (
    "school_id_giga", CODE, "school_name", "latitude", "longitude", "education_level", "education_level_govt",
    "school_address", "school_area_type", "school_funding_type", "school_establishment_year", "is_school_open",
    "connectivity", "connectivity_govt", "connectivity_type_govt", "connectivity_govt_collection_year",
    "download_speed_contracted", "download_speed_govt", "download_speed_benchmark", "electricity_availability",
    "electricity_type", "computer_availability", "computer_lab", "num_computers", "num_computers_desired",
    "num_tablets", "num_students", "num_students_girls", "num_students_boys", "num_teachers", "num_adm_personnel",
    "num_classrooms", "num_latrines", "water_availability", "cellular_coverage_availability",
    "cellular_coverage_type", "fiber_node_distance", "school_data_source", "school_data_collection_year",
)  # fmt: skip


def is_giga(table: CsvFile) -> bool:
    """Return whether a table has Giga's names."""
    return CODE in table.headings and "code" not in table.headings


def renamed(table: CsvFile) -> tuple[CsvFile, dict[str, str]]:
    """Return a table with our headings, and what the file calls each of those that were renamed."""
    if not is_giga(table):
        return table, {}
    theirs: dict[str, str] = {}
    for ours, names in NAMES.items():
        found = next((name for name in names if name in table.headings), None)
        if found and ours not in table.headings:
            theirs[ours] = found
    ours_of = {name: ours for ours, name in theirs.items()}
    headings = tuple(ours_of.get(heading, heading) for heading in table.headings)
    return replace(table, headings=headings), theirs


def row_of(school: School) -> list[str]:
    """Return a school as a row of Giga's master table, unknown as an empty cell."""
    ours = {names[0]: getattr(school, name) for name, names in NAMES.items()}
    ours |= {name: getattr(school, name) for name in ("latitude", "longitude", "education_level")}
    return [_cell(ours[name]) if ours.get(name) is not None else school.extra.get(name, "") for name in COLUMNS]


def _cell(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def rows(registry: dict[str, School]) -> Iterator[list[str]]:
    """Yield headings and every school, by code."""
    yield list(COLUMNS)
    for code in sorted(registry):
        yield row_of(registry[code])
