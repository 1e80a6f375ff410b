"""What `status` says, with a daemon and without one, today and tomorrow, here and on a copied disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import statusfile
from agent.commands import state
from agent.config import AgentConfig
from agent.host.locks import hold_agent_lock
from agent.ports import MachineFacts
from agent.service import last_test
from agent.spool.store import Spool
from agent.uplink import identity
from agent.uplink.identity import IdentityStore
from agent.wire.records import Measurement
from tests.agent.uplink.test_identity import FACTS, an_identity
from tests.fakes.agent_world import FakeClock, FakeHost, SeededRandomness, fake_ports
from tests.fakes.records import a_direction, a_measurement, a_rid

DAY_S = 86_400
OTHER = MachineFacts("11" * 16, "X7", "lab-04", "Linux 6.1")
STALE = {"budget": {"day_bytes": 7, "day_cap_bytes": 8, "month_bytes": 7, "month_cap_bytes": 8}}


class Desk:
    """A data directory, and who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.host = folder, FakeClock(), FakeHost(FACTS)
        self.ports = fake_ports(self.clock, self.host)
        self.config = AgentConfig()

    def read(self) -> dict[str, Any]:
        return state.read(self.folder, self.config, self.ports)

    def lines(self) -> dict[str, str]:
        return dict(state._lines(self.read()))

    def spend(self, number: int, size_bytes: int) -> None:
        spool = Spool.open(
            self.folder, clock=self.clock, randomness=SeededRandomness(number), boot_id=self.host.boot_id()
        )
        spool.mark_running(b"{}", a_rid(number), size_bytes, utc_offset_min=self.host.utc_offset_min())
        spool.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)


@pytest.mark.parametrize("runs", [False, True])
def test_the_bytes_of_the_day_are_those_of_the_spool(desk: Desk, runs: bool) -> None:
    """What the daemon wrote half an hour ago, or before it was ended, is not what counts."""
    statusfile.write(desk.folder, STALE)
    lock = hold_agent_lock(desk.folder) if runs else None
    desk.spend(1, 30_000_000)
    told = desk.read()
    assert told["running"] is runs
    assert told["budget"] == {
        "day_bytes": 30_000_000, "day_cap_bytes": 300_000_000,
        "month_bytes": 30_000_000, "month_cap_bytes": 4_000_000_000,
    }  # fmt: skip
    assert desk.lines()["Data today"] == "30.0 of 300 MB"
    desk.spend(2, 12_000_000)
    assert desk.read()["budget"]["day_bytes"] == 42_000_000
    if lock is not None:
        lock.release()


def test_a_new_day_and_a_new_month_begin_at_nothing(desk: Desk) -> None:
    statusfile.write(desk.folder, STALE)
    desk.spend(1, 30_000_000)
    desk.clock.advance_s(DAY_S)
    told = desk.read()["budget"]
    assert (told["day_bytes"], told["month_bytes"]) == (0, 30_000_000)
    desk.clock.advance_s(7 * DAY_S)  # December
    told = desk.read()["budget"]
    assert (told["day_bytes"], told["month_bytes"]) == (0, 0)


def test_the_caps_are_those_in_force(desk: Desk) -> None:
    desk.config = msgspec.structs.replace(desk.config, metered=True)
    assert desk.read()["budget"]["day_cap_bytes"] == 20_000_000


def test_a_spool_that_cannot_be_read_has_no_numbers(desk: Desk) -> None:
    statusfile.write(desk.folder, STALE)
    (desk.folder / "spool.sqlite3").write_bytes(b"no database" * 1000)
    told = desk.read()
    assert told["budget"] is None and "cannot be read" in told["spool_problem"]


def test_a_figure_that_is_a_lower_bound_is_said_to_be_one(desk: Desk) -> None:
    record = msgspec.convert(
        a_measurement(download=a_direction(754_200_000, lower_bound=True), upload=a_direction(67_200_000)), Measurement
    )
    statusfile.write(desk.folder, {"last_test": last_test(record)})
    assert desk.lines()["Last test"].endswith("  at least 754.2 Mbit/s down, 67.2 Mbit/s up")


def test_a_copied_disk_is_said_as_doctor_says_it(desk: Desk) -> None:
    IdentityStore(desk.folder).save(an_identity(device="d-1", collector_keys=["A" * 43]))
    assert desk.read()["copied_disk"] is False
    desk.host.facts = OTHER
    told = desk.read()
    assert told["copied_disk"] is True and told["enrolled"]
    assert "copied from another computer" in desk.lines()["Problem"]
    assert "restart the agent" in desk.lines()["Problem"]


def test_a_copy_that_waits_for_its_own_name_says_so(desk: Desk) -> None:
    """The daemon has seen it and made a key of its own; the collector has not answered yet."""
    copied = an_identity(device="d-1", collector_keys=["A" * 43])
    desk.host.facts = OTHER
    IdentityStore(desk.folder).save(identity.successor(SeededRandomness(), OTHER, copied))
    told = desk.read()
    assert (told["copied_disk"], told["enrolled"], told["kind"]) == (True, False, "not_enrolled")
    assert "enrols as one of its own" in desk.lines()["Problem"]


@pytest.mark.parametrize(
    "odd",
    [
        {"last_test": []},
        {"last_test": {"download_bps": "fast"}},
        {"clock_change": {"by_s": "a", "noticed_at": 1}},
        {"clock_change": {}},
        {"school": ["x"], "waiting": "x", "dead": {}, "why": 3, "kind": None},
    ],
)
def test_a_status_file_of_another_shape_does_not_end_status(desk: Desk, odd: dict[str, Any]) -> None:
    """Another version wrote it, or an editor did."""
    statusfile.write(desk.folder, {**odd, "pid": 1, "next_test_at": None})
    assert statusfile.read(desk.folder) == {"pid": 1, "next_test_at": None}
    (desk.folder / "spool.sqlite3").write_bytes(b"no database" * 1000)  # then nothing else says what waits
    assert desk.lines()["Waiting"] == "0"


def test_what_waits_has_a_reason_before_anybody_has_tried(desk: Desk) -> None:
    IdentityStore(desk.folder).save(an_identity(device="d-1", collector_keys=["A" * 43]))
    assert (desk.read()["why"], desk.lines()["Waiting"]) == ("", "0")
    spool = Spool.open(desk.folder, clock=desk.clock, randomness=SeededRandomness(1), boot_id=desk.host.boot_id())
    spool.add_ready(msgspec.convert(a_measurement(), Measurement))
    spool.close()
    assert desk.lines()["Waiting"] == f"1: {state.NOBODY_OFFERS}"
    lock = hold_agent_lock(desk.folder)
    assert desk.lines()["Waiting"] == f"1: {state.NOT_TRIED}"
    lock.release()


def test_a_spool_that_breaks_while_it_is_read_is_a_problem_and_not_the_end(desk: Desk) -> None:
    desk.spend(1, 30_000_000)
    with closing(sqlite3.connect(desk.folder / "spool.sqlite3")) as database:
        database.execute("DROP TABLE budget_days")
        database.commit()
    told = desk.read()
    assert "cannot be read" in told["spool_problem"]
    assert (told["waiting"], told["budget"]) == (0, None)
