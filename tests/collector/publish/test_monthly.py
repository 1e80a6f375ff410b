"""The numbers of a monthly report, from invented schools alone."""

from collector.domain.cures import Cure
from collector.publish import monthly
from collector.publish.monthly import Need
from collector.store.queries.pages.reports import SchoolRow

BASE = SchoolRow(
    "1", "One", "North", "Onda", 100, 30.0, "BELOW", "MEETS", "2026-10-30", 40, 4, 10_000_000, 20_000_000, None, "1"
)  # fmt: skip


def a_school(code: str, **changes: object) -> SchoolRow:
    return BASE._replace(code=code, **changes)


def test_the_provider_of_most_is_named_only_where_it_has_more_than_half() -> None:
    two = [a_school("1"), a_school("2")]
    other = [a_school("3", provider="Cable"), a_school("4", provider="Cable")]
    named = monthly.put_together("2026-10-01", [*two, a_school("3", provider="Cable")]).leaning
    assert named is not None and (named.provider, named.below, named.share) == ("Onda", 2, None)
    assert monthly.put_together("2026-10-01", [*two, *other]).leaning is None
    assert monthly.put_together("2026-10-01", [BASE]).leaning is None  # one school is no "most of them"
    five = [a_school(str(number), median_bps=15_000_000 + number) for number in range(5)]
    named = monthly.put_together("2026-10-01", five).leaning
    assert named is not None and named.share == 15_000_002 / 30e6 and (named.kept, named.short) == (0, 5)


def test_each_school_gets_the_advice_that_its_own_page_gives() -> None:
    rows = {
        Cure.COMPLAIN: BASE,
        Cure.BUY: a_school("2", contract_mbps=12.0),
        Cure.LOOK: a_school("3", median_bps=19_000_000, contract_mbps=20.0),
        Cure.FIND_OUT: a_school("4", contract_mbps=None),
        Need.BETTER_PORT: a_school("5", verdict="NOT_TESTABLE"),
        Need.SECOND_PC: a_school("6", verdict="INSUFFICIENT"),
        Need.HEAR: a_school("7", verdict=None, day=None),
        None: a_school("8", verdict="MEETS"),
    }
    assert [monthly.advised(row) for row in rows.values()] == list(rows)
    assert monthly.advised(a_school("9", verdict="BORDERLINE")) is None
    complaints = [a_school("1"), a_school("2", provider="Cable"), a_school("3", provider="Cable"), rows[Need.HEAR]]
    advice = monthly.put_together("2026-10-01", complaints).advice
    assert [(one.what, one.provider, one.schools) for one in advice] == [
        (Cure.COMPLAIN, "Cable", ("2", "3")), (Cure.COMPLAIN, "Onda", ("1",)), (Need.HEAR, None, ("7",)),
    ]  # fmt: skip


def test_who_matters_most_is_far_from_the_target_with_many_pupils() -> None:
    rows = [a_school(f"{number:02d}", pupils=number) for number in range(12)]
    rows.append(a_school("near", pupils=1000, median_bps=19_990_000))
    found = monthly.put_together("2026-10-01", rows)
    assert [row.code for row in found.worst] == [f"{number:02d}" for number in range(11, 1, -1)]
    assert (found.pupils_below.pupils, found.fell, found.both.change) == (66 + 1000, 13, -13)
    assert found.pupils_below.is_whole and found.pupils.is_whole
    partly = monthly.put_together("2026-10-01", [BASE, a_school("2", pupils=None)])
    assert (partly.pupils, partly.pupils_below) == (monthly.Roll(100, is_whole=False),) * 2
    assert monthly.put_together("2026-10-01", [a_school("2", pupils=None)]).pupils.pupils is None
    nothing = monthly.put_together("2026-10-01", [])
    assert (nothing.schools, nothing.judged, nothing.last_day, nothing.areas) == (0, 0, None, ())
