"""The forecast: when the target outgrows the line, and when nobody can say."""

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain.forecast import HORIZON_YEARS, OLDEST_DAYS, Forecast, Silence, Standing, foresee

TODAY = date(2026, 11, 25)
GOOD = Standing("MEETS", date(2026, 11, 24), 28_000_000, 20_000_000, is_estimated=False, is_lower_bound=False)
growths = st.floats(0.01, 3.0)
ratios = st.floats(1.0, 50.0)


def standing(ratio: float) -> Standing:
    return replace(GOOD, median_bps=round(20_000_000 * ratio))


def test_28_falls_under_20_after_a_year_and_a_quarter_at_30_percent() -> None:
    found = foresee(GOOD, 0.3, TODAY)

    assert isinstance(found, Forecast)
    assert found.falls_on == date(2028, 3, 7)  # ln 1.4 / ln 1.3 = 1.2825 years


@given(ratio=ratios, growth=growths)
def test_on_that_day_the_target_has_just_grown_to_the_typical_test(ratio: float, growth: float) -> None:
    found = foresee(standing(ratio), growth, TODAY)

    assert isinstance(found, Forecast)
    if found.falls_on is None:
        assert math.pow(1 + growth, HORIZON_YEARS) < ratio * 1.001
        return
    assert found.falls_on >= TODAY
    years = (found.falls_on - TODAY).days / 365.25
    assert math.pow(1 + growth, years) <= ratio * 1.000001 <= math.pow(1 + growth, years + 1.01 / 365.25) * 1.00001


@given(ratio=ratios, slow=growths, fast=growths)
def test_faster_growth_is_never_later(ratio: float, slow: float, fast: float) -> None:
    slow, fast = sorted((slow, fast))
    later, sooner = (foresee(standing(ratio), growth, TODAY) for growth in (slow, fast))

    assert isinstance(later, Forecast)
    assert isinstance(sooner, Forecast)
    assert (sooner.falls_on or date.max) <= (later.falls_on or date.max)


@given(small=ratios, large=ratios, growth=growths)
def test_a_faster_line_lasts_as_long_at_least(small: float, large: float, growth: float) -> None:
    small, large = sorted((small, large))
    short, long = (foresee(standing(ratio), growth, TODAY) for ratio in (small, large))

    assert isinstance(short, Forecast)
    assert isinstance(long, Forecast)
    assert (short.falls_on or date.max) <= (long.falls_on or date.max)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"verdict": "BELOW"}, Silence.NOT_MEETING),
        ({"verdict": "BORDERLINE"}, Silence.NOT_MEETING),
        ({"verdict": "INSUFFICIENT"}, Silence.NOT_MEETING),
        ({"verdict": "NOT_TESTABLE"}, Silence.NOT_MEETING),
        ({"verdict": None}, Silence.NOT_MEETING),
        ({"median_bps": None}, Silence.NOT_MEETING),
        ({"target_bps": None}, Silence.NOT_MEETING),
        ({"day": None}, Silence.NOT_MEETING),
        ({"day": TODAY - timedelta(days=OLDEST_DAYS + 1)}, Silence.TOO_OLD),
        ({"is_estimated": True}, Silence.ESTIMATED),
        ({"is_lower_bound": True}, Silence.AT_LEAST),
    ],
)
def test_where_the_data_cannot_bear_it_nothing_is_said(changes: dict[str, object], why: Silence) -> None:
    assert foresee(replace(GOOD, **changes), 0.3, TODAY) is why  # type: ignore[arg-type]  # each fits its field


@pytest.mark.parametrize("growth", [0.0, -0.1, math.nan])
def test_what_does_not_grow_is_refused(growth: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        foresee(GOOD, growth, TODAY)
