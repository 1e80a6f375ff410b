"""What an evaluation remembers of the days before: as much as a window can hold, and no more."""

import random
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from collector.domain.calendars import DEFAULT_OPENING, Calendar, local_day, parse_opening
from collector.domain.windows import window_of
from collector.evaluate import school
from collector.evaluate.inputs import SchoolInputs
from collector.evaluate.observe import remembered
from collector.store.queries.judging.fold import Voted
from tests.fakes.school_days import weekdays

ZONE = ZoneInfo("America/Sao_Paulo")
DAY = date(2018, 3, 1)  # its clocks were put back at midnight eleven days before
INPUTS = SimpleNamespace(
    at=Calendar(parse_opening(DEFAULT_OPENING), ZONE).at,
    local_day=lambda moment_ms: local_day(moment_ms, ZONE),
    start_ms=lambda day: round(datetime.combine(day, time(), ZONE).timestamp() * 1000),
)


def votes(a_day: float, hours: range, chance: random.Random) -> list[Voted]:
    """Return so many votes on each school day of about, oldest first, as far back as a window may reach."""
    first_ms = round(datetime.combine(DAY - school.REACH, time(), UTC).timestamp() * 1000)
    moments = [
        first_ms + (at * 24 + chance.choice(hours)) * 3_600_000 + chance.randrange(3_600_000)
        for at in range(school.REACH.days + 2)
        for _ in range(int(a_day) + (chance.random() < a_day % 1))
    ]
    return [Voted("00123", one, chance.randrange(10**8), None, "wifi", None) for one in sorted(moments)]


@pytest.mark.parametrize(("a_day", "days_at_most"), [(4, 11), (1, 13), (0.3, 28)])
def test_only_what_a_window_can_hold_is_remembered(a_day: float, days_at_most: int) -> None:
    chance = random.Random(round(10 * a_day))
    inputs: SchoolInputs = INPUTS  # type: ignore[assignment]
    for hours in [range(10, 20), range(24)] * 5:
        voted = votes(a_day, hours, chance)
        found = remembered(voted, inputs, DAY)
        assert found.is_enough == (a_day >= 1)
        assert len({one.day for one in found.observations}) <= days_at_most
        every = [one for row in voted for one in remembered([row], inputs, DAY).observations]
        assert found.observations == every[len(every) - len(found.observations) :]
        for later in (DAY, *weekdays(DAY + timedelta(days=9), 5)):
            new = [one._replace(day=later) for one in every[-2:]]
            assert window_of([*found.observations, *new], later) == window_of([*every, *new], later)


def test_a_school_with_few_tests_is_judged_by_all_that_a_window_reaches() -> None:
    """What is read first of everybody is not enough for it."""
    voted = votes(0.3, range(10, 20), random.Random(3))
    near = [one for one in voted if one.started_ms >= INPUTS.start_ms(DAY - school.NEAR)]
    inputs: SchoolInputs = INPUTS  # type: ignore[assignment]
    assert not remembered(near, inputs, DAY).is_enough
    assert len(remembered(voted, inputs, DAY).observations) > len(remembered(near, inputs, DAY).observations)
