"""Figures of providers: whoever has too few schools is never ranked, and nobody is left out."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.inference import wilson
from collector.store.queries.pages.providers import ServedSchool
from collector.web.views import scorecard
from collector.web.views.scorecard import FEWEST, ORDERS

VERDICTS = ("BELOW", "BORDERLINE", "MEETS", "NOT_TESTABLE", "INSUFFICIENT", None)


def school(
    provider: str, at: int, verdict: str | None = "MEETS", *, contract: float | None = 10.0, mbps: float = 8.0
) -> ServedSchool:
    median = None if verdict is None else round(mbps * 1e6)
    delays = {
        "idle_rtt_ms": 40.0,
        "loaded_ms": 90.0,
        "loaded_tests": 20,
        "window_from": "2026-11-10",
        "day": "2026-11-23",
    }
    place = "fibre", "Norte", f"{provider}{at}", f"School {at}", None
    return ServedSchool(provider, *place, contract, verdict, median, **delays)


SCHOOLS = st.lists(
    st.builds(
        ServedSchool,
        provider=st.sampled_from(["Alfa", "Beta", "Gama"]),
        technology=st.sampled_from(["fibre", "cable", None]),
        area=st.sampled_from(["Norte", "Sur", None]),
        code=st.uuids().map(str),
        name=st.just("x"),
        contract_mbps=st.sampled_from([None, 0.0, 10.0, 30.0]),
        verdict=st.sampled_from(VERDICTS),
        median_bps=st.none() | st.integers(0, 60_000_000),
        idle_rtt_ms=st.none() | st.floats(1, 900),
    ),
    max_size=60,
)


@given(SCHOOLS, st.sampled_from(ORDERS))
def test_every_provider_stands_once_and_only_those_with_enough_schools_are_ranked(
    schools: list[ServedSchool], order: str
) -> None:
    scores = scorecard.score(schools, {"Alfa": 3})
    ranked, unranked = scorecard.ranked(scores, order), scorecard.unranked(scores)
    assert sorted(one.provider for one in [*ranked, *unranked]) == sorted({one.provider for one in schools})
    assert sum(one.schools for one in scores) == len(schools)
    assert all(one.judged >= FEWEST for one in ranked) and all(one.judged < FEWEST for one in unranked)
    for one in scores:
        assert 0 <= one.under <= len(one.delivered) <= one.judged <= one.schools
        assert (one.interval is None) == (one.judged < FEWEST)
        assert (one.typical is None) == (len(one.delivered) < FEWEST)
        if one.interval is not None and one.share is not None:
            assert one.interval.lower - 1e-9 <= one.share <= one.interval.upper + 1e-9
        assert all(area.judged >= FEWEST and area.meets < area.judged for area in one.worst_areas)
        assert list(one.shares) == sorted(one.shares)


def test_figures_of_one_provider() -> None:
    schools = [school("Alfa", at, mbps=at) for at in range(1, 8)] + [school("Alfa", 9, "BELOW", mbps=1.0)]
    schools += [school("Alfa", 10, "INSUFFICIENT", mbps=0.1), school("Alfa", 11, None)]
    score = scorecard.score(schools, {"Alfa": 2})[0]
    assert (score.schools, score.judged, score.meets, score.below, score.flags) == (10, 8, 7, 1, 2)
    assert score.interval == wilson(7 / 8, 8)
    assert score.typical == 0.35  # of .1 .1 .2 .3 .4 .5 .6 .7
    assert score.under == 8 and score.worst_areas[0].meets == 7


def test_a_contract_of_nothing_is_none_and_exactly_eighty_per_cent_is_not_under() -> None:
    assert scorecard.delivered(school("Alfa", 1, contract=0.0)) is None
    assert scorecard.delivered(school("Alfa", 1, "INSUFFICIENT")) is None
    score = scorecard.score([school("Alfa", at, mbps=8.0) for at in range(5)], {})[0]
    assert score.typical == 0.8 and score.under == 0


def test_the_worst_comes_first_and_who_has_no_value_last() -> None:
    schools = [school("Alfa", at, mbps=9.0) for at in range(5)]
    schools += [school("Beta", at, mbps=6.0) for at in range(5)]
    schools += [school("Cero", at, contract=None) for at in range(5)]
    scores = scorecard.score(schools, {"Alfa": 4})
    assert [one.provider for one in scorecard.ranked(scores)] == ["Beta", "Alfa", "Cero"]
    assert next(one.provider for one in scorecard.ranked(scores, "flags")) == "Alfa"
    assert [one.provider for one in scorecard.ranked(scores, "name")] == ["Alfa", "Beta", "Cero"]
