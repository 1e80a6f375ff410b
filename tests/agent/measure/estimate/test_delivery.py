"""The senders' delivery rate as a witness: what it sees sooner, and when it must not be believed."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.measure.estimate.delivery import GUARD
from agent.measure.estimate.estimator import Estimator, EstimatorConfig, Sample
from agent.wire.vocabulary import Method, StopReason

STEP_S = 0.02


def told(receiver_bps, delivery_bps):
    """Samples with what the receiver got and what the senders say, a rate per step."""
    total, samples = 0.0, []
    for index, (got, said) in enumerate(zip(receiver_bps, delivery_bps, strict=True), 1):
        total += got / 8 * STEP_S
        samples.append(Sample(index * STEP_S, total, said))
    return samples


def follow(samples, config):
    estimator = Estimator(config)
    for sample in samples:
        if estimator.add(sample).stop:
            break
    return estimator.result(StopReason.CLIENT)


def test_a_long_line_is_read_before_the_receiver_has_it_steadily():
    # The senders say 19 Mbit/s after 3 s; the receiver gets it in lumps: three round trips of little, one of much.
    said = [min(19e6, 19e6 * index / 150) for index in range(500)]
    got = [rate * (0.7, 1.15)[index // 30 % 2] for index, rate in enumerate(said)]
    estimate = follow(told(got, said), EstimatorConfig(rtt_s=0.6))
    assert estimate.reason is StopReason.PRECISE
    assert estimate.by_delivery
    assert estimate.as_direction(streams=4, method=Method.RECEIVER).method is Method.TCPINFO
    assert math.isclose(estimate.bps, 19e6, rel_tol=0.01)
    assert estimate.duration_s < 6.6


def test_who_acknowledges_for_the_receiver_is_not_believed():
    # A split-TCP proxy takes 900 Mbit/s from the test point and passes on 20.
    estimate = follow(told([20e6] * 500, [900e6] * 500), EstimatorConfig(rtt_s=0.04))
    assert estimate.reason is StopReason.PRECISE
    assert not estimate.by_delivery
    assert math.isclose(estimate.bps, 20e6, rel_tol=0.01)


def test_a_sender_that_is_held_up_by_itself_does_not_make_the_line_slow():
    estimate = follow(told([20e6] * 500, [10e6] * 500), EstimatorConfig(rtt_s=0.04))
    assert not estimate.by_delivery
    assert math.isclose(estimate.bps, 20e6, rel_tol=0.01)


def test_the_receivers_windows_alone_do_not_stop_what_the_senders_say_still_grows():
    # Looks steady to the receiver, but the senders' rate doubles: the line has not been seen full.
    said = [2e6 * 2 ** (index * STEP_S) for index in range(200)]
    estimate = follow(told([2e6] * 200, said), EstimatorConfig(rtt_s=0.6))
    assert estimate.reason is StopReason.CLIENT
    assert estimate.lower_bound


@given(st.lists(st.tuples(st.floats(1e5, 1e9), st.floats(0, 1e10)), min_size=30, max_size=200))
def test_the_figure_is_never_far_above_what_the_receiver_once_got(pairs):
    got, said = zip(*pairs, strict=True)
    estimate = follow(told(got, said), EstimatorConfig(rtt_s=0.04))
    assert estimate.bps <= GUARD * estimate.best_window_bps * (1 + 1e-9) or not estimate.by_delivery
    assert estimate.bps <= GUARD * max(got) * (1 + 1e-6)


def test_two_rounds_at_the_schools_usual_speed_are_enough():
    estimate = follow(told([20e6] * 500, [20e6] * 500), EstimatorConfig(rtt_s=0.04, prior_bps=20e6))
    assert estimate.by_delivery
    assert estimate.duration_s < 0.35
