"""Lost answers are normal; what was presented once and is taken back is not."""

from hypothesis import given
from hypothesis import strategies as st

from collector.intake.ratchet import Ratchet, turn

RATCHETS = st.integers(0, 10**6).flatmap(lambda issued: st.builds(Ratchet, st.just(issued), st.integers(0, issued)))


@given(RATCHETS, st.one_of(st.just("-"), st.integers(0, 10**7).map(str)))
def test_every_batch_gets_a_number_never_given_before(ratchet: Ratchet, presented: str) -> None:
    turned = turn(ratchet, presented)
    assert turned.ratchet.issued == ratchet.issued + 1
    assert ratchet.confirmed <= turned.ratchet.confirmed <= turned.ratchet.issued


@given(RATCHETS, st.data())
def test_what_was_handed_out_since_the_last_return_may_come_back(ratchet: Ratchet, data: st.DataObject) -> None:
    value = data.draw(st.integers(ratchet.confirmed, ratchet.issued))
    turned = turn(ratchet, str(value))
    assert not turned.is_rolled_back
    assert turned.ratchet.confirmed == value


@given(RATCHETS)
def test_less_than_came_back_once_or_more_than_was_handed_out_is_rolled_back(ratchet: Ratchet) -> None:
    assert turn(ratchet, str(ratchet.issued + 1)).is_rolled_back
    if ratchet.confirmed:
        assert turn(ratchet, str(ratchet.confirmed - 1)).is_rolled_back


def test_a_device_that_never_had_one_has_none() -> None:
    assert not turn(Ratchet(0, 0), "-").is_rolled_back
    assert turn(Ratchet(1, 0), "-").is_rolled_back
