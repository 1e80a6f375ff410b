"""Which areas somebody sees."""

from hypothesis import given
from hypothesis import strategies as st

from collector.domain.scope import NOTHING, WHOLE, Scope, lies_in, scope_of

# A registry cuts the blanks off its cells: none stands at either end of an area.
AREAS = st.lists(st.sampled_from(["North", "South", "north", "River", "Northern"]), min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from(["/", " / "]).map(lambda between: between.join(parts))
)
SCOPES = st.one_of(st.just(WHOLE), st.frozensets(AREAS, max_size=3).map(Scope))


def test_an_area_holds_what_is_inside_it_and_no_other_that_begins_alike() -> None:
    assert lies_in("North", "North") and lies_in("North/River", "North") and lies_in("North / River / Bend", "North")
    assert not lies_in("Northwest", "North") and not lies_in("North", "North/River") and not lies_in("north", "North")
    assert not lies_in(None, "North")


def test_without_areas_it_is_the_whole_country() -> None:
    assert scope_of([]) is WHOLE and scope_of([]).covers(None) and not NOTHING.covers("North")
    assert not scope_of(["North"]).covers(None) and scope_of(["North"]).covers("North/River")


@given(SCOPES, SCOPES, st.none() | AREAS)
def test_what_two_scopes_share_is_what_both_cover(one: Scope, other: Scope, area: str | None) -> None:
    assert one.meet(other).covers(area) == (one.covers(area) and other.covers(area))
    assert one.meet(other) == other.meet(one)
