"""Which networks are a provider's own, and what a day on others says."""

from collector.domain.conditions import DayState
from collector.domain.networks import Own, observe, own_networks

ONDA, BRAVA, OTHER = 64496, 64497, 64511
OWN = Own(frozenset({ONDA, BRAVA}))


def test_what_people_say_goes_before_what_is_learnt() -> None:
    assert own_networks([OTHER], {ONDA: 50}, 50) == Own(frozenset({OTHER}), is_declared=True)


def test_learnt_is_where_most_of_its_schools_are() -> None:
    assert own_networks([], {ONDA: 40, BRAVA: 30, OTHER: 3}, 60).numbers == {ONDA, BRAVA}
    assert not own_networks([], {ONDA: 2}, 2).is_known  # too few to learn from
    assert not own_networks([], {ONDA: 4, OTHER: 4, BRAVA: 4}, 12).is_known


def test_a_day_is_bad_only_where_every_network_is_another() -> None:
    assert observe({OTHER: "Casa"}, OWN)[0] is DayState.BAD
    assert observe({OTHER: "Casa", ONDA: "Onda Sur"}, OWN)[0] is DayState.GOOD
    assert observe({ONDA: "Onda Sur", BRAVA: "Brava"}, OWN)[0] is DayState.GOOD
    assert observe({}, OWN)[0] is observe({OTHER: "Casa"}, Own())[0] is DayState.UNKNOWN
    assert observe({OTHER: "Casa"}, OWN)[1] == {"seen": "AS64511 Casa", "numbers": [OTHER], "own": [ONDA, BRAVA]}
