"""What pages remember goes by: no two states of the verdicts have one number."""

from collections.abc import Callable

from collector.store.open import Store
from collector.store.queries import networks, newness, sites
from collector.store.queries.judging import judgement
from collector.store.unit import UnitOfWork


def test_every_writing_leaves_another_number(store: Store) -> None:
    seen = []
    for _ in range(12):
        with store.unit() as unit:
            newness.raise_verdicts(unit)
            unit.commit()
        with store.reader() as snapshot:
            seen.append(newness.newness(snapshot).verdicts)
    assert len(set(seen)) == 12


def test_what_is_not_written_changes_nothing(store: Store) -> None:
    with store.reader() as snapshot:
        before = newness.newness(snapshot)
    with store.unit() as unit:
        newness.raise_verdicts(unit)
    with store.reader() as snapshot:
        assert newness.newness(snapshot) == before


VOTES: list[Callable[[UnitOfWork], None]] = [
    judgement.unjudge_everything,
    judgement.forget_everything,
]
STANDINGS: list[Callable[[UnitOfWork], None]] = [
    lambda unit: sites.renew_standings(unit, ["00123"], "2026-11-01"),
    lambda unit: networks.renew_standings(unit, ["00123"], "2026-11-01"),
]


def test_who_writes_votes_or_standings_says_so(store: Store) -> None:
    for read, writers in ((newness.newness, VOTES), (newness.standings, STANDINGS)):
        for write in writers:
            with store.reader() as snapshot:
                before = read(snapshot)
            with store.unit() as unit:
                write(unit)
                unit.commit()
            with store.reader() as snapshot:
                assert read(snapshot) != before
