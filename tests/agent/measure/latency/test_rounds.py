from hypothesis import given
from hypothesis import strategies as st

from agent.measure.latency.rounds import LoadedSide, Round, loaded, quantile, summary
from agent.wire.vocabulary import Confidence, Grade, RttMethod

UDP = RttMethod.UDP_ECHO
ROUNDS = st.lists(st.builds(Round, st.floats(0, 20), st.none() | st.floats(0, 10)), max_size=60)


@given(ROUNDS)
def test_a_summary_keeps_its_order(rounds):
    rtt = summary(rounds, UDP)
    if rtt is None:
        assert all(each.rtt_s is None for each in rounds)
        return
    assert rtt.rtt_min_ms <= rtt.rtt_ms <= rtt.rtt_p90_ms or len(rounds) < 3
    assert 0 <= rtt.loss_pct < 100
    assert rtt.n == len(rounds)


def test_a_known_series():
    rounds = [Round(index, rtt_s) for index, rtt_s in enumerate([0.020, 0.030, None, 0.040, 0.020])]
    rtt = summary(rounds, UDP)
    assert (rtt.rtt_ms, rtt.rtt_min_ms, rtt.rtt_p90_ms) == (25.0, 20.0, 40.0)
    assert (rtt.loss_pct, rtt.jitter_ms) == (20.0, 13.333)
    assert summary([Round(0, 0.02)], UDP).jitter_ms is None


def test_quantiles_are_values_of_the_series():
    values = [float(value) for value in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.9, 0.95, 1.0)] == [50, 90, 95, 100]
    assert quantile([7.0], 0.9) == 7.0


def side(rtt_s, load_s, count):
    return LoadedSide(tuple(Round(0.4 + index * 0.1, rtt_s) for index in range(count)), load_s, "cubic")


IDLE = summary([Round(0, 0.02)] * 20, UDP)


def test_a_short_load_is_never_graded():
    result = loaded(side(0.5, 1.2, 9), side(0.4, 1.2, 9), IDLE, UDP)
    assert result.confidence is Confidence.LOW
    assert result.grade is None
    assert result.increase_ms == 480.0
    assert (result.download_rtt_ms, result.upload_rtt_ms, result.n) == (500.0, 400.0, 18)
    assert result.congestion_control == "download cubic, upload cubic"


def test_a_long_load_is_graded_by_its_worse_direction():
    result = loaded(side(0.03, 10, 90), side(0.27, 10, 90), IDLE, UDP)
    assert (result.confidence, result.grade) == (Confidence.HIGH, Grade.D)
    assert loaded(side(0.03, 10, 90), side(0.03, 6, 50), IDLE, UDP).confidence is Confidence.MEDIUM
    assert loaded(side(0.03, 10, 90), side(0.03, 1, 50), IDLE, UDP).confidence is Confidence.LOW


def test_methods_are_never_compared():
    result = loaded(side(0.03, 10, 90), None, IDLE, RttMethod.TCP_CONNECT)
    assert result.increase_ms is None
    assert result.grade is None


def test_probes_before_the_load_do_not_count():
    early = LoadedSide(tuple(Round(0.1, 0.02) for _ in range(5)), 10)
    assert loaded(early, None, IDLE, UDP) is None
    assert loaded(None, None, None, UDP) is None


def test_a_sender_that_keeps_queues_short_proves_nothing_of_the_buffer():
    for name in ("bbr", "bbr3", "vegas", None):
        calm = LoadedSide(side(0.021, 10, 90).rounds, 10, name)
        result = loaded(calm, side(0.021, 10, 90), IDLE, UDP)
        assert (result.confidence, result.grade, result.increase_ms) == (Confidence.HIGH, None, 1.0)


def test_one_direction_alone_is_not_graded():
    assert loaded(side(0.03, 10, 90), None, IDLE, UDP).grade is None
    assert loaded(None, side(0.03, 10, 90), IDLE, UDP).grade is None


def with_losses(rtts_s):
    return LoadedSide(tuple(Round(1 + index * 0.1, rtt_s) for index, rtt_s in enumerate(rtts_s)), 10, "cubic")


def test_probes_lost_in_a_full_queue_count_as_the_slowest():
    # The queue fills up again and again; whoever comes while it is full is lost.
    wave = [0.2, 0.4, 0.6, 0.8, 1.0, None, 1.0, 0.8, None, 0.4] * 6
    result = loaded(with_losses(wave), with_losses(wave), IDLE, UDP)
    assert result.download_rtt_ms == 800.0  # without the lost ones it would be 700
    assert result.download_p95_ms == 1000.0
    assert result.n == 120


def test_what_the_idle_line_loses_as_well_is_no_sign_of_a_queue():
    lossy = summary([Round(0, 0.02)] * 16 + [Round(0, None)] * 4, UDP)
    calm = with_losses([0.02, 0.02, 0.02, 0.02, None] * 10 + [0.5] * 0)
    result = loaded(calm, calm, lossy, UDP)
    assert (result.download_rtt_ms, result.increase_ms) == (20.0, 0.0)


def test_many_lost_probes_are_nothing_to_go_by():
    half = with_losses([0.5, None] * 40)
    assert loaded(half, half, IDLE, UDP).confidence is Confidence.LOW


def test_the_first_round_trips_of_a_long_line_meet_no_load():
    idle = summary([Round(0, 0.6)] * 20, UDP)
    rising = [Round(index * 0.1, 0.6 if index < 12 else 1.4) for index in range(92)]
    result = loaded(LoadedSide(tuple(rising), 10, "cubic"), None, idle, UDP)
    assert (result.n, result.download_rtt_ms) == (80, 1400.0)
