"""Periods and who fell or recovered between them."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.store.queries.pages_progress import Standing
from collector.web import periods
from collector.web.periods import VERDICTS, Memory, Period, Standings

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(st.sampled_from(periods.WAYS), DAYS)
def test_periods_follow_each_other_without_a_gap_and_end_with_today(by: str, today: date) -> None:
    found = periods.periods(by, today)
    assert len(found) == periods.COUNT
    assert found[-1].first <= today.isoformat() <= found[-1].last
    for one, next_one in pairwise(found):
        assert date.fromisoformat(one.last) + timedelta(days=1) == date.fromisoformat(next_one.first)
    assert all(
        (date.fromisoformat(one.last) - date.fromisoformat(one.first)).days in (6, 27, 28, 29, 30) for one in found
    )


def read(
    memory: Memory, key: object, rows: dict[str, str], stamp: str = "1", now_ms: int = 0, *, old: bool = False
) -> Standings:
    some = [Standing(code, verdict, 30_000_000, 20_000_000, "v1") for code, verdict in rows.items()]
    return memory.find((key,), stamp=stamp, now_ms=now_ms, is_settled=old, read=lambda: some)


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(VERDICTS)), max_size=5))
def test_every_school_is_counted_once_in_every_period(history: list[dict[str, str]]) -> None:
    memory, codes = Memory(), list("abcdefg")
    found = [(Period(str(at), str(at)), read(memory, at, rows)) for at, rows in enumerate(history)]
    lines = periods.compare(found, codes, memory.index)
    kept = [rows for at, rows in enumerate(history) if any(history[: at + 1])]
    assert len(lines) == len(kept)
    for at, (line, rows) in enumerate(zip(lines, kept, strict=True)):
        before = kept[at - 1] if at else {}
        assert line.counts == {name: count for name in VERDICTS if (count := list(rows.values()).count(name))}
        assert line.none == len(codes) - len(rows) and line.with_verdict == len(rows)
        fell = [c for c in codes if rows.get(c) == "BELOW" and before.get(c) in ("MEETS", "BORDERLINE")]
        assert list(line.fell) == fell
        assert list(line.recovered) == [c for c in codes if rows.get(c) == "MEETS" and before.get(c) == "BELOW"]
        standings = dict(found)[line.period]
        for name in (*VERDICTS, "NONE"):
            chosen = periods.chosen(line, name, codes, standings, memory.index)
            assert chosen == [c for c in codes if rows.get(c, "NONE") == name]


def test_what_was_read_is_kept_until_the_next_evaluation() -> None:
    memory = Memory()
    first = read(memory, "june", {"a": "MEETS"})
    assert read(memory, "june", {"a": "BELOW"}) is first
    assert read(memory, "june", {"a": "BELOW"}, stamp="2").verdict(0) == "BELOW"


def test_what_is_long_past_is_read_again_after_an_hour() -> None:
    memory = Memory()
    first = read(memory, "june", {"a": "MEETS"}, old=True)
    assert read(memory, "june", {"a": "BELOW"}, stamp="2", now_ms=3_599_999, old=True) is first
    assert read(memory, "june", {"a": "BELOW"}, stamp="2", now_ms=3_600_000, old=True).verdict(0) == "BELOW"


def test_the_memory_does_not_grow_for_ever() -> None:
    memory = Memory()
    for at in range(300):
        read(memory, at, {"a": "MEETS"})
    assert len(memory.kept) == 120 and len(memory.index) == 1


def test_a_new_version_of_the_profile_is_marked() -> None:
    memory = Memory()
    made = []
    for at, version in enumerate(("v1", "v1", "v2")):
        some = [Standing("a", "MEETS", 30_000_000, 20_000_000, version)]
        made.append(
            (
                Period(str(at), str(at)),
                memory.find((at,), stamp="1", now_ms=0, is_settled=False, read=lambda some=some: some),
            )
        )
    lines = periods.compare(made, ["a"], memory.index)
    assert [line.has_new_version for line in lines] == [False, False, True]
    assert lines[0].typical == 1.5 and lines[0].change is None and lines[1].change == 0
