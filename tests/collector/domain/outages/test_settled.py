"""When an outage is told: once the number of its schools has settled, and in time."""

import random
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.outages import presence, settled
from collector.domain.outages.groups import Place
from collector.domain.outages.presence import Event
from collector.domain.outages.settled import MINUTE_MS, SETTLE_MS, WITHIN_MS
from collector.domain.outages.tally import Tally
from collector.domain.outages.watch import Outage, Watch

DAY = ((420, 1020),)
CUT = 520
moments = st.integers(0, 10**7)


@given(st.integers(0, 10**7), st.none() | moments, st.integers(0, 500), st.integers(0, 500), moments)
def test_it_waits_for_the_rest_and_not_for_long(
    alarm: int, first: int | None, silent: int, more: int, passed: int
) -> None:
    told = settled.told_from_ms(alarm, first)
    assert alarm <= told <= alarm + SETTLE_MS
    if first is not None:
        assert told == alarm or told <= first + settled.MISSED_MS + WITHIN_MS
    known = {"silent": silent, "schools": silent + more, "alarm_ms": alarm, "first_word_ms": first}
    now = alarm + passed
    assert settled.is_settled(**known, now_ms=now) == (more == 0 or now >= told)
    assert not settled.is_settled(**known, now_ms=now) or settled.is_settled(**known, now_ms=now + 1)


def a_morning(seed: int, spared: int) -> tuple[int, int]:
    """Return how many minutes after a provider of twenty schools failed it is told, and how many are silent then."""
    chance = random.Random(seed)
    places = {f"a{n}": Place("A", "P") for n in range(20)} | {f"b{n}": Place("A", "Q") for n in range(20)}
    happens: dict[int, list[Event]] = {}
    for code in places:
        moment, words = 420 - chance.uniform(0, 15), set[int]()
        while moment < 560:
            if code[0] == "b" or int(code[1:]) < spared or moment < CUT:
                words.add(int(moment))
            moment += 15 * chance.uniform(0.9, 1.1)
        for event in presence.events(code, sorted(words), DAY, 560):
            happens.setdefault(event.minute, []).append(event)
    watch = Watch(Tally(places), lambda _group, _minute: 0.02)
    for minute in range(405, 560):
        watch.step(minute, happens.get(minute, ()))
        if any(_is_told(one, minute + 1) for one in watch.outages):
            return minute + 1 - CUT, len(watch.outages[0].silent())
    raise AssertionError("it was not found")


def _is_told(outage: Outage, now: int) -> bool:
    """Return whether it is told at a minute, the one before being over; as the query asks."""
    if outage.opened is None:
        return False
    together = outage.began - settled.TOGETHER_MS // MINUTE_MS
    first = min(one.heard for one in outage.members.values() if one.heard >= together)
    return settled.is_settled(
        silent=len(outage.silent()),
        schools=outage.online,
        alarm_ms=(outage.opened + 1) * MINUTE_MS,
        first_word_ms=first * MINUTE_MS,
        now_ms=now * MINUTE_MS,
    )


def test_of_twenty_schools_that_fall_silent_the_message_says_nineteen_or_twenty_within_a_quarter_of_an_hour() -> None:
    mornings = [a_morning(seed, 0) for seed in range(60)]
    assert max(after for after, _silent in mornings) <= 15
    assert mean(silent >= 19 for _after, silent in mornings) >= 0.95


def test_a_school_that_is_heard_on_makes_the_message_wait_and_not_for_long() -> None:
    mornings = [a_morning(seed, 1) for seed in range(60)]
    assert mean(silent in (18, 19, 20) for _after, silent in mornings) >= 0.95
    assert mean(after <= 17 for after, _silent in mornings) >= 0.95 and max(after for after, _silent in mornings) <= 20
