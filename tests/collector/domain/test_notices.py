"""What is told and what is not: one flag, one notice, one recovery, whatever the order of days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.domain import notices
from collector.domain.notice_facts import FlagFact, IllnessFact, OutageFact, Plan, Reader, Standing, Told
from collector.domain.notice_rules import (
    RETRY_MIN,
    Mute,
    Preference,
    inherit,
    is_quiet,
    may_know_illness,
    next_try_ms,
    parse_quiet,
)
from collector.domain.outages.withdrawn import Why, Withdrawn

ZONE = ZoneInfo("America/Barbados")
NOTHING = Preference()
MIN_MS = 60_000
DAY_MS = 86_400_000


def at(text: str) -> int:
    """Return a moment of the wall clock of Barbados, such as `2026-11-24 06:30`."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def a_reader(said: Preference = NOTHING, *mutes: Mute, sees_illness: bool = True) -> Reader:
    return Reader("user:1", inherit(NOTHING, NOTHING, said), ZONE, sees_illness, mutes)


def a_flag(name: str = "f1", opened_on: str = "2026-11-23", **more: object) -> FlagFact:
    plain = FlagFact(name, "below_target", "00123", "Norte", opened_on, None, "below_target", name="Escuela")
    return replace(plain, **more)  # type: ignore[arg-type]


def an_outage(name: str = "o1", opened: str = "2026-11-24 08:40", **more: object) -> OutageFact:
    plain = OutageFact(name, "provider", "Norte", "Onda Sur", 20, 19, 4000, at(opened), None, None)
    return replace(plain, **more)  # type: ignore[arg-type]


def after(before: Standing, plan: Plan, now_ms: int, *, sent: bool | None = None) -> Standing:
    """Return what is known when a plan is written, as the outbox keeps it."""
    told = dict(before.told)
    for subject in plan.told:
        told.setdefault(subject, Told(now_ms))
    for subject in plan.over:
        if subject in told and told[subject].over_ms is None:
            told[subject] = Told(told[subject].at_ms, now_ms)
    was_sent = plan.payload is not None if sent is None else sent
    return Standing(
        told,
        plan.turn or before.last_turn,
        plan.turn if plan.turn and was_sent else before.last_digest,
        now_ms if plan.topic == "outage" and was_sent else before.last_outage_ms,
        now_ms if plan.topic == "illness" and was_sent else before.last_illness_ms,
    )


def counts(plan: Plan) -> dict[str, int]:
    assert plan.payload is not None
    found = plan.payload["counts"]
    assert isinstance(found, dict)
    return found


MONDAY, TUESDAY, WEDNESDAY = at("2026-11-23 06:30"), at("2026-11-24 06:30"), at("2026-11-25 06:30")
ON_MONDAY = Standing(last_turn="2026-11-23", last_digest="2026-11-23")


def test_a_flag_is_new_once_then_open_then_recovered_once() -> None:
    reader, flag = a_reader(), a_flag()
    first = notices.digest(reader, TUESDAY, [flag], [], ON_MONDAY)
    assert counts(first) == {"new": 1, "recovered": 0, "open": 0, "outages": 0, "withdrawn": 0}
    before = after(ON_MONDAY, first, TUESDAY)
    second = notices.digest(reader, WEDNESDAY, [flag], [], before)
    assert second.payload is None and second.turn == "2026-11-25", "what is still open is no news of its own"
    another = notices.digest(reader, WEDNESDAY, [flag, a_flag("f2", "2026-11-24")], [], before)
    assert counts(another) == {"new": 1, "recovered": 0, "open": 1, "outages": 0, "withdrawn": 0}
    closed = replace(flag, closed_on="2026-11-25", closed_by="recovered")
    third = notices.digest(reader, WEDNESDAY, [closed], [], before)
    assert counts(third)["recovered"] == 1
    before = after(before, third, WEDNESDAY)
    assert notices.digest(reader, WEDNESDAY + DAY_MS, [closed], [], before).payload is None


def test_what_is_still_open_and_unseen_is_told_again_after_a_week() -> None:
    before = Standing({"flag:f1": Told(0)}, "2026-11-23", "2026-11-17")
    assert counts(notices.digest(a_reader(), TUESDAY, [a_flag(opened_on="2026-11-16")], [], before))["open"] == 1
    seen = a_flag(opened_on="2026-11-16", is_seen=True)
    assert notices.digest(a_reader(), TUESDAY, [seen], [], before).payload is None


