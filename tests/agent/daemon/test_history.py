"""What the last figures say of the next one."""

import pytest

from agent.daemon import history


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ([], False),
        ([10e6, 20e6], False),  # two may be chance
        ([10e6, 10.2e6, 9.9e6, 10.1e6, 10e6], False),
        ([10e6, 10.2e6, 2e6, 10.1e6, 10e6], False),  # one bad day
        ([10e6, 14e6, 7e6, 11e6, 16e6], True),
        ([0, 0, 0, 5e6], False),
    ],
)
def test_a_line_whose_figures_differ_wanders(figures, says):
    assert history.wander(figures) is says


class Kept(dict):
    def get_state(self, key):
        return self.get(key)


def test_each_direction_for_itself():
    kept = Kept({history.PRIORS: "[[10000000,4000000],[10100000,1000000],[9900000,7000000]]"})
    assert history.wandering(kept) == (False, True)
    assert history.priors(kept) == (10_000_000, 4_000_000)
    assert history.wandering(Kept()) == (False, False)
    assert history.wandering(Kept({history.PRIORS: "?"})) == (False, False)
