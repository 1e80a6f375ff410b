"""Every kind of notice against every kind of mute: what is told meanwhile, and what when the mute has ended."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from collector.domain import notices
from collector.domain.notice_facts import IllnessFact, OutageFact, Plan, Reader, Standing, Told
from collector.domain.notice_rules import Mute, Preference
from collector.domain.outages.withdrawn import Why, Withdrawn
from tests.collector.domain.test_notices import DAY_MS, TUESDAY, a_flag, a_reader, an_outage, at, counts

NOW = at("2026-11-24 10:00")
AREA = "Norte/Río"
FLAG = a_flag(area=AREA)
BEGUN = an_outage(area=AREA, opened="2026-11-24 08:40")
OVER = replace(BEGUN, closed_ms=at("2026-11-24 09:40"), pupil_hours=1.0)
NONE = replace(OVER, silent=0, learnt_late=True, withdrawn=Withdrawn(Why.OFF, 19, 0))
TOLD = {"flag:f1": Told(0), "outage:o1": Told(0)}
TOLD_OVER = {"outage:o1": Told(0, 1)}
ILL = IllnessFact("disk_low", NOW - 1, {"free_mb": 1})


def in_digest(part: str, flags: list[object], outages: list[OutageFact], told: dict[str, Told]) -> Callable[..., Plan]:
    before = Standing(told, "2026-11-23", "2026-11-16" if part == "open" else "2026-11-23")
    return lambda reader, now_ms: notices.digest(reader, now_ms, flags, outages, before)  # type: ignore[arg-type]


def at_once(outages: list[OutageFact], told: dict[str, Told]) -> Callable[..., Plan | None]:
    return lambda reader, now_ms: notices.outage(reader, now_ms, outages, Standing(told))


KINDS: dict[str, tuple[Callable[..., Plan | None], str, bool]] = {
    # which decision, where its line stands, and whether it is about one flag
    "a new flag": (in_digest("new", [FLAG], [], {}), "new", True),
    "a flag that is still open": (
        in_digest("open", [replace(FLAG, opened_on="2026-11-16")], [], {"flag:f1": Told(0)}), "open", True,
    ),
    "a flag that recovered": (
        in_digest("", [replace(FLAG, closed_on="2026-11-24", closed_by="recovered")], [], TOLD), "recovered", True,
    ),
    "a flag that was taken back": (in_digest("", [replace(FLAG, is_retracted=True)], [], TOLD), "recovered", True),
    "an outage that is over, in the digest": (in_digest("", [], [OVER], {}), "outages", False),
    "an outage that was none, in the digest": (in_digest("", [], [NONE], TOLD_OVER), "withdrawn", False),
    "an outage": (at_once([BEGUN], {}), "new", False),
    "an outage that is over": (at_once([OVER], TOLD), "over", False),
    "an outage that was none": (at_once([NONE], TOLD), "withdrawn", False),
}  # fmt: skip

MUTES = {
    # and whether it covers a flag, an outage
    "everything": (("all", ""), True, True),
    "its district": (("area", AREA), True, True),
    "the district around it": (("area", "Norte"), True, True),
    "another district": (("area", "Nor"), False, False),
    "its school": (("school", "00123"), True, False),
    "another school": (("school", "00124"), False, False),
    "its kind": (("kind", "below_target"), True, False),
    "another kind": (("kind", "data_quality"), False, False),
    "what nobody knows": (("weather", ""), False, False),
}


def reader(what: tuple[str, str], until_ms: int) -> Reader:
    return a_reader(Preference(), Mute(*what, until_ms, "works"))


def told(plan: Plan | None, part: str) -> int:
    if plan is None or plan.payload is None:
        return 0
    return counts(plan)[part]


@pytest.mark.parametrize("mute", MUTES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_mute_covers_is_not_told_and_what_it_does_not_is(kind: str, mute: str) -> None:
    (decide, part, is_flag), (what, of_flag, of_outage) = KINDS[kind], MUTES[mute]
    is_covered = of_flag if is_flag else of_outage
    plan = decide(reader(what, NOW + 1), NOW)
    assert told(plan, part) == (0 if is_covered else 1)
    if is_covered and plan is not None:
        assert not plan.told and not plan.over, "what was not told is not known, and its end is still to be told"
    assert told(decide(reader(what, NOW), NOW), part) == 1, "the mute has ended"


@pytest.mark.parametrize("mute", MUTES)
def test_no_mute_is_about_enlace_itself(mute: str) -> None:
    """The widest one is of everything about schools."""
    listener = reader(MUTES[mute][0], NOW + DAY_MS)
    assert notices.illness(listener, NOW, [ILL], Standing()) is not None
    assert notices.illness(listener, NOW, [], Standing({ILL.subject: Told(0)})) is not None


def test_several_outages_of_which_one_is_muted() -> None:
    other = an_outage("o2", area="Sur", closed_ms=OVER.closed_ms)
    known = {"outage:o1": Told(0), "outage:o2": Told(0)}
    plan = notices.outage(reader(("area", "Norte"), NOW + 1), NOW, [OVER, other], Standing(known))
    assert plan is not None and counts(plan)["over"] == 1 and plan.over == ("outage:o2",)


def test_a_recovery_that_was_muted_is_told_once_when_the_mute_ends() -> None:
    muted, free = reader(("all", ""), TUESDAY + DAY_MS), a_reader()
    assert notices.outage(muted, NOW, [OVER], Standing(TOLD)) is None
    plan = notices.outage(free, TUESDAY + DAY_MS, [OVER], Standing(TOLD))
    assert plan is not None and plan.over == ("outage:o1",)
    after = {**TOLD, "outage:o1": Told(0, TUESDAY + DAY_MS)}
    assert notices.outage(free, TUESDAY + 2 * DAY_MS, [OVER], Standing(after)) is None
