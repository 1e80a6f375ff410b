"""Looks at a learning site become hours, hours a day, a day an observation."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.conditions import DayState
from collector.domain.sites import CLOSED, HOURS, NO_LOOK, OPENED, Others, SiteLook, SiteWord, observe, site_days

OK, S, B, D, U = SiteWord
LOOKS = st.lists(
    st.builds(
        SiteLook,
        site=st.sampled_from(["Library", "Exams"]),
        hour=st.integers(0, 23),
        word=st.sampled_from(SiteWord),
        took_ms=st.none() | st.floats(0, 15_000),
        is_line_good=st.booleans(),
    ),
    min_size=1,
)


def a_day(*looks: tuple[int, SiteWord], is_line_good: bool = True):  # type: ignore[no-untyped-def]
    return site_days([SiteLook("L", hour, word, 900.0, is_line_good) for hour, word in looks])["L"]


def test_where_one_computer_opens_it_the_school_can() -> None:
    day = a_day((8, B), (8, OK), (9, B), (9, B), (9, U), (10, S))
    assert day.hours == "." * 8 + "obs" + "." * 13
    assert (day.word, day.line_hours, day.line_opened) == (OK, 3, 2)
    assert day.looks == {OK: 1, S: 1, B: 3, U: 1} and day.median_ms == 900.0


def test_a_day_is_as_half_of_its_hours_are() -> None:
    assert a_day((8, OK), (9, B)).word is OK
    assert a_day((8, OK), (9, B), (10, B)).word is B
    assert a_day((8, S), (9, S), (10, OK)).word is S
    assert a_day((8, D), (9, U), (10, U)).word is U
    assert a_day((8, D), (9, U)).word is D  # of equally many the better


def test_a_line_out_of_order_is_shown_and_says_nothing_against_the_site() -> None:
    day = a_day((8, D), (9, D), is_line_good=False)
    assert (day.word, day.looks[D], day.line_hours) == (D, 2, 0)
    assert observe(day.line_hours, day.line_opened, day.word, Others(9, 9))[0] is DayState.UNKNOWN


def test_a_site_that_others_can_open_is_bad_here_alone() -> None:
    def state(hours: int, opened: int, others: Others) -> DayState:
        return observe(hours, opened, B, others)[0]

    assert state(8, 0, Others(3, 2)) is DayState.BAD
    assert state(8, 0, Others(4, 1)) is DayState.UNKNOWN  # it is the site
    assert state(8, 0, Others(2, 2)) is DayState.UNKNOWN  # too few to say
    assert state(1, 0, Others(9, 9)) is DayState.UNKNOWN
    assert state(8, 1, Others(9, 9)) is DayState.UNKNOWN  # now and then
    assert state(8, 4, Others(9, 9)) is DayState.GOOD
    assert observe(8, 0, B, Others(3, 2))[1] == {
        "hours": 8, "opened": 0, "word": "blocked", "others": 3, "others_open": 2,
    }  # fmt: skip


@given(LOOKS, st.randoms())
def test_the_order_of_arrival_changes_nothing(looks: list[SiteLook], chance) -> None:  # type: ignore[no-untyped-def]
    before = site_days(looks)
    chance.shuffle(looks)
    assert site_days(looks) == before
    for site, day in before.items():
        mine = [look for look in looks if look.site == site]
        assert sum(day.looks.values()) == len(mine)
        assert len(day.hours) == HOURS and {at for at, one in enumerate(day.hours) if one != NO_LOOK} == {
            look.hour for look in mine
        }
        assert day.line_opened <= day.line_hours
        hours_opened = sum(one in "os" for one in day.hours)
        hours = HOURS - day.hours.count(NO_LOOK)
        assert (day.word in OPENED) == (2 * hours_opened >= hours) and (day.word in CLOSED) != (day.word in OPENED)
