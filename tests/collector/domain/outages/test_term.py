"""The simulated country: a slice of it here; `python -m bench outages` prints the whole, which is in docs/method.md."""

import pytest

from tests.collector.domain.outages.term import run


def test_a_slice_of_a_term_finds_what_is_real_and_nothing_else() -> None:
    term = run(400, 9, 3)
    large, many = term.found(20, 10**6, 15)
    assert many >= 3 and large == many
    assert term.wrong == [] and term.everywhere == 0


@pytest.mark.deep
def test_a_whole_term_keeps_the_bars() -> None:
    term = run(12_000, 60, 15)
    found, many = term.found(20, 10**6, 15)
    assert many > 100 and found >= 0.95 * many
    assert term.wrong_a_month() <= 1
    found, many = term.steady(8, 12, 30)
    assert found >= 0.95 * many
