"""The nearest places, against looking at every one."""

import math
from random import Random

import pytest

from collector.domain import nearness
from collector.domain.nearness import EARTH_KM, Places

Named = tuple[str, float, float]


def km(one: Named, other: Named) -> float:
    """The haversine formula, which the tree does not use."""
    up, down = math.radians(one[1]), math.radians(other[1])
    across = math.radians(other[2] - one[2])
    part = math.sin((down - up) / 2) ** 2 + math.cos(up) * math.cos(down) * math.sin(across / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(part))


def scattered(count: int, latitude: float, longitude: float, degrees: float, seed: int = 3) -> list[Named]:
    chance = Random(seed)
    found = []
    for at in range(count):
        east = longitude + chance.uniform(-degrees, degrees)
        up = latitude + chance.uniform(-degrees, degrees)
        found.append((f"s{at:05d}", max(-90.0, min(90.0, up)), (east + 180) % 360 - 180))
    return found


@pytest.mark.parametrize(
    ("latitude", "longitude", "degrees"), [(13.7, -60.1, 0.4), (-17.0, 180.0, 1.0), (89.4, 20.0, 0.5), (0.0, 0.0, 90.0)]
)
@pytest.mark.parametrize("within_km", [15.0, 50.0, 9000.0])
def test_the_nearest_are_those_that_looking_at_all_finds(
    latitude: float, longitude: float, degrees: float, within_km: float
) -> None:
    places = scattered(400, latitude, longitude, degrees)
    tree = Places(places)
    for asked in places[:20]:
        every = sorted((round(km(asked, other), 6), other[0]) for other in places)
        wanted = [one for one in every if one[0] <= within_km][:6]
        found = [(round(one.km, 6), one.name) for one in tree.nearest(asked[1], asked[2], 6, within_km)]
        assert [name for _km, name in found] == [name for _km, name in wanted]
        assert [way for way, _name in found] == pytest.approx([way for way, _name in wanted], abs=1e-3)


def test_islands_at_the_date_line_are_neighbours() -> None:
    tree = Places([("west", -16.8, 179.99), ("east", -16.8, -179.99), ("far", -16.8, 178.0)])
    found = tree.nearest(-16.8, 179.99, 3, 50.0)
    assert [one.name for one in found] == ["west", "east"]
    assert found[1].km == pytest.approx(2.13, abs=0.01)


@pytest.mark.parametrize(("count", "spread"), [(12_000, 2.0), (12_000, 0.05)])
def test_a_question_looks_at_few_places_of_many(monkeypatch: pytest.MonkeyPatch, count: int, spread: float) -> None:
    tree = Places(scattered(count, 13.7, -60.1, spread))
    looked, look = [0], nearness._look

    def counting(*given: object) -> None:
        looked[0] += 1
        look(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(nearness, "_look", counting)
    assert len(tree.nearest(13.7, -60.1, 6, 50.0)) == 6
    assert looked[0] < 400


def test_many_at_one_place_are_not_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Places([(f"s{at:04d}", 13.7, -60.1) for at in range(3000)])
    looked, look = [0], nearness._look
    monkeypatch.setattr(nearness, "_look", lambda *given: (looked.__setitem__(0, looked[0] + 1), look(*given))[1])
    found = tree.nearest(13.7, -60.1, 6, 50.0)
    assert len(found) == 6 and all(one.km == pytest.approx(0.0, abs=1e-6) for one in found)
    assert looked[0] < 100
    assert tree.nearest(13.7, -60.1, 6, 50.0) == found


def test_nothing_is_near_where_nothing_is() -> None:
    assert Places([]).nearest(0.0, 0.0, 5, 50.0) == []
    assert Places([("far", 10.0, 10.0)]).nearest(0.0, 0.0, 5, 50.0) == []
