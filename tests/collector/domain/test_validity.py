"""Each exclusion with both sides of its edge, and their order."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from collector.domain.calendars import calendar_of
from collector.domain.validity import Candidate, Circumstances, exclusion_of, observation_of
from collector.domain.words import DayKind, Exclusion, Suppression, TimeQuality

ZONE = ZoneInfo("America/Sao_Paulo")
TUESDAY, SUNDAY = date(2026, 11, 24), date(2026, 11, 29)
CALENDAR = calendar_of("mon-fri 07:00-12:00 13:00-17:00", ZONE)
SUPPRESSED = replace(CALENDAR.at(TUESDAY), suppression=Suppression.HAZARD)
TEN = round(datetime(2026, 11, 24, 10, tzinfo=ZONE).timestamp() * 1000)
HOUR = 3_600_000
HALF_AN_HOUR = 30 * 60_000

GIVEN = Circumstances(
    open_day=CALENDAR.at(TUESDAY), target_bps=20_000_000, reference_engine="ndt7", reference_server_id="tp-1"
)
VOTING = Candidate(
    status="ok",
    trigger="window",
    started_ms=TEN,
    value_bps=15_000_000,
    steady_s=2.0,
    bytes=5_000_000,
    stop_reason="time",
    lower_bound=False,
    engine="ndt7",
    server_id="tp-1",
    medium="ethernet",
    link_bps=100_000_000,
    cpu_pct=20.0,
    other_bps=0,
)


def test_a_good_measurement_votes() -> None:
    assert exclusion_of(VOTING, GIVEN) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "failed"}, Exclusion.FAILED),
        ({"status": "interrupted"}, Exclusion.FAILED),
        ({"status": "skipped"}, Exclusion.FAILED),
        ({"value_bps": None}, Exclusion.FAILED),
        ({"value_bps": 0}, None),
        ({"trigger": "manual"}, Exclusion.MANUAL),
        ({"trigger": "startup"}, None),
        ({"trigger": "campaign"}, None),
        ({"started_ms": TEN - 3 * HOUR - 1}, Exclusion.OUT_OF_HOURS),
        ({"started_ms": TEN - 3 * HOUR}, None),
        ({"started_ms": TEN + 2 * HOUR}, Exclusion.OUT_OF_HOURS),  # the break
        ({"started_ms": TEN + 7 * HOUR}, Exclusion.OUT_OF_HOURS),
        ({"started_ms": TEN + 7 * HOUR - 1}, None),
        ({"is_assigned": False}, Exclusion.NOT_ASSIGNED),
        ({"steady_s": 0.999}, Exclusion.TOO_SHORT),
        ({"steady_s": 1.0}, None),
        ({"bytes": 199_999}, Exclusion.TOO_SHORT),
        ({"bytes": 200_000}, None),
        ({"steady_s": 0.2, "bytes": 90_000, "stop_reason": "precise"}, None),
        ({"steady_s": None, "bytes": None, "stop_reason": None}, None),
        ({"engine": "librespeed"}, Exclusion.OTHER_SERVER),
        ({"server_id": "tp-2"}, Exclusion.OTHER_SERVER),
        ({"engine": None, "server_id": None}, None),
        ({"medium": "vpn"}, Exclusion.VPN),
        ({"medium": None}, None),
        ({"cpu_pct": 90.1}, Exclusion.BUSY_HOST),
        ({"cpu_pct": 90.0}, None),
        ({"cpu_pct": None}, None),
        ({"other_bps": 2_000_001}, Exclusion.BUSY_LINE),
        ({"other_bps": 2_000_000}, None),
        ({"other_bps": None}, None),
        ({"time_quality": TimeQuality.BOUNDED, "time_width_ms": HALF_AN_HOUR + 1}, Exclusion.TIME_UNSURE),
        ({"time_quality": TimeQuality.BOUNDED, "time_width_ms": HALF_AN_HOUR}, None),
        ({"time_quality": TimeQuality.ADJUSTED, "time_width_ms": HALF_AN_HOUR + 1}, None),
        ({"is_retracted": True}, Exclusion.RETRACTED),
    ],
)
def test_what_keeps_a_measurement_from_voting(change: dict[str, object], expected: Exclusion | None) -> None:
    assert exclusion_of(replace(VOTING, **change), GIVEN) is expected


def test_a_day_without_school_is_closed_not_out_of_hours() -> None:
    assert exclusion_of(VOTING, replace(GIVEN, open_day=CALENDAR.at(SUNDAY))) is Exclusion.CLOSED_DAY


@pytest.mark.parametrize("day", [SUNDAY, TUESDAY])
@pytest.mark.parametrize("kind", [DayKind.HOLIDAY, DayKind.CLOSURE])
def test_a_day_of_the_calendar_without_school_is_suppressed(day: date, kind: DayKind) -> None:
    given = replace(GIVEN, open_day=calendar_of(None, ZONE, {day: kind}).at(day))

    assert exclusion_of(VOTING, given) is Exclusion.SUPPRESSED


def test_a_suppressed_day_silences_what_would_vote() -> None:
    assert exclusion_of(VOTING, replace(GIVEN, open_day=SUPPRESSED)) is Exclusion.SUPPRESSED


def test_any_series_will_do_where_none_is_named() -> None:
    given = replace(GIVEN, reference_engine=None, reference_server_id=None)

    assert exclusion_of(replace(VOTING, engine="ookla", server_id="x"), given) is None


@pytest.mark.parametrize(("other_bps", "expected"), [(1_500_001, Exclusion.BUSY_LINE), (1_500_000, None)])
def test_without_a_target_the_figure_says_how_much_other_traffic_is_too_much(
    other_bps: int, expected: Exclusion | None
) -> None:
    given = replace(GIVEN, target_bps=None)

    assert exclusion_of(replace(VOTING, other_bps=other_bps), given) is expected


def test_a_line_that_carries_nothing_is_not_busy() -> None:
    given = replace(GIVEN, target_bps=None)

    assert exclusion_of(replace(VOTING, value_bps=0, other_bps=0), given) is None


def test_how_busy_a_computer_may_be_is_a_decision_of_the_deployment() -> None:
    busy = replace(VOTING, cpu_pct=100.0)

    assert exclusion_of(busy, GIVEN) is Exclusion.BUSY_HOST
    assert exclusion_of(busy, replace(GIVEN, busy_host_pct=100.0)) is None


BAD = {
    Exclusion.FAILED: {"status": "failed"},
    Exclusion.MANUAL: {"trigger": "manual"},
    Exclusion.OUT_OF_HOURS: {"started_ms": TEN + 12 * HOUR},
    Exclusion.CLOSED_DAY: {},
    Exclusion.NOT_ASSIGNED: {"is_assigned": False},
    Exclusion.TOO_SHORT: {"steady_s": 0.1},
    Exclusion.OTHER_SERVER: {"server_id": "tp-2"},
    Exclusion.VPN: {"medium": "vpn"},
    Exclusion.BUSY_HOST: {"cpu_pct": 99.0},
    Exclusion.BUSY_LINE: {"other_bps": 19_000_000},
    Exclusion.TIME_UNSURE: {"time_quality": "bounded", "time_width_ms": HOUR},
    Exclusion.SUPPRESSED: {},
    Exclusion.RETRACTED: {"is_retracted": True},
}


@pytest.mark.parametrize("first", [word for word in BAD if word is not Exclusion.CLOSED_DAY])
def test_the_first_reason_in_the_order_of_the_words_is_given(first: Exclusion) -> None:
    """Everything from this reason on is wrong with the measurement; this is the one that is named."""
    wrong: dict[str, object] = {}
    words = [word for word in Exclusion if word in BAD]
    for word in words[words.index(first) :]:
        wrong.update(BAD[word])

    given = GIVEN if first is Exclusion.RETRACTED else replace(GIVEN, open_day=SUPPRESSED)
    assert exclusion_of(replace(VOTING, **wrong), given) is first


def test_on_a_closed_day_only_failed_and_manual_come_first() -> None:
    closed = replace(GIVEN, open_day=CALENDAR.at(SUNDAY))
    all_wrong: dict[str, object] = {}
    for word in list(BAD)[2:]:
        all_wrong.update(BAD[word])

    assert exclusion_of(replace(VOTING, **all_wrong), closed) is Exclusion.CLOSED_DAY
    assert exclusion_of(replace(VOTING, trigger="manual"), closed) is Exclusion.MANUAL


def test_what_votes_becomes_an_observation() -> None:
    observation = observation_of(replace(VOTING, lower_bound=None), GIVEN)

    assert (observation.day, observation.value_bps, observation.half) == (TUESDAY, 15_000_000, 1)
    assert (observation.lower_bound, observation.medium, observation.link_bps) == (False, "ethernet", 100_000_000)
    assert observation_of(replace(VOTING, started_ms=TEN + 4 * HOUR, lower_bound=True), GIVEN).half == 2
    assert observation_of(replace(VOTING, lower_bound=True), GIVEN).lower_bound


def test_without_a_figure_there_is_no_observation() -> None:
    with pytest.raises(ValueError, match="does not vote"):
        observation_of(replace(VOTING, value_bps=None), GIVEN)
