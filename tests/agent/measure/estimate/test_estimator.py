"""The estimator as a pure function: what must hold for any samples, and what it says of known curves."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.measure.attempt import FEWEST_BYTES
from agent.measure.estimate.estimator import CHANGING_MAX_BYTES, CHANGING_MAX_S, Estimator, EstimatorConfig, Sample
from agent.wire import limits
from agent.wire.vocabulary import Confidence, Method, StopReason

NUMBER = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 20)
ANY_SAMPLES = st.lists(st.builds(Sample, NUMBER.filter(lambda n: not math.isinf(n)), st.floats(0, 1e12)), max_size=80)
CONFIGS = st.builds(
    EstimatorConfig,
    rtt_s=st.none() | st.floats(0, 5),
    prior_bps=st.none() | st.floats(0, 1e10),
    to_the_end=st.booleans(),
)


def steps(rates_bps, step_s=0.02):
    """Samples of a transfer whose rate in each step is given."""
    total, samples = 0.0, []
    for index, rate_bps in enumerate(rates_bps, 1):
        total += rate_bps / 8 * step_s
        samples.append(Sample(index * step_s, total))
    return samples


def follow(samples, config=EstimatorConfig(rtt_s=0.04)):  # noqa: B008 -- frozen
    estimator = Estimator(config)
    for sample in samples:
        if estimator.add(sample).stop:
            break
    return estimator.result()


RAMPS = st.lists(st.floats(1e5, 1e9), min_size=30, max_size=200)


@given(ANY_SAMPLES, CONFIGS, st.sampled_from(StopReason))
def test_any_samples_work(samples, config, reason):
    estimator = Estimator(config)
    stopped = False
    for sample in samples:
        decision = estimator.add(sample)
        assert decision.stop or not stopped
        stopped = decision.stop
    estimate = estimator.result(reason)
    if estimate is None:
        return
    assert math.isfinite(estimate.bps)
    assert estimate.bps >= 0
    assert len(estimate.bins) <= limits.BINS
    assert sum(estimate.bins) == estimate.bytes
    assert all(size >= 0 for size in estimate.bins)
    estimate.as_direction(streams=4, method=Method.RECEIVER)


@given(ANY_SAMPLES, CONFIGS, st.sampled_from(StopReason))
def test_bytes_that_came_before_a_limit_make_a_figure_that_is_not_nothing(samples, config, reason):
    estimator = Estimator(replace(config, to_the_end=True))
    for sample in samples:
        estimator.add(replace(sample, total_bytes=1000 * sample.total_bytes))
    estimate = estimator.result(reason)
    assume(estimate is not None and estimate.bytes >= FEWEST_BYTES)
    assert estimate.as_direction(streams=4, method=Method.RECEIVER).bps > 0


@given(RAMPS, CONFIGS)
def test_the_figure_is_never_above_the_best_window_of_the_receiver(rates, config):
    estimate = follow(steps(rates), config)
    assert estimate.bps <= estimate.best_window_bps * (1 + 1e-9)
    assert estimate.bps <= max(rates) * (1 + 1e-6)


# Slow enough, and a window of sixteen packets is longer than the shortest: there the speed changes what is looked at.
@given(st.lists(st.floats(1e7, 1e9), min_size=30, max_size=200), st.sampled_from([2.0, 0.25, 1024.0]))
def test_a_line_of_twice_the_speed_reads_twice_the_speed(rates, factor):
    one, other = follow(steps(rates)), follow(steps([rate * factor for rate in rates]))
    assert one.reason is other.reason
    assert math.isclose(one.bps * factor, other.bps, rel_tol=1e-9)


@given(st.floats(5e4, 1e9), st.floats(1.001, 10))
def test_a_faster_line_reads_faster(rate, factor):
    slow, fast = follow(steps([rate] * 200)), follow(steps([rate * factor] * 200))
    assert slow.bps < fast.bps


@given(RAMPS)
def test_the_time_line_of_a_stopped_estimator_is_not_looked_at_again(rates):
    estimator = Estimator(EstimatorConfig(rtt_s=0.04))
    reasons = [estimator.add(sample).reason for sample in steps(rates)]
    said = [reason for reason in reasons if reason]
    assert len(set(said)) <= 1


@pytest.mark.parametrize("rtt_s", [0.005, 0.1, 0.3, 0.6, 2.0])
def test_a_steady_line_is_read_exactly_and_soon(rtt_s):
    estimate = follow(steps([20e6] * 600), EstimatorConfig(rtt_s=rtt_s))
    assert estimate.reason is StopReason.PRECISE
    assert math.isclose(estimate.bps, 20e6, rel_tol=1e-6)
    assert estimate.duration_s <= 8 * min(max(rtt_s, 0.1), 0.6) + 0.15
    assert estimate.confidence is Confidence.HIGH
    assert not estimate.lower_bound


def test_a_window_is_never_shorter_than_a_round_trip():
    # Doubling every round trip of 300 ms: windows of 100 ms would look steady within each round.
    rates = [min(2.0 ** (index * 0.02 // 0.3), 32.0) * 1e6 for index in range(500)]
    estimate = follow(steps(rates), EstimatorConfig(rtt_s=0.3))
    assert math.isclose(estimate.bps, 32e6, rel_tol=0.02)


def test_ramp_up_is_discarded():
    rates = [20e6 * min(1.0, index / 50) for index in range(500)]
    estimate = follow(steps(rates))
    assert math.isclose(estimate.bps, 20e6, rel_tol=0.05)
    assert estimate.ramp_s > 0.5


def test_an_initial_burst_is_discarded():
    estimate = follow(steps([200e6] * 8 + [10e6] * 400))
    assert math.isclose(estimate.bps, 10e6, rel_tol=0.01)


def test_a_burst_and_then_a_slow_start_are_discarded():
    ramp = [10e6 * min(1.0, 2 ** (index // 5) / 16) for index in range(400)]
    assert math.isclose(follow(steps([200e6] * 5 + ramp)).bps, 10e6, rel_tol=0.01)


@given(st.floats(4e6, 1e8), st.floats(0.55, 1.95), st.integers(20, 32), st.none() | st.just(1.0))
def test_a_line_that_steps_is_read_as_what_it_carried_in_the_mean(rate, change, samples_before, known):
    # Where the last six windows, or two of the history's, are all after the step, they alone would say another speed.
    config = EstimatorConfig(rtt_s=0.04, prior_bps=known and rate * change)
    estimate = follow(steps([rate] * samples_before + [rate * change] * 400), config)
    assert estimate.reason is StopReason.PRECISE
    assert math.isclose(estimate.bps, 8 * estimate.bytes / estimate.duration_s, rel_tol=0.06)


def test_a_line_that_stepped_is_not_said_to_be_known_well():
    estimate = follow(steps([10e6] * 20 + [20e6] * 400))
    assert estimate.half_width_pct > 10
    assert estimate.confidence is not Confidence.HIGH
    assert estimate.steady_s > 0.8


def test_a_slow_part_before_is_not_taken_for_the_line_where_it_says_nearly_the_same():
    estimate = follow(steps([20e6] * 20 + [17e6] * 10 + [20e6] * 400))
    assert math.isclose(estimate.bps, 20e6, rel_tol=0.01)


def after_a_ramp_up(rates_bps):
    return steps([0.0] * 10 + list(rates_bps))


def restless(rate_bps):
    return after_a_ramp_up(rate_bps * (0.93, 1.07)[tick // 5 % 2] for tick in range(490))


def test_a_line_that_wanders_is_looked_at_longer_while_that_is_cheap():
    calm, wandering = follow(after_a_ramp_up([10e6] * 490)), follow(restless(10e6))
    assert calm.duration_s < 0.9
    assert 2.5 < wandering.duration_s <= CHANGING_MAX_S + 0.1
    assert math.isclose(wandering.bps, 10e6, rel_tol=0.02)
    assert follow(restless(20e6)).bytes < 1.1 * CHANGING_MAX_BYTES
    assert follow(restless(200e6)).duration_s < 0.9


def test_a_packet_more_or_less_in_a_window_is_no_wandering():
    total, samples = 0, []
    for tick in range(1, 500):  # 1 Mbit/s in whole packets, now and then one early
        total = 1448 * int((2500 * tick + (tick % 7 == 0) * 1448) / 1448)
        samples.append(Sample(tick * 0.02, max(total, samples[-1].total_bytes if samples else 0)))
    assert follow(samples).duration_s < 1.7


def test_two_windows_at_the_schools_usual_speed_are_enough():
    config = EstimatorConfig(rtt_s=0.04, prior_bps=20e6)
    estimate = follow(steps([20e6] * 500), config)
    assert estimate.reason is StopReason.PRECISE
    assert estimate.duration_s < 0.3
    # A line that changed is measured like any other.
    assert follow(steps([30e6] * 500), config).duration_s > 0.55


def test_a_restless_line_goes_on_to_the_time_limit():
    rates = [(5e6, 20e6)[index // 13 % 2] for index in range(600)]
    estimate = follow(steps(rates))
    assert estimate.reason is StopReason.TIME
    assert math.isclose(estimate.bps, 12.5e6, rel_tol=0.1)
    assert not estimate.lower_bound
    assert estimate.confidence is not Confidence.HIGH


def test_a_pipe_that_was_never_seen_full_is_a_lower_bound():
    estimate = follow(steps([1e6 * 1.4 ** (index / 5) for index in range(100)]))
    assert estimate.lower_bound
    assert estimate.confidence is Confidence.LOW


def test_silence_in_the_middle_is_a_stall():
    samples = [*steps([20e6, 2e6] * 15), *(Sample(0.6 + 0.02 * index, 41e3) for index in range(1, 300))]
    estimate = follow(samples)
    assert estimate.reason is StopReason.STALL
    assert estimate.lower_bound


def test_a_cap_makes_a_lower_bound_and_the_run_out_does_not_count():
    estimator = Estimator(EstimatorConfig(rtt_s=0.04, to_the_end=True))
    for sample in steps([10e6] * 50 + [1e6] * 20):
        estimator.add(sample)
    estimate = estimator.result(StopReason.BUDGET)
    assert estimate.reason is StopReason.BUDGET
    assert estimate.lower_bound
    assert math.isclose(estimate.bps, 10e6, rel_tol=0.02)


@pytest.mark.parametrize("reason", [StopReason.BUDGET, StopReason.SERVER, StopReason.TIME])
@pytest.mark.parametrize("trickle_bytes", [0, 40, 400])
def test_a_small_cap_that_is_used_up_within_one_window_is_read_over_the_whole_transfer(trickle_bytes, reason):
    # The answer takes its time, then all 60 kB of the cap come at once: the windows before hold next to nothing.
    quiet = [Sample(0.02 * tick, trickle_bytes * tick) for tick in range(1, 26)]
    estimator = Estimator(EstimatorConfig(rtt_s=0.04, to_the_end=True))
    for sample in [*quiet, Sample(0.52, 30_000), Sample(0.54, 60_000), Sample(0.56, 60_000)]:
        estimator.add(sample)
    estimate = estimator.result(reason)
    assert math.isclose(estimate.bps, 8 * 60_000 / 0.54, rel_tol=0.05)
    assert estimate.lower_bound
    assert not estimate.was_full
    assert estimate.confidence is Confidence.LOW


def test_a_burst_after_a_hold_up_does_not_lift_a_lower_bound():
    estimator = Estimator(EstimatorConfig(rtt_s=0.04))
    for sample in steps([20e6] * 4 + [0.0] * 8 + [60e6] * 4 + [20e6] * 4):
        estimator.add(sample)
    assert estimator.result(StopReason.BUDGET).bps <= 20.1e6


def test_calibration_runs_its_time():
    estimate = follow(steps([20e6] * 600), EstimatorConfig(rtt_s=0.04, to_the_end=True))
    assert estimate.reason is StopReason.TIME
    assert not estimate.lower_bound


def test_lumps_of_a_slow_line_do_not_fool_it():
    # 1 Mbit/s in lumps of 16 kB: one every 131 ms; windows of 100 ms would hold one or none.
    samples = [Sample(0.02 * step, 16_384 * int(0.02 * step / 0.131072)) for step in range(1, 501)]
    estimate = follow(samples)
    assert math.isclose(estimate.bps, 1e6, rel_tol=0.06)


def test_a_line_of_a_few_packets_that_did_not_agree_in_time_is_said_to_carry_at_least_that():
    # 64 kbit/s in whole packets, some of them late by a second: a window holds half of them or twice as many.
    rates = [64e3 * (0.4, 1.6)[tick // 60 % 2] for tick in range(600)]
    slow = follow(steps(rates))
    assert (slow.reason, slow.lower_bound, slow.confidence) == (StopReason.TIME, True, Confidence.LOW)
    assert not follow(steps([100 * rate for rate in rates])).lower_bound
    assert not follow(steps(rates), EstimatorConfig(rtt_s=0.04, to_the_end=True)).lower_bound


@given(st.lists(st.floats(9.6e6, 1.04e7), min_size=50, max_size=60), st.floats(0.01, 2), st.floats(0, 1e8))
def test_what_is_heard_of_after_the_stop_is_never_more_than_the_receiver_got(rates, last_s, last_bytes):
    estimator = Estimator(EstimatorConfig(rtt_s=0.04))
    for sample in steps(rates):
        if (decision := estimator.add(sample)).stop:
            break
    assert decision.hears_out
    last = Sample(sample.at_s + last_s, sample.total_bytes + last_bytes)
    assert estimator.add(last).reason is StopReason.PRECISE
    estimate = estimator.result()
    assert estimate.bytes == int(last.total_bytes)
    assert 0 < estimate.bps <= estimate.best_window_bps * (1 + 1e-9)
    assert estimate.steady_s + estimate.ramp_s == pytest.approx(last.at_s)


def test_no_bytes_are_unknown_and_not_zero():
    estimator = Estimator(EstimatorConfig())
    assert estimator.result(StopReason.TIME) is None
    estimator.add(Sample(1.0, 0))
    assert estimator.result(StopReason.TIME) is None
    assert estimator.current_bps() == 0


@given(st.integers(2, 25))
def test_the_figure_does_not_hang_on_how_often_one_looks(every):
    samples = steps([2e6] * 20 + [16e6] * 480)
    assume(len(samples) > every)
    estimate = follow(samples[::every])
    assert math.isclose(estimate.bps, 16e6, rel_tol=0.06)
