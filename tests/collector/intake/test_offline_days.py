"""A computer that was offline for three days comes back: its own diary, by its own code, fills the gap.

The agent's job and spool and the collector's intake and evaluation, on clocks that a test moves; between them nothing
but what would lie on the wire.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.config import AgentConfig
from agent.daemon import lookout
from agent.daemon.lookout import LightJob
from agent.measure.light import Sight
from agent.outcome import Outcome
from agent.ports import WayOut
from agent.spool.store import Spool
from agent.uplink.backoff import Pace
from agent.uplink.decide import Kind, Silence
from agent.wire.headers import Sent
from agent.wire.records import Rtt
from agent.wire.vocabulary import FailureCode
from collector.domain.availability import LATE_SLOTS
from collector.evaluate import work
from collector.evaluate.availability import work_out
from collector.evaluate.inputs import Reference
from collector.intake.parts import Parts
from collector.profiles import catalogue as profiles
from collector.store.open import Store
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES
from tests.collector.evaluate.test_availability import rows
from tests.fakes import agent_world
from tests.fakes.agent_world import FakeHost
from tests.fakes.collector_world import FakeClock
from tests.fakes.school_days import at_ms
from tests.fakes.wire_device import WireDevice

ZONE = "America/Barbados"  # of the school
MONDAY = date(2026, 11, 23)


@dataclass
class Contact:
    """The agent's contact with the collector; the line carries it or not."""

    is_online: bool = True
    is_enrolled: bool = True
    kind: str = ""
    last_silence: Silence | None = None
    pace: Pace = field(default_factory=Pace)

    def wait_s(self, *, fresh: bool = False) -> float:
        return 0.0 if self.is_online else 900.0


class Computer:
    """A school's computer: real job, spool and diary; its posts go to the collector's intake."""

    def __init__(self, device: WireDevice, clock: FakeClock, place: Path) -> None:
        self.device, self.clock, self.contact = device, clock, Contact()
        self.wall = agent_world.FakeClock(clock.now_ms(), 1_000)
        self.host = FakeHost(boot_id="b0" * 16)
        self.host.way = WayOut(True, True, None)
        self.ports = agent_world.fake_ports(self.wall, self.host)
        self.spool = Spool.open(place, clock=self.wall, randomness=self.ports.randomness, boot_id=self.host.boot_id())
        self.posts: list[int] = []  # when
        self.job = self._job()

    def _job(self) -> LightJob:
        return LightJob(
            AgentConfig(),
            self.ports,
            self,
            self,
            self.contact,
            self.spool,
            is_testing=lambda: False,  # type: ignore[arg-type]
        )

    def known_servers(self, _engine: object) -> tuple[str, ...]:
        return ("tp1",)

    def post(self, *, heartbeat: bool = False) -> None:
        self.contact.pace = Pace()
        self.contact.kind = Kind.GOOD if self.contact.is_online else Kind.COLLECTOR_DOWN
        self.contact.last_silence = None if self.contact.is_online else Silence.CONNECT_TIMEOUT
        while self.contact.is_online:
            waiting = self.spool.next_batch(100, 1_000_000)
            sent = Sent(self.wall.now_ms(), self.wall.mono_ms(), self.host.boot_id())
            told = self.device.post([json.loads(row.body) for row in waiting], sent=sent)
            assert told["status"] == 200, told
            self.posts.append(self.clock.now_ms())
            assert {one["status"] for one in told["items"]} <= {"accepted"}
            self.spool.apply([Outcome(row.seq, "acked") for row in waiting])
            if not waiting:
                return

    def boot(self, at: int, number: int) -> None:
        """Switch it on at a moment."""
        self.clock.now = at
        self.wall.now, self.wall.mono = at + 40_000, 30_000  # its clock is some seconds ahead
        self.host.boot = f"{number:02x}" * 16
        self.job = self._job()

    def stay_on(self, until: int) -> None:
        while self.clock.now_ms() < until:
            wait_ms = max(1_000, round(self.job.due_in_s() * 1000))
            self.clock.advance(wait_ms)
            self.wall.advance_s(wait_ms / 1000)
            self.job.run()


