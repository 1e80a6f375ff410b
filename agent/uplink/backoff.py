"""How long to wait and how much to send, as pure functions of what happened so far (CONTRACTS 2).

Full jitter after a failure (base 30 s, cap 1 h); a refusal of this device rests 1 h doubling to 24 h; two failures in a
row that a smaller batch could cure halve the batch down to 1, five good ones bring it back.
"""

import msgspec

from agent.ports import Randomness
from agent.uplink.decide import Decision, Effect, Kind, Pressure
from agent.wire import limits

REST_BASE_S = 3_600.0
REST_CAP_S = 86_400.0
LEAST_WAIT_S = 1.0  # never two tries within a second, whatever chance says
GOOD_TO_GROW = 5
_DOUBLINGS = 40  # beyond any cap; keeps 2**n a small number after years of failures


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What the next contact goes by; kept durably."""

    failures: int = 0  # failed contacts in a row
    rests: int = 0  # refusals of this device in a row
    pressed: int = 0  # failures in a row that a smaller batch could cure
    good: int = 0  # good batches in a row since the batch was made smaller
    max_items: int = limits.BATCH_ITEMS  # in force
    told_items: int = limits.BATCH_ITEMS  # by the collector
    kind: str = ""  # of the last contact, a `decide.Kind`; "" = none yet
    why: str = ""  # in words; "" = all is well


def after(pace: Pace, decision: Decision, *, why: str, told_items: int | None = None) -> Pace:
    """Return the pace after a contact.

    Args:
        pace: Before it.
        decision: What its outcome means.
        why: The same in words.
        told_items: `max_items` of a good signed answer.
    """
    if decision.effect is Effect.APPLY:
        return _after_good(pace, told_items)
    pressed = pace.pressed + 1 if decision.pressure is not Pressure.NONE else 0
    halves = decision.pressure is Pressure.AT_ONCE or pressed >= 2
    answered = decision.effect is Effect.SHRINK  # the collector is well, the batch is not
    return msgspec.structs.replace(
        pace,
        failures=0 if answered else pace.failures + 1,
        rests=pace.rests + 1 if decision.effect is Effect.REST else pace.rests,
        pressed=pressed,
        good=0,
        max_items=max(1, pace.max_items // 2) if halves else pace.max_items,
        kind=decision.kind,
        why=why,
    )


def _after_good(pace: Pace, told_items: int | None) -> Pace:
    told = min(max(pace.told_items if told_items is None else told_items, 1), limits.BATCH_ITEMS)
    good = pace.good + 1
    is_small = pace.max_items < min(told, pace.told_items)
    max_items = pace.max_items if is_small and good < GOOD_TO_GROW else told
    return Pace(good=good if max_items < told else 0, max_items=max_items, told_items=told, kind=Kind.GOOD)


def wait_s(
    pace: Pace, decision: Decision, randomness: Randomness, *, told_s: float | None, base_s: float, cap_s: float
) -> float:
    """Return how long to wait before the next contact.

    Args:
        pace: After the contact.
        decision: What its outcome means.
        randomness: For the jitter.
        told_s: What the answer asked for; a floor, plus up to half of it so that a herd spreads.
        base_s: First wait after a failure.
        cap_s: Longest wait after failures.

    Source: full jitter, M. Brooker, "Exponential Backoff And Jitter" (AWS, 2015): uniform(0, min(cap, base 2^n)).
    """
    match decision.effect:
        case Effect.APPLY:
            own_s = 0.0
        case Effect.REST:
            own_s = min(REST_CAP_S, REST_BASE_S * 2 ** min(pace.rests - 1, _DOUBLINGS))
        case Effect.SHRINK:
            own_s = LEAST_WAIT_S
        case _:
            own_s = randomness.uniform(0.0, min(cap_s, base_s * 2 ** min(pace.failures - 1, _DOUBLINGS)))
    if decision.effect is not Effect.APPLY:
        own_s = max(own_s, min(LEAST_WAIT_S, base_s))
    asked_s = float(min(max(told_s or 0, 0), limits.SIGNED_WAIT_S))  # before it is a float: an int may be any size
    floor_s = asked_s * randomness.uniform(1.0, 1.5) if asked_s else 0.0
    return min(max(own_s, floor_s), float(limits.SIGNED_WAIT_S))
