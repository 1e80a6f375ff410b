"""Receipts by real processes: a measurement carries what its test point says, and the collector finds it right."""

import json

import pytest

from tests.e2e.world import World, wait_for

pytestmark = pytest.mark.xdist_group("e2e")


def verdict_of(world: World, rid: str) -> str:
    statement = "SELECT receipt_verdict FROM measurements WHERE rid = ?"
    found = wait_for(lambda: world.rows(statement, rid), "the measurement is stored")
    return str(found[0][0])


def test_a_measurement_carries_a_receipt_that_the_collector_finds_right(world: World) -> None:
    world.start_serve()
    world.enrol()
    records = []
    for engine in ("ndt7", "librespeed"):
        done = world.agent("test", "--json", "--engine", engine, "--max-bytes", "300000")
        records.append(json.loads(done.stdout.splitlines()[-1]))
    assert all(record["status"] == "ok" and record["lease_id"] and record["receipt"] for record in records)
    world.start_daemon()
    assert [verdict_of(world, record["rid"]) for record in records] == ["valid", "valid"]
    planned = wait_for(lambda: world.rows("SELECT rid FROM measurements WHERE trigger != 'manual'"), "a planned test")
    assert verdict_of(world, planned[0][0]) == "valid"
    assert "receipt_verdict" in world.collector("export", "measurements", "--format", "csv").splitlines()[0]


def test_a_test_point_that_the_collector_does_not_know_is_not_believed(world: World) -> None:
    server = world.start_serve()
    world.enrol()
    world.stop(server)
    world.start_open_testpoint()
    record = json.loads(world.agent("test", "--json").stdout.splitlines()[-1])
    assert record["receipt"]
    world.start_serve()
    world.start_daemon()
    assert verdict_of(world, record["rid"]) == "forged"
