"""Waits stay within their bounds; batches shrink and grow."""

from hypothesis import given
from hypothesis import strategies as st

from agent.uplink.backoff import Pace, after, wait_s
from agent.uplink.decide import Decision, Effect, Kind, Pressure, Silence, decide
from agent.wire.vocabulary import RefusalCode
from tests.fakes.agent_world import SeededRandomness

GOOD = decide(None, 200, signed=True, code=None)
SLOW = decide(Silence.TOO_SLOW, None, signed=False, code=None)
REFUSED = decide(Silence.REFUSED, None, signed=False, code=None)
REVOKED = decide(None, 401, signed=True, code="key_revoked")
ENVELOPE = decide(None, 400, signed=True, code="envelope")

OUTCOMES = [
    GOOD, SLOW, REFUSED, REVOKED, ENVELOPE,
    *(decide(None, status, signed=False, code=None) for status in (200, 302, 413, 429, 500)),
    *(decide(None, 400, signed=True, code=code) for code in RefusalCode),
]  # fmt: skip


def run(*decisions: Decision, told_items: int | None = None) -> Pace:
    pace = Pace()
    for decision in decisions:
        pace = after(pace, decision, why="", told_items=told_items)
    return pace


def wait(pace: Pace, decision: Decision, told_s: float | None = None, seed: int = 1) -> float:
    return wait_s(pace, decision, SeededRandomness(seed), told_s=told_s, base_s=30, cap_s=3600)


def test_one_failure_does_not_shrink_two_do() -> None:
    assert run(SLOW).max_items == 100
    assert run(SLOW, SLOW).max_items == 50
    assert run(*[SLOW] * 20).max_items == 1


def test_a_refused_connection_never_shrinks() -> None:
    assert run(*[REFUSED] * 50).max_items == 100


def test_five_good_batches_bring_the_signed_value_back() -> None:
    small = [SLOW] * 4
    assert run(*small, *[GOOD] * 4).max_items == 12
    assert run(*small, *[GOOD] * 5).max_items == 100
    assert run(*small, *[GOOD] * 5, told_items=40).max_items == 40


def test_the_collector_may_lower_the_batch_at_once() -> None:
    assert run(GOOD, told_items=10).max_items == 10
    assert run(GOOD, told_items=0).max_items == 1
    assert run(GOOD, told_items=10**9).max_items == 100


def test_a_batch_that_cannot_be_read_is_halved_at_once() -> None:
    assert run(ENVELOPE).max_items == 50


def test_a_good_contact_forgets_the_failures() -> None:
    assert run(REFUSED, REVOKED, GOOD).failures == 0
    assert run(REFUSED, REVOKED, GOOD).rests == 0


def test_a_refusal_of_the_device_rests_an_hour_doubling_to_a_day() -> None:
    waits = [wait(run(*[REVOKED] * count), REVOKED) / 3600 for count in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 24, 24]


def test_a_signed_wait_counts_up_to_a_day() -> None:
    pace = run(SLOW)
    assert wait(pace, SLOW, told_s=10 * 86_400) == 86_400
    assert wait(pace, SLOW, told_s=600) >= 600


def test_after_a_good_batch_the_next_may_go_at_once() -> None:
    assert wait(run(GOOD), GOOD) == 0
    assert 60 <= wait(run(GOOD), GOOD, told_s=60) <= 90


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=60), st.integers(0, 2**16), st.integers(0, 100))
def test_bounds_hold_after_any_history(history: list[Decision], seed: int, told_items: int) -> None:
    pace = run(*history, told_items=told_items)
    last = history[-1]
    seconds = wait(pace, last, seed=seed)
    assert 1 <= pace.max_items <= 100
    assert 0 <= seconds <= 86_400
    if last.effect is not Effect.APPLY:
        assert seconds >= 1
    if last.effect is Effect.KEEP:
        assert seconds <= 3600
    if last.pressure is Pressure.NONE and last.kind is Kind.GOOD:
        assert pace.failures == 0


def test_the_jitter_is_full() -> None:
    """Ten thousand computers that lost their collector together must not come back together."""
    pace = run(*[REFUSED] * 10)
    waits = sorted(wait(pace, REFUSED, seed=seed) for seed in range(200))
    assert waits[10] < 600 and waits[-10] > 3000
