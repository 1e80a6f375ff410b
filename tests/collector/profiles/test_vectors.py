"""Each shipped profile against numbers worked out by hand from its source."""

from datetime import date

import pytest

from collector.domain.targets import Rule, SchoolFacts, resolve
from collector.profiles.catalogue import Catalogue, load

CATALOGUE: Catalogue = load()
MBPS = 1_000_000
DAY = date(2026, 11, 25)


def asked(profile: str, facts: SchoolFacts, day: date = DAY) -> tuple[float, float | None, bool] | None:
    """Return download and upload in Mbit/s and whether they are estimated."""
    version = CATALOGUE.on(profile, day)
    assert version is not None
    target = resolve(version.rules, facts)
    if target is None:
        return None
    upload = None if target.upload_bps is None else target.upload_bps / MBPS
    return target.target_bps / MBPS, upload, target.is_estimated


@pytest.mark.parametrize(
    ("profile", "facts", "expected"),
    [
        ("giga-maps-global", SchoolFacts(students_total=1500), (20, None, False)),
        ("giga-maps-global", SchoolFacts(), (20, None, False)),
        ("per-pupil-1mbps", SchoolFacts(students_total=30), (30, None, False)),
        ("per-pupil-1mbps", SchoolFacts(students_total=1500), (1500, None, False)),
        ("per-pupil-1mbps", SchoolFacts(students_peak_shift=40), (40, None, True)),
        ("per-pupil-1mbps", SchoolFacts(), None),
        ("us-fcc-short", SchoolFacts(students_total=370, staff=30), (40, None, False)),
        ("us-fcc-short", SchoolFacts(students_total=1000, staff=0), (100, None, False)),
        ("us-fcc-short", SchoolFacts(students_total=400), (40, None, True)),
        ("us-fcc-short", SchoolFacts(staff=30), None),
        ("cl-cpe2030", SchoolFacts(students_total=120), (60, None, False)),
        ("uk-dfe", SchoolFacts(education_level="Primary"), (100, 30, False)),
        ("uk-dfe", SchoolFacts(education_level="0,1"), (100, 30, False)),
        ("uk-dfe", SchoolFacts(education_level="Secondary"), (1000, 1000, False)),
        ("uk-dfe", SchoolFacts(education_level="Primary and Secondary"), (1000, 1000, False)),
        ("uk-dfe", SchoolFacts(), None),
        ("eu-gigabit", SchoolFacts(), (1000, None, False)),
        ("contract", SchoolFacts(contract_download_mbps=30.0), (24, None, False)),
        ("contract", SchoolFacts(contract_download_mbps=0.512), (0.4096, None, False)),
        ("contract", SchoolFacts(students_total=300), None),
        ("un-umc-2030", SchoolFacts(students_total=800), (40, None, False)),
        ("br-enec-2024", SchoolFacts(technology="satellite", students_peak_shift=300), (20, None, False)),
    ],
)
def test_vectors(profile: str, facts: SchoolFacts, expected: tuple[float, float | None, bool] | None) -> None:
    assert asked(profile, facts) == expected


@pytest.mark.parametrize(
    ("day", "expected_mbps"),
    [
        (date(2022, 1, 1), (5.85, 23.4, 78, 156, 292.5)),
        (date(2024, 12, 31), (5.85, 23.4, 78, 156, 292.5)),
        (date(2025, 1, 1), (15, 60, 200, 400, 750)),
        (date(2029, 1, 1), (30, 120, 400, 800, 1500)),
    ],
)
def test_chile_asks_for_more_in_dated_steps(day: date, expected_mbps: tuple[float, ...]) -> None:
    found = [asked("cl-cpe2030", SchoolFacts(students_total=pupils), day) for pupils in (30, 120, 400, 800, 1500)]

    assert [one and one[0] for one in found] == list(expected_mbps)


def test_no_profile_is_in_force_before_it_was_published() -> None:
    assert CATALOGUE.on("cl-cpe2030", date(2021, 12, 31)) is None
    assert CATALOGUE.on("un-umc-2030", date(2022, 4, 18)) is None


def test_pupils_that_are_online_at_once_are_a_part_of_all() -> None:
    rule = Rule(per="students_total", rate_bps=MBPS, at_once=0.3, min_bps=10 * MBPS, max_bps=50 * MBPS)
    found = [resolve((rule,), SchoolFacts(students_total=pupils)) for pupils in (20, 100, 1000)]

    assert [one and one.target_bps for one in found] == [10 * MBPS, 30 * MBPS, 50 * MBPS]