def test_what_was_seen_or_closed_by_hand_drops_out() -> None:
    reader = a_reader()
    assert notices.digest(reader, TUESDAY, [a_flag(is_seen=True)], [], ON_MONDAY).payload is None
    told = Standing({"flag:f1": Told(0)}, "2026-11-23", "2026-11-23")
    closed = a_flag(closed_on="2026-11-24", closed_by="person")
    plan = notices.digest(reader, TUESDAY, [closed], [], told)
    assert plan.payload is None and plan.over == ("flag:f1",)
    gone = notices.digest(reader, TUESDAY, [], [], told)
    assert gone.payload is None and gone.over == ("flag:f1",)


def test_late_data_alarm_nobody_and_a_flag_taken_back_is_said() -> None:
    """CONTRACTS 5: replay of days older than 24 h notifies nobody."""
    late = a_flag(opened_on="2026-11-05")
    assert notices.digest(a_reader(), TUESDAY, [late], [], ON_MONDAY).payload is None
    told = Standing({"flag:f1": Told(0)}, "2026-11-23", "2026-11-23")
    back = a_flag(is_retracted=True)
    assert counts(notices.digest(a_reader(), TUESDAY, [back], [], told))["recovered"] == 1


def test_a_weekend_and_a_late_evaluation_lose_no_flag() -> None:
    friday = Standing(last_turn="2026-11-20", last_digest="2026-11-20")
    for opened_on in ("2026-11-19", "2026-11-20", "2026-11-22"):
        plan = notices.digest(a_reader(), MONDAY, [a_flag(opened_on=opened_on)], [], friday)
        assert counts(plan)["new"] == 1, opened_on


def test_a_digest_has_twenty_lines_and_true_counts() -> None:
    flags = [a_flag(f"n{number:02d}", severity="mild") for number in range(30)]
    flags += [a_flag("worst", severity="severe")]
    plan = notices.digest(a_reader(), TUESDAY, flags, [], ON_MONDAY)
    assert plan.payload is not None
    lines = plan.payload["new"]
    assert isinstance(lines, list) and len(lines) == 20 and lines[0]["flag_id"] == "worst"
    assert counts(plan)["new"] == 31 and len(plan.told) == 31


def test_a_mute_holds_for_its_days_and_then_the_flag_is_listed() -> None:
    mute = Mute("area", "Norte", WEDNESDAY, "works on the mast")
    reader = a_reader(NOTHING, mute)
    plan = notices.digest(reader, TUESDAY, [a_flag()], [], ON_MONDAY)
    assert plan.payload is None and not plan.told
    before = after(ON_MONDAY, plan, TUESDAY)
    assert sum(counts(notices.digest(reader, WEDNESDAY, [a_flag()], [], before)).values()) == 1
    for one, covers in (
        (Mute("all", "", WEDNESDAY, "x"), True),
        (Mute("school", "00123", WEDNESDAY, "x"), True),
        (Mute("school", "00124", WEDNESDAY, "x"), False),
        (Mute("kind", "below_target", WEDNESDAY, "x"), True),
        (Mute("area", "Nor", WEDNESDAY, "x"), False),
    ):
        said = notices.digest(a_reader(NOTHING, one), TUESDAY, [a_flag()], [], ON_MONDAY)
        assert (said.payload is None) is covers, one


@pytest.mark.parametrize(
    ("moment", "is_due"),
    [
        ("2026-11-24 06:29", False),
        ("2026-11-24 06:30", True),
        ("2026-11-24 17:59", True),
        ("2026-11-24 18:00", False),
        ("2026-11-24 00:10", False),
    ],
)
def test_a_digest_is_due_in_the_morning_of_the_school(moment: str, is_due: bool) -> None:
    reader = a_reader()
    assert notices.is_digest_due(reader, at(moment), 390, "2026-11-23", is_school_day=True) is is_due
    assert not notices.is_digest_due(reader, at(moment), 390, "2026-11-24", is_school_day=True), "once a day"
    assert not notices.is_digest_due(reader, at(moment), 390, None, is_school_day=False)


def test_a_digest_waits_for_the_end_of_quiet_hours() -> None:
    reader = a_reader(Preference(quiet="21:00-07:00"))
    assert not notices.is_digest_due(reader, TUESDAY, 390, None, is_school_day=True)
    assert notices.is_digest_due(reader, at("2026-11-24 07:00"), 390, None, is_school_day=True)


def test_an_outage_is_one_message_and_one_recovery() -> None:
    reader, outage = a_reader(), an_outage()
    now_ms = at("2026-11-24 08:55")
    plan = notices.outage(reader, now_ms, [outage], Standing())
    assert plan is not None and counts(plan) == {"new": 1, "over": 0, "withdrawn": 0}
    before = after(Standing(), plan, now_ms)
    later_ms = now_ms + 20 * MIN_MS
    assert notices.outage(reader, later_ms, [outage], before) is None
    over = replace(outage, closed_ms=later_ms, pupil_hours=1234.0)
    end = notices.outage(reader, later_ms, [over], before)
    assert end is not None and counts(end) == {"new": 0, "over": 1, "withdrawn": 0} and end.occasion != plan.occasion
    assert notices.outage(reader, later_ms + DAY_MS, [over], after(before, end, later_ms)) is None