@pytest.fixture
def computer(
    device: WireDevice, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Computer]:
    made = Computer(device, clock, tmp_path / "agent")

    def look(*_given: Any) -> Sight:
        if made.contact.is_online:
            return Sight(dns_ms=12.0, server=Rtt(rtt_ms=40.0, n=5, loss_pct=0.0))
        return Sight(fault=FailureCode.CONNECT_TIMEOUT)

    monkeypatch.setattr(lookout.light, "look", look)
    yield made
    made.spool.close()


def evaluate(parts: Parts) -> None:
    with parts.store.reader() as snapshot:
        deployment = work.deployment_of(snapshot, parts.config, profiles.load(), Reference())
    assert work_out(parts.store, deployment, parts.ports.clock.now_ms()).failed == []


def test_three_days_offline_are_filled_and_only_they_change(
    computer: Computer, parts: Parts, store: Store, device: WireDevice
) -> None:
    days = [MONDAY + timedelta(days=at) for at in range(5)]
    for number, day in enumerate(days):
        computer.contact.is_online = number in (0, 4)
        computer.boot(at_ms(day, "06:50", ZONE), 0xB1 + number)
        if number == 4:
            evaluate(parts)
            before = {row["day"]: row for row in rows(store, AVAILABILITY_DAYS)}
            back_ms = computer.clock.now_ms()
        computer.stay_on(at_ms(day, "16:05", ZONE))
        if number == 0:
            gaps = [after - first for first, after in zip(computer.posts, computer.posts[1:], strict=False)]
            real = [gap for gap in gaps if gap]  # a heartbeat with runs is followed by an empty one at once
            assert len(real) >= 30
            assert max(real) <= 1_000_000 and min(real) >= 800_000  # every quarter of an hour, give or take a tenth
    evaluate(parts)

    after = {row["day"]: row for row in rows(store, AVAILABILITY_DAYS)}
    changed = {day for day in before if after[day]["availability"] != before[day]["availability"]}
    assert changed == {day.isoformat() for day in days[1:]}
    for day in days[1:4]:
        row = after[day.isoformat()]
        assert before[day.isoformat()]["availability"] is None
        assert row["good_slots"] == 0
        assert 106 <= row["down_slots"] <= 112  # from seven to four, of ten hours of school
        assert row["learnt_ms"] - back_ms < 1_200_000
        assert row["late"] is not None or day == days[3]  # what is less than a day old was not learnt late
    # The last minutes of Monday were written before the computer was switched off, and came with the others.
    last_minutes = json.loads(after[MONDAY.isoformat()]["late"])
    assert sum(count for _first, count, _ms in last_minutes) < LATE_SLOTS
    assert after[MONDAY.isoformat()]["availability"] == 1.0
    (outage,) = rows(store, LOCAL_OUTAGES)
    assert at_ms(days[1], "06:50", ZONE) - 300_000 <= outage["from_ms"] <= at_ms(days[1], "07:10", ZONE)
    assert at_ms(days[4], "06:50", ZONE) - 300_000 <= outage["to_ms"] <= at_ms(days[4], "07:10", ZONE)
    assert outage["learnt_ms"] is not None
    (now,) = rows(store, AVAILABILITY_NOW)
    assert (now["days"], now["last_day"]) == (4, days[3].isoformat())
    assert now["down_slots"] == sum(after[day.isoformat()]["down_slots"] for day in days[1:4])


def test_the_diary_of_a_computer_whose_clock_was_wrong_places_nothing(
    computer: Computer, parts: Parts, store: Store
) -> None:
    for number, day in enumerate(MONDAY + timedelta(days=at) for at in range(3)):
        computer.contact.is_online = number != 1
        computer.boot(at_ms(day, "06:50", ZONE), 0xB1 + number)
        if number == 1:
            computer.wall.step_wall_s(-40 * 86_400)  # its battery is empty, and nobody tells it the time
        computer.stay_on(at_ms(day, "09:00", ZONE))
    evaluate(parts)
    by_day = {row["day"]: row for row in rows(store, AVAILABILITY_DAYS)}
    assert by_day["2026-11-24"]["availability"] is None
    assert by_day["2026-11-23"]["down_slots"] == by_day["2026-11-25"]["down_slots"] == 0
