"""What pages remember goes by: no two states of the verdicts have one number."""

from collector.store.open import Store
from collector.store.queries import newness


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
