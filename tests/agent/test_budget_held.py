"""Whatever tests come, and however they end: the ledger never shows more than the day and the month allow."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import AgentConfig
from agent.daemon.permission import Held, Wish
from agent.daemon.walk import Measure, Walk
from agent.measure.session import Plan, Progress
from agent.measure.wirecost import OVERHEAD_BYTES, payload_within, wire_bytes
from agent.ports import Ports
from agent.spool.store import Spool
from agent.uplink.contact import Contact, Options
from agent.uplink.identity import IdentityStore
from agent.wire import forms
from agent.wire.records import Direction, Measurement
from agent.wire.vocabulary import Phase, Status, Trigger
from tests.fakes.agent_world import FakeClock, fake_ports
from tests.fakes.collector import FakeCollector

DAY, MONTH = 20_000_000, 50_000_000
SIDE = 10_000_000  # of a line that nobody knows
HOUR_S = 3_600
OFFSET_MIN = -240  # of the fake host


class Line:
    """Stands in for the session: each direction goes to its cap, and a bandwidth-delay product comes after it."""

    def __init__(self) -> None:
        self.product_bytes = 0
        self.breaks = False
        self.share = 1.0

    def __call__(self, plan: Plan, ports: Ports, *, on_progress: Any, cancelled: Any = None) -> Measurement:
        down, up = (self.side(cap) for cap in (plan.max_bytes_download, plan.max_bytes_upload))
        after = wire_bytes(down.bytes + self.product_bytes)
        if self.breaks:
            on_progress(Progress(Phase.DOWNLOAD, 1.0, down.bytes + self.product_bytes, 0.0))
            raise OSError("the cable was pulled")
        return Measurement(
            rid=plan.rid, status=Status.OK, tier=plan.tier, trigger=plan.trigger, budget=plan.budget,
            started_at=forms.format_time(ports.clock.now_ms()), boot_id=ports.host.boot_id(), started_mono_ms=0,
            download=msgspec.structs.replace(down, wire_bytes_est=after), upload=up,
        )  # fmt: skip

    def side(self, cap: int) -> Direction:
        assert cap > 0, "no cap"
        payload = int(payload_within(cap) * self.share)
        return Direction(bps=8 * max(payload, 1), bytes=payload, wire_bytes_est=wire_bytes(payload))


def the_walk(folder: Path, line: Measure, clock: FakeClock) -> tuple[Walk, Spool]:
    ports = fake_ports(clock)
    spool = Spool.open(folder, clock=clock, randomness=ports.randomness, boot_id=ports.host.boot_id())
    contact = Contact(
        FakeCollector(), ports, spool, IdentityStore(folder), ledger=spool.ledger, options=Options(agent_version="0")
    )
    config = AgentConfig(day_bytes=DAY, month_bytes=MONTH, servers=["http://192.0.2.1:1"], min_free_disk_bytes=0)
    return Walk(config, ports, spool, contact, measure=line, cancelled=threading.Event()), spool


TESTS = st.tuples(
    st.sampled_from([Trigger.WINDOW, Trigger.MANUAL]),
    st.sampled_from([None, 0, 1, 300_000, 7_000_000, 10**9]),  # --max-bytes
    st.sampled_from([0, 0, 10_000, 400_000]),  # the product of bandwidth and delay
    st.booleans(),  # breaks off
    st.sampled_from([1.0, 1.0, 0.3]),  # of its cap
    st.sampled_from([0, 0, 9 * HOUR_S]),  # before it
)


@settings(max_examples=40)
@given(st.lists(TESTS, min_size=1, max_size=12))
def test_never_more_than_the_budget_and_one_product(tests: list[tuple[Any, ...]]) -> None:
    line, clock = Line(), FakeClock()
    with tempfile.TemporaryDirectory() as folder:
        walk, spool = the_walk(Path(folder), line, clock)
        with spool:
            for trigger, max_bytes, product, breaks, share, wait_s in tests:
                line.product_bytes, line.breaks, line.share = product, breaks, share
                clock.advance_s(wait_s)
                before = spool.spent(OFFSET_MIN)
                walk.once(trigger, Wish(max_bytes=max_bytes) if trigger is Trigger.MANUAL else None)
                after = spool.spent(OFFSET_MIN)
                over = wire_bytes(product) + 1
                assert after.day_bytes <= max(DAY + over, before.day_bytes)
                assert after.month_bytes <= max(MONTH + over, before.month_bytes)


class Cut(BaseException):
    """The power goes."""


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        ([], OVERHEAD_BYTES),  # nothing was transferred: all but the search comes back
        ([(Phase.DOWNLOAD, 0)], SIDE),
        ([(Phase.DOWNLOAD, 700_000)], SIDE),
        ([(Phase.DOWNLOAD, 700_000), (Phase.UPLOAD, 9_000)], wire_bytes(700_000) + SIDE),
        # Refused and tried again: what the first try carried counts beside the second.
        ([(Phase.DOWNLOAD, 5_000), (Phase.DOWNLOAD, 0)], wire_bytes(5_000) + SIDE),
    ],
)
def test_a_power_cut_leaves_what_may_have_been_spent(steps: list[tuple[Phase, int]], left: int) -> None:
    def cut(plan: Plan, ports: Ports, *, on_progress: Any, cancelled: Any = None) -> Measurement:
        for phase, size_bytes in steps:
            on_progress(Progress(phase, 0.0, 0, 0.0, begins=True))
            on_progress(Progress(phase, 1.0, size_bytes, 0.0))
        assert spool.spent(OFFSET_MIN).day_bytes == 2 * SIDE, "all of it counts while it runs"
        raise Cut

    with tempfile.TemporaryDirectory() as folder:
        walk, spool = the_walk(Path(folder), cut, FakeClock())
        with spool, pytest.raises(Cut):
            walk.once(Trigger.WINDOW)
        walk, spool = the_walk(Path(folder), cut, FakeClock())
        with spool:
            assert spool.recover() == 1
            assert spool.spent(OFFSET_MIN).day_bytes == left


def test_a_day_ends_within_its_limit_to_the_byte() -> None:
    """Tests that all go to their caps, on a line without delay: the day is used up and not passed."""
    line = Line()
    with tempfile.TemporaryDirectory() as folder:
        walk, spool = the_walk(Path(folder), line, FakeClock())
        with spool:
            for _ in range(5):
                walk.once(Trigger.WINDOW)
            assert 0.97 * DAY < spool.spent(OFFSET_MIN).day_bytes <= DAY
            assert isinstance(walk.once(Trigger.MANUAL, Wish(max_bytes=0)), Held)
