"""When an outage is told: once the number of its schools has settled, and in time."""

import random
from statistics import mean
from typing import NamedTuple

import pytest
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


@given(st.integers(0, 10**7), st.none() | moments, st.none() | moments, st.integers(0, 99), st.integers(0, 99), moments)
def test_it_waits_for_the_rest_and_not_for_long(
    alarm: int, first: int | None, newest: int | None, silent: int, more: int, passed: int
) -> None:
    told = settled.told_from_ms(alarm, first, newest)
    assert alarm <= told <= alarm + SETTLE_MS
    if first is not None:
        assert told == alarm or told <= first + settled.MISSED_MS + WITHIN_MS
    if newest is not None:
        assert told == alarm or told <= newest + settled.MISSED_MS

    def is_settled(now: int) -> bool:
        known = {"alarm_ms": alarm, "silent": silent, "schools": silent + more, "now_ms": now}
        return settled.is_settled(**known, first_word_ms=first, newest_word_ms=newest)

    now = alarm + passed
    assert is_settled(now) == (more == 0 or now >= told)
    assert not is_settled(now) or is_settled(now + 1)


class Morning(NamedTuple):
    found: int  # how many minutes after the cut
    told: int
    silent: int  # by then


def a_morning(seed: int, spared: int, schools: int = 20) -> Morning:
    """Return when a provider failed whose schools all but a few fell silent, from the moment of the cut."""
    chance = random.Random(seed)
    places = {f"a{n}": Place("A", "P") for n in range(schools)} | {f"b{n}": Place("A", "Q") for n in range(20)}
    happens: dict[int, list[Event]] = {}
    heard: dict[str, list[int]] = {}
    for code in places:
        moment, words = 420 - chance.uniform(0, 15), set[int]()
        while moment < 560:
            if code[0] == "b" or int(code[1:]) < spared or moment < CUT:
                words.add(int(moment))
            moment += 15 * chance.uniform(0.9, 1.1)
        heard[code] = sorted(words)
        for event in presence.events(code, heard[code], DAY, 560):
            happens.setdefault(event.minute, []).append(event)
    watch = Watch(Tally(places), lambda _group, _minute: 0.02)
    for minute in range(405, 560):
        watch.step(minute, happens.get(minute, ()))
        newest = [
            max(one for one in heard[code] if one <= minute) for code in places if code[0] == "a" and minute > CUT
        ]
        for one in watch.outages:
            if _is_told(one, minute + 1, newest):
                assert one.opened is not None
                return Morning(one.opened + 1 - CUT, minute + 1 - CUT, len(one.silent()))
    raise AssertionError("it was not found")


def _is_told(outage: Outage, now: int, words: list[int]) -> bool:
    """Return whether it is told at a minute, the one before being over; as the query asks."""
    if outage.opened is None:
        return False
    together = outage.began - settled.TOGETHER_MS // MINUTE_MS
    first = min(one.heard for one in outage.members.values() if one.heard >= together)
    newest = settled.newest_word(words, outage.online)
    return settled.is_settled(
        silent=len(outage.silent()),
        schools=outage.online,
        alarm_ms=(outage.opened + 1) * MINUTE_MS,
        first_word_ms=first * MINUTE_MS,
        newest_word_ms=None if newest is None else newest * MINUTE_MS,
        now_ms=now * MINUTE_MS,
    )


def test_of_twenty_schools_that_fall_silent_the_message_says_nineteen_or_twenty_within_a_quarter_of_an_hour() -> None:
    mornings = [a_morning(seed, 0) for seed in range(60)]
    assert max(one.told for one in mornings) <= 15
    assert mean(one.silent >= 19 for one in mornings) >= 0.95


def test_for_a_school_that_is_heard_on_no_message_is_late() -> None:
    mornings = [a_morning(seed, 1) for seed in range(200)]
    assert max(one.told for one in mornings if one.found <= 15) <= 15
    assert mean(one.silent in (18, 19, 20) for one in mornings) >= 0.95
    assert mean(one.silent == 19 for one in mornings) >= 0.7


@pytest.mark.parametrize(("schools", "spared"), [(40, 2), (60, 3), (100, 5), (10, 0), (19, 0)])
def test_one_in_twenty_may_be_heard_on(schools: int, spared: int) -> None:
    mornings = [a_morning(seed, spared, schools) for seed in range(12)]
    assert all(one.told <= max(15, one.found) for one in mornings)
    assert all(one.silent >= 0.85 * (schools - spared) for one in mornings)