def test_an_outage_waits_until_the_number_of_its_schools_has_settled() -> None:
    alarm_ms = at("2026-11-24 08:50")
    some = an_outage(silent=12, alarm_ms=alarm_ms, first_word_ms=at("2026-11-24 08:24"))
    for passed_ms in (0, 4 * MIN_MS):
        assert notices.outage(a_reader(), alarm_ms + passed_ms, [some], Standing()) is None
    whole = replace(some, silent=20)
    assert notices.outage(a_reader(), alarm_ms + MIN_MS, [whole], Standing()) is not None
    assert notices.outage(a_reader(), at("2026-11-24 08:55"), [some], Standing()) is not None
    over = replace(some, closed_ms=at("2026-11-24 08:54"))
    assert notices.outage(a_reader(), at("2026-11-24 08:54"), [over], Standing()) is None


@pytest.mark.parametrize("is_over_told", [False, True])
def test_an_outage_that_was_told_and_was_none_is_said_to_be_none_once(is_over_told: bool) -> None:
    reader, outage = a_reader(), an_outage()
    now_ms = at("2026-11-24 08:55")
    plan = notices.outage(reader, now_ms, [outage], Standing(last_turn="2026-11-24"))
    assert plan is not None
    before = after(Standing(last_turn="2026-11-24"), plan, now_ms)
    later_ms = now_ms + 60 * MIN_MS
    over = replace(outage, closed_ms=later_ms, pupil_hours=12.0)
    none = replace(over, silent=0, learnt_late=True, withdrawn=Withdrawn(Why.OFF, 19, 0))
    if is_over_told:
        end = notices.outage(reader, later_ms, [over], before)
        assert end is not None and counts(end) == {"new": 0, "over": 1, "withdrawn": 0}
        before = after(before, end, later_ms)
        assert notices.outage(reader, later_ms + 60 * MIN_MS, [none], before) is None, "no hurry any more"
        said = notices.digest(reader, WEDNESDAY, [], [none], before)
    else:
        found = notices.outage(reader, later_ms, [none], before)
        assert found is not None
        said = found
    assert said.payload is not None and counts(said)["withdrawn"] == 1
    (line,) = said.payload["withdrawn"]  # type: ignore[misc]
    assert line["withdrawn"] == {"why": "off", "off": 19, "fine": 0, "portal": 0}
    before = after(before, said, WEDNESDAY)
    assert notices.outage(reader, WEDNESDAY + DAY_MS, [none], before) is None
    assert notices.digest(reader, WEDNESDAY + DAY_MS, [], [none], before).payload is None
    assert notices.outage(reader, WEDNESDAY, [none], Standing()) is None, "who was not told of it hears nothing"


def test_a_national_outage_is_one_message() -> None:
    now_ms = at("2026-11-24 08:55")
    several = [an_outage(f"o{number}", silent=number + 8) for number in range(30)]
    plan = notices.outage(a_reader(), now_ms, several, Standing())
    assert plan is not None and counts(plan)["new"] == 30 and len(plan.told) == 30
    before = after(Standing(), plan, now_ms)
    more = [*several, an_outage("late")]
    assert notices.outage(a_reader(), now_ms + 5 * MIN_MS, more, before) is None
    assert notices.outage(a_reader(), now_ms + 15 * MIN_MS, more, before) is not None


@pytest.mark.parametrize("change", [{"label": "collector"}, {"learnt_late": True}, {"silent": 0}])
def test_nobody_is_woken_about_our_own_failure_or_what_was_learnt_late(change: dict[str, object]) -> None:
    assert notices.outage(a_reader(), at("2026-11-24 08:55"), [an_outage(**change)], Standing()) is None


def test_an_outage_of_quiet_hours_is_told_afterwards_or_in_the_digest() -> None:
    reader = a_reader(Preference(quiet="00:00-06:00"))
    night = an_outage(opened="2026-11-24 02:00")
    assert notices.outage(reader, at("2026-11-24 03:00"), [night], Standing()) is None
    assert notices.outage(reader, at("2026-11-24 06:00"), [night], Standing()) is not None
    over = replace(night, closed_ms=at("2026-11-24 05:00"), pupil_hours=0.0)
    assert notices.outage(reader, at("2026-11-24 06:00"), [over], Standing()) is None
    plan = notices.digest(reader, TUESDAY, [], [over], ON_MONDAY)
    assert counts(plan)["outages"] == 1
    assert notices.digest(reader, TUESDAY + MIN_MS, [], [over], after(ON_MONDAY, plan, TUESDAY)).payload is None


