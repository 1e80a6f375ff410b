"""Versions of targets: the nearest place wins, and what held on a day does not change when others are added."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.in_force import Reach, Version, Versions

DAY = date(2026, 11, 25)
PLACES = ((Reach.DEPLOYMENT, ""), (Reach.AREA, "Sur"), (Reach.AREA, "Norte"), (Reach.SCHOOL, "00123"))


def version(number: int, place: tuple[Reach, str], valid_from: date, profile: str | None = "x") -> Version:
    return Version(f"{number:04d}", place[0], place[1], valid_from, profile)


EVERYWHERE = version(1, PLACES[0], DAY)
AREA = version(2, PLACES[1], DAY + timedelta(days=2))
SCHOOL = version(3, PLACES[3], DAY + timedelta(days=4))
AS_WIDER = version(4, PLACES[3], DAY + timedelta(days=6), None)
ALL = Versions([AS_WIDER, SCHOOL, AREA, EVERYWHERE])


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-1, None),
        (0, EVERYWHERE),
        (1, EVERYWHERE),
        (2, AREA),
        (3, AREA),
        (4, SCHOOL),
        (5, SCHOOL),
        (6, AREA),
        (99, AREA),
    ],
)
def test_the_nearest_that_has_begun_holds(after: int, expected: Version | None) -> None:
    assert ALL.on(DAY + timedelta(days=after), "00123", "Sur") == expected


def test_other_places_hold_their_own() -> None:
    day = DAY + timedelta(days=5)

    assert ALL.on(day, "00200", "Sur") == AREA
    assert ALL.on(day, "00200", "Norte") == EVERYWHERE
    assert ALL.on(day, "00200", None) == EVERYWHERE
    assert ALL.on(day, "00200", "Sur / Costa") == AREA
    assert ALL.on(day, "00200", "Sureste") == EVERYWHERE
    assert Versions().on(day, "00123", "Sur") is None


def test_of_two_for_one_day_the_later_decision_holds() -> None:
    second = version(9, PLACES[0], DAY, "y")

    assert Versions([second, EVERYWHERE]).on(DAY, "00123", None) == second


versions = st.builds(
    version,
    st.integers(0, 9999),
    st.sampled_from(PLACES),
    st.integers(-9, 9).map(lambda days: DAY + timedelta(days=days)),
    st.sampled_from(("x", "y", None)),
)


@given(before=st.lists(versions, max_size=8, unique_by=lambda one: one.version_id), later=versions)
def test_a_version_of_days_to_come_changes_no_day_before(before: list[Version], later: Version) -> None:
    for back in range(1, 15):
        day = later.valid_from - timedelta(days=back)
        assert Versions(before).on(day, "00123", "Sur") == Versions([*before, later]).on(day, "00123", "Sur")
