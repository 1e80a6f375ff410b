"""Requests that come at the same moment: on PostgreSQL nothing else makes one wait for the other."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from threading import Event

import pytest
from sqlalchemy import func, select, text

from agent.wire import headers
from collector.intake import batch, enrol, unpack
from collector.intake.parts import Parts
from collector.store.open import Store
from collector.store.queries import devices
from collector.store.tables.devices import DEVICES
from tests.fakes.at_once import at_once
from tests.fakes.records import a_measurement
from tests.fakes.wire_device import WireDevice, a_token

ROUNDS = 8


def test_each_of_two_batches_of_one_device_turns_the_ratchet(device: WireDevice, parts: Parts, store: Store) -> None:
    other = copy(device)  # another process of the same computer, with clocks of its own
    other.boot_id = "ab" * 16
    device.post([a_measurement(900)])
    other.post([a_measurement(901)])
    with store.reader() as snapshot:
        before = snapshot.connection.scalar(select(DEVICES.c.ratchet_issued))
    for number in range(ROUNDS):
        pair = [one.batch_of([a_measurement(2 * number + at)]) for at, one in enumerate((device, other))]
        at_once(*(lambda one=one: batch.accept(one, parts) for one in pair))
    with store.reader() as snapshot:
        assert snapshot.connection.scalar(select(DEVICES.c.ratchet_issued)) == before + 2 * ROUNDS


def test_a_key_that_ends_while_its_batch_waits_for_the_device_opens_nothing(
    device: WireDevice, parts: Parts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming, is_admitted, unpacked = device.batch_of([a_measurement(1)]), Event(), unpack.unpack

    def tell(body: bytes) -> list[bytes]:
        is_admitted.set()
        return unpacked(body)

    monkeypatch.setattr(unpack, "unpack", tell)
    with ThreadPoolExecutor(1) as pool:
        with store.unit() as unit:
            devices.lock_device(unit, device.device)
            told = pool.submit(device.ask, batch.accept, incoming)
            assert is_admitted.wait(30)
            while store.path is None and not _waiting(store) and not told.done():
                pass
            devices.revoke_key(unit, device.device, incoming.headers[headers.KEY])
            unit.commit()
        assert told.result(30)["code"] == "key_revoked"


def _waiting(store: Store) -> int:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with store.reader() as snapshot:
        return int(snapshot.connection.scalar(text(waits)) or 0)


def test_a_computer_that_asks_twice_at_once_is_one_device(parts: Parts, store: Store) -> None:
    token = a_token(parts)
    for number in range(1, ROUNDS + 1):
        first = WireDevice(parts, token, seed=number)
        second = WireDevice(parts, token, seed=100 + number, machine=first.machine)
        at_once(*(lambda one=one: enrol.enrol(one.enrolment(), parts) for one in (first, second)))
    with store.reader() as snapshot:
        assert snapshot.connection.scalar(select(func.count()).select_from(DEVICES)) == ROUNDS
