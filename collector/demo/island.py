"""120 invented schools, and for each what its line is going to do; the registry is written as a CSV file."""

import csv
import io
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

from collector.demo.names import AREAS, KINDS, PLACES, TIMEZONE, Area, Provider

SEED: Final = 20261
TARGET_FLOOR_MBPS: Final = 20.0
TARGET_PER_STUDENT_MBPS: Final = 0.05

OPENINGS: Final = ("mon-fri 07:30-15:30", "mon-fri 07:00-12:00 13:00-16:00", "mon-fri 07:30-13:30")
COLUMNS: Final = (
    "code,name,latitude,longitude,area,timezone,opening,education_level,students_total,students_peak_shift,staff,"
    "provider,technology,contract_download_mbps,contract_upload_mbps"
)


class Fate(StrEnum):
    """What a school's line does over the weeks of the history."""

    GOOD = "good"
    LOW = "low"  # all the time
    EDGE = "edge"  # about at the target
    FELL = "fell"  # good, then low
    MENDED = "mended"  # low, then good
    MENDING = "mending"  # the same, a few days ago
    SILENT = "silent"  # low, then nothing comes any more
    NEW = "new"  # first heard a few days ago
    MORNINGS = "mornings"  # the computer is off in the afternoon
    SMALL_PORT = "small_port"  # a computer that cannot show the target


class Trouble(StrEnum):
    """Why a line is low while it is."""

    PROVIDER = "provider"  # less comes than is paid for
    WIFI = "wifi"  # the PCs stand far from the access point
    BUSY = "busy"  # others at the school use it most of the time


# How many schools have which fate; the rest is good.
FATES: Final = {
    Fate.LOW: 9,
    Fate.EDGE: 12,
    Fate.FELL: 5,
    Fate.MENDED: 5,
    Fate.MENDING: 3,
    Fate.SILENT: 3,
    Fate.NEW: 5,
    Fate.MORNINGS: 2,
    Fate.SMALL_PORT: 3,
}


@dataclass(frozen=True)
class DemoSchool:
    """One invented school."""

    code: str
    name: str
    latitude: float
    longitude: float
    area: str
    opening: str
    education_level: str
    students_total: int
    students_peak_shift: int | None
    staff: int
    provider: Provider
    contract_mbps: int
    fate: Fate
    good_mbps: float  # typical download when all is well
    low_mbps: float  # and when it is not

    @property
    def trouble(self) -> Trouble:
        """Why its line is low, if it is."""
        return tuple(Trouble)[int(self.code) % len(Trouble)]

    @property
    def target_mbps(self) -> float:
        """What the history is drawn around; the evaluation works its own target out."""
        return max(TARGET_FLOOR_MBPS, TARGET_PER_STUDENT_MBPS * self.students_total)


def make_schools(seed: int = SEED) -> tuple[DemoSchool, ...]:
    """Return the schools, the same ones for the same seed."""
    random = Random(seed)  # noqa: S311 -- invented data, the same each time
    places = [(area, number) for area in AREAS for number in range(1, area.schools + 1)]
    fates = [fate for fate, count in FATES.items() for _ in range(count)]
    fates += [Fate.GOOD] * (len(places) - len(fates))
    random.shuffle(fates)
    names = [f"{kind} {place}" for kind in KINDS for place in PLACES]
    random.shuffle(names)
    return tuple(
        _make_school(random, area, number, name, fate)
        for (area, number), name, fate in zip(places, names, fates, strict=False)
    )


def _make_school(random: Random, area: Area, number: int, name: str, fate: Fate) -> DemoSchool:
    town = random.randrange(len(area.towns))
    latitude, longitude = area.towns[town]
    provider = random.choice(area.providers)
    is_small = name.startswith("Escuela Rural")
    students = round(random.triangular(40, 220, 90) if is_small else random.triangular(90, 620, 240))
    target = max(TARGET_FLOOR_MBPS, TARGET_PER_STUDENT_MBPS * students)
    contract = _contract(random, provider, target, fate)
    return DemoSchool(
        code=f"{area.number:02d}{town + 1:02d}{number:03d}",
        name=name,
        latitude=round(latitude + random.uniform(-0.02, 0.02), 5),
        longitude=round(longitude + random.uniform(-0.02, 0.02), 5),
        area=area.name,
        opening=random.choice(OPENINGS),
        education_level=_level(name),
        students_total=students,
        students_peak_shift=round(students * random.uniform(0.55, 1.0)) if random.random() < 0.8 else None,
        staff=max(2, students // random.randint(14, 22)),
        provider=provider,
        contract_mbps=contract,
        fate=fate,
        good_mbps=_good_mbps(random, provider, contract, target, fate),
        low_mbps=target * random.uniform(0.42, 0.74),
    )


def _contract(random: Random, provider: Provider, target: float, fate: Fate) -> int:
    contract = random.choice(provider.contracts_mbps)
    # Who is well off has bought enough for its target.
    return contract if fate is Fate.EDGE else max(contract, 10 * round(target * 2 / 10))


def _good_mbps(random: Random, provider: Provider, contract: int, target: float, fate: Fate) -> float:
    if fate is Fate.EDGE:
        return target * random.uniform(0.97, 1.06)
    if fate is Fate.SMALL_PORT:
        return 9.3  # what a port of 10 Mbit/s carries
    return max(contract * random.uniform(*provider.delivered), target * 1.5)


def _level(name: str) -> str:
    if name.startswith("Liceo"):
        return "Secondary"
    return "Primary and Secondary" if name.startswith("Colegio") else "Primary"


def registry_csv(schools: tuple[DemoSchool, ...]) -> bytes:
    """Return the registry as a ministry would hand it in."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS.split(","))
    for school in schools:
        upload = round(school.contract_mbps * school.provider.upload_part, 1)
        writer.writerow(
            [
                school.code,
                school.name,
                school.latitude,
                school.longitude,
                school.area,
                TIMEZONE,
                school.opening,
                school.education_level,
                school.students_total,
                "" if school.students_peak_shift is None else school.students_peak_shift,
                school.staff,
                school.provider.name,
                school.provider.technology,
                school.contract_mbps,
                upload,
            ]
        )
    return buffer.getvalue().encode()
