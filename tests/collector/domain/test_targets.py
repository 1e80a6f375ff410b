"""Targets: the published vectors, the fallbacks, and facts as registries write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.targets import FACTS, Rule, SchoolFacts, When, fact_of, levels_of, resolve, technology_of
from collector.domain.words import Technology
from collector.profiles.catalogue import load

CATALOGUE = load()
UMC, ENEC = CATALOGUE.newest("un-umc-2030").rules, CATALOGUE.newest("br-enec-2024").rules
MBPS = 1_000_000

PER_USER = {
    "FCC 0.1": (Rule(per="students_total", rate_bps=100_000),),
    "FCC 1.0": (Rule(per="students_total", rate_bps=MBPS),),
    "Chile 195 k": (Rule(per="students_total", rate_bps=195_000),),
    "NSW 5": (Rule(per="students_total", rate_bps=5 * MBPS),),
}


@pytest.mark.parametrize(
    ("pupils", "expected_mbps"),
    [
        (30, (20, 50, 3, 30, 5.85, 150)),
        (120, (20, 120, 12, 120, 23.4, 600)),
        (400, (20, 400, 40, 400, 78, 2000)),
        (800, (40, 800, 80, 800, 156, 4000)),
        (1500, (75, 1000, 150, 1500, 292.5, 7500)),
    ],
)
def test_the_published_vectors(pupils: int, expected_mbps: tuple[float, ...]) -> None:
    """In this order: UN, Brazil, then rates per pupil as other programmes use them."""
    facts = SchoolFacts(students_total=pupils, students_peak_shift=pupils)
    others = [resolve(rules, facts) for rules in PER_USER.values()]
    targets = [resolve(UMC, facts), resolve(ENEC, facts), *others]

    assert [t and t.target_bps for t in targets] == [round(mbps * MBPS) for mbps in expected_mbps]
    assert not any(t.is_estimated for t in targets if t)


@pytest.mark.parametrize(("pupils", "bps"), [(400, 20_000_000), (401, 20_050_000), (399, 20_000_000)])
def test_the_un_target_grows_above_400_pupils(pupils: int, bps: int) -> None:
    target = resolve(UMC, SchoolFacts(students_total=pupils))

    assert target is not None
    assert target.target_bps == bps
    assert target.inputs == (("students_total", pupils),)


@pytest.mark.parametrize(
    ("facts", "mbps", "counted"),
    [
        (SchoolFacts(technology="satellite", students_peak_shift=700), 20, "technology"),
        (SchoolFacts(technology="Internet satelital (VSAT)", education_level="0", staff=80), 20, "technology"),
        (SchoolFacts(education_level="Pre-Primary", staff=50), 50, "staff"),
        (SchoolFacts(education_level="Pre-Primary", staff=51), 51, "staff"),
        (SchoolFacts(education_level="Educação Infantil", staff=12, students_peak_shift=300), 50, "staff"),
        (
            SchoolFacts(education_level="Pre-Primary and Primary", staff=80, students_peak_shift=300),
            300,
            "students_peak_shift",
        ),
        (SchoolFacts(education_level="Primary", students_peak_shift=50), 50, "students_peak_shift"),
        (SchoolFacts(education_level="Primary", students_peak_shift=51), 51, "students_peak_shift"),
        (SchoolFacts(technology="fibre", students_peak_shift=1000), 1000, "students_peak_shift"),
        (SchoolFacts(technology="fibre", students_peak_shift=1001), 1000, "students_peak_shift"),
    ],
)
def test_the_brazilian_rules(facts: SchoolFacts, mbps: int, counted: str) -> None:
    target = resolve(ENEC, facts)

    assert target is not None
    assert (target.target_bps, target.inputs[-1][0], target.is_estimated) == (mbps * MBPS, counted, False)


@pytest.mark.parametrize(
    ("facts", "mbps", "inputs"),
    [
        (SchoolFacts(students_total=500, shifts=2), 250, (("students_total_per_shift", 250.0),)),
        (SchoolFacts(students_total=500), 500, (("students_total", 500),)),
        (SchoolFacts(students_total=500, shifts=0), 500, (("students_total", 500),)),
        (SchoolFacts(), 50, ()),
    ],
)
def test_stand_ins_make_an_estimate(facts: SchoolFacts, mbps: int, inputs: tuple) -> None:
    target = resolve(ENEC, facts)

    assert target is not None
    assert (target.target_bps, target.is_estimated, target.inputs) == (mbps * MBPS, True, inputs)


def test_an_unknown_roll_has_the_floor_and_is_estimated() -> None:
    target = resolve(UMC, SchoolFacts())

    assert target is not None
    assert (target.target_bps, target.is_estimated) == (20 * MBPS, True)


def test_an_unknown_staff_of_a_pre_primary_school_has_the_floor_too() -> None:
    target = resolve(ENEC, SchoolFacts(education_level="0", students_peak_shift=900))

    assert target is not None
    assert (target.target_bps, target.is_estimated) == (50 * MBPS, True)
    assert target.inputs == (("education_level", "0"),)


def test_without_a_floor_an_unknown_roll_has_no_target() -> None:
    assert resolve(PER_USER["NSW 5"], SchoolFacts()) is None


def test_nobody_to_count_and_no_floor_is_no_target() -> None:
    assert resolve(PER_USER["NSW 5"], SchoolFacts(students_total=0)) is None


def test_no_matching_rule_is_no_target() -> None:
    only_satellite = (Rule(when=When(technology=frozenset({Technology.SATELLITE})), fixed_bps=MBPS),)

    assert resolve(only_satellite, SchoolFacts(technology="fibre")) is None
    assert resolve(only_satellite, SchoolFacts()) is None
    assert resolve((), SchoolFacts(students_total=5)) is None


def test_a_rule_with_nothing_to_go_by_has_no_number() -> None:
    assert resolve((Rule(),), SchoolFacts(students_total=5)) is None


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = When(technology=frozenset({Technology.FIBRE}), levels_only=frozenset("0"))
    rules = (Rule(when=both, fixed_bps=MBPS),)

    assert resolve(rules, SchoolFacts(technology="fibra", education_level="0")) is not None
    assert resolve(rules, SchoolFacts(technology="fibra", education_level="1")) is None
    assert resolve(rules, SchoolFacts(technology="dsl", education_level="0")) is None


def test_the_named_facts() -> None:
    facts = SchoolFacts(students_total=300, students_peak_shift=180, shifts=2, staff=20, contract_download_mbps=30)

    assert {name: fact_of(facts, name) for name in FACTS} == {
        "students_peak_shift": 180,
        "students_total_per_shift": 150,
        "students_total": 300,
        "staff": 20,
        "users": 320,
        "contract_download_mbps": 30,
    }
    assert all(fact_of(SchoolFacts(), name) is None for name in FACTS)
    assert fact_of(SchoolFacts(students_total=3), "users") is None
    assert fact_of(SchoolFacts(staff=3), "users") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Satellite", Technology.SATELLITE),
        ("satélite", Technology.SATELLITE),
        ("Starlink", Technology.SATELLITE),
        ("Fibra óptica", Technology.FIBRE),
        ("fiber", Technology.FIBRE),
        ("xDSL", Technology.DSL),
        ("copper", Technology.DSL),
        ("coaxial", Technology.CABLE),
        ("4G LTE", Technology.CELLULAR),
        ("p2p wireless", Technology.RADIO),
        ("pigeon", Technology.OTHER),
        ("unknown", None),
        ("  ", None),
        (None, None),
    ],
)
def test_technologies_as_registries_write_them(text: str | None, expected: Technology | None) -> None:
    assert technology_of(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("1,2", "12"),
        ("ISCED 0; 1", "01"),
        ("Pre-Primary", "0"),
        ("Primary", "1"),
        ("Pre-Primary and Primary", "01"),
        ("Primary, Secondary and Post-Secondary", "1234"),
        ("Secundaria", "23"),
        ("Inicial", "0"),
        ("Ensino Fundamental", "12"),
        ("Colegio 45", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_levels_as_registries_write_them(text: str | None, expected: str) -> None:
    assert levels_of(text) == frozenset(expected)


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_more_pupils_never_lower_a_target(few: int, more: int) -> None:
    few, more = sorted((few, more))
    for rules in (UMC, ENEC):
        low = resolve(rules, SchoolFacts(students_total=few, students_peak_shift=few))
        high = resolve(rules, SchoolFacts(students_total=more, students_peak_shift=more))
        assert low is not None
        assert high is not None
        assert low.target_bps <= high.target_bps