def test_an_illness_is_told_once_and_that_it_is_well() -> None:
    reader, now_ms = a_reader(), at("2026-11-24 10:00")
    ill = IllnessFact("disk_low", now_ms, {"free_mb": 10})
    plan = notices.illness(reader, now_ms, [ill], Standing())
    assert plan is not None
    before = after(Standing(), plan, now_ms)
    assert notices.illness(reader, now_ms + 30 * MIN_MS, [ill], before) is None
    well = notices.illness(reader, now_ms + 30 * MIN_MS, [], before)
    assert well is not None and well.over == ("illness:disk_low:" + str(now_ms),)
    assert notices.illness(reader, now_ms + DAY_MS, [], after(before, well, now_ms)) is None
    assert notices.illness(a_reader(sees_illness=False), now_ms, [ill], Standing()) is None


def test_preferences_come_from_the_nearest_place() -> None:
    wants = inherit(Preference(digest=False, quiet="22:00-06:00"), Preference(outage=False), Preference(digest=True))
    assert (wants.digest, wants.outage, wants.illness, wants.quiet) == (True, False, True, "22:00-06:00")
    assert wants.origins == {"digest": "person", "outage": "role", "illness": "shipped", "quiet": "deployment"}
    assert inherit(Preference(quiet="22:00-06:00"), NOTHING, Preference(quiet="00:00-00:00")).quiet == "00:00-00:00"
    assert notices.digest(a_reader(Preference(digest=False)), TUESDAY, [a_flag()], [], ON_MONDAY).payload is None
    assert notices.outage(a_reader(Preference(outage=False)), TUESDAY, [an_outage()], Standing()) is None
    assert may_know_illness("admin", is_whole=True) and not may_know_illness("operator", is_whole=False)
    assert not may_know_illness("analyst", is_whole=True)


def test_quiet_hours_go_over_midnight_and_the_same_time_twice_is_none() -> None:
    for moment, quiet in (("22:00", True), ("05:59", True), ("06:00", False), ("12:00", False)):
        assert is_quiet("22:00-06:00", at(f"2026-11-24 {moment}"), ZONE) is quiet
    assert parse_quiet("07:00-07:00") is None and not is_quiet("", TUESDAY, ZONE) and not is_quiet("x", TUESDAY, ZONE)
    with pytest.raises(ValueError):
        parse_quiet("7-8")


def test_the_times_of_trying_end() -> None:
    waits = [next_try_ms(tries, 0) for tries in range(1, len(RETRY_MIN) + 2)]
    assert waits == [*(minutes * MIN_MS for minutes in RETRY_MIN), None]


DAYS = [date(2026, 11, 2) + timedelta(days=offset) for offset in range(25)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20), st.integers(1, 12), st.booleans(), st.sampled_from(["recovered", "person", None])
        ),
        min_size=1,
        max_size=6,
    ),
    st.sets(st.integers(0, 24)),
)
def test_whatever_happens_each_flag_is_told_at_most_once_and_its_recovery_once(
    lives: list[tuple[int, int, bool, str | None]], without_school: set[int]
) -> None:
    standing = Standing()
    new: list[str] = []
    recovered: list[str] = []
    reader = a_reader()
    for offset, day in enumerate(DAYS):
        if offset in without_school:
            continue
        now_ms = round(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)
        flags = []
        for number, (opens, length, seen, end) in enumerate(lives):
            if opens >= offset:
                continue
            is_closed = end is not None and opens + length < offset
            closed_on = DAYS[min(opens + length, 24)].isoformat() if is_closed else None
            flags.append(
                a_flag(
                    f"f{number}", DAYS[opens].isoformat(), closed_on=closed_on, closed_by=end if is_closed else None,
                    is_seen=seen and offset > opens + 3,
                )
            )  # fmt: skip
        plan = notices.digest(reader, now_ms, flags, [], standing)
        assert plan == notices.digest(reader, now_ms, reversed(flags), [], standing), "order changes nothing"
        if plan.payload is not None:
            new += [line["flag_id"] for line in plan.payload["new"]]  # type: ignore[index,attr-defined]
            recovered += [line["flag_id"] for line in plan.payload["recovered"]]  # type: ignore[index,attr-defined]
        standing = after(standing, plan, now_ms)
    assert len(new) == len(set(new)) and len(recovered) == len(set(recovered))
    told = {subject.removeprefix("flag:") for subject in standing.told}
    assert set(new) <= told and set(recovered) <= told
