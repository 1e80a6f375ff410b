"""Power cuts while bytes are spent: what the ledger shows is never less than what the line carried, nor much more.

The line counts for itself, apart from agent and test point. Days and months pass by the agent's clock alone.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from agent.measure.wirecost import OVERHEAD_BYTES, wire_bytes
from agent.schedule.budget import FEWEST_USEFUL_BYTES
from agent.spool.store import Spool, open_reader
from agent.wire.vocabulary import ExitCode
from collector.demo.line import ShapedLineProcess
from tests.e2e.stepped_agent import ports_ahead
from tests.e2e.world import World, let_pass, wait_for

ROOT = Path(__file__).parents[2]
DAY, MONTH, SIDE = 5_000_000, 17_000_000, 600_000
DOWN_BPS, UP_BPS, RTT_MS = 8e6, 4e6, 40.0
PRODUCT = round(DOWN_BPS / 8 * RTT_MS / 1000)  # of bandwidth and delay: what may be in flight when something ends
# Beside test data: connections, idle latency, probes under load, the light look. Caps set as much aside.
BESIDE = 2 * OVERHEAD_BYTES
BEGUN, STILL_S, LATEST_S = 20_000, 0.1, 10.0
KEYS = f"""
day_bytes = {DAY}
month_bytes = {MONTH}
max_bytes_direction = {SIDE}
alone_spread_s = 0
light_interval_s = 3600
"""
MOMENTS = ("before", "download", "between", "upload", "reconcile", "anywhere")


class BudgetWorld(World):
    """An enrolled agent behind a line, without its collector's word, on a clock that goes by days."""

    def __init__(self, root: Path) -> None:
        self.ahead_s = 0
        super().__init__(root)
        self.day = self.next_month(datetime.now())

    def program(self, name: str) -> list[str]:
        if name != "enlace-agent":
            return super().program(name)
        return [sys.executable, "-m", "tests.e2e.stepped_agent", str(self.ahead_s)]

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "PYTHONPATH": str(ROOT)}

    def begin(self, line: ShapedLineProcess) -> None:
        """Enrol, then leave the agent alone with a test point behind the line."""
        self.line = line
        text = (
            self.config.read_text().replace("light_interval_s = 1\n", "").replace("max_bytes_direction = 300000\n", "")
        )
        text = text.replace(f"http://127.0.0.1:{self.open_testpoint}", f"http://127.0.0.1:{line.port}")
        text = text.replace(f"http://127.0.0.1:{self.testpoint}", f"http://127.0.0.1:{line.port}")
        self.config.write_text(text + KEYS)
        self.start_open_testpoint()
        server = self.start_serve("--only", "web")
        self.enrol()
        self.kill(server)
        self.go_to(self.day)

    # --- time ---------------------------------------------------------------------------------------------------

    @staticmethod
    def next_month(now: datetime) -> datetime:
        return (now.replace(day=1, hour=12, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)

    def go_to(self, moment: datetime) -> None:
        self.day, self.ahead_s = moment, round(moment.timestamp() - time.time())

    # --- what the line and the ledger say -----------------------------------------------------------------------

    def carried(self) -> tuple[int, int]:
        counters = self.line.counters
        return counters.download_bytes, counters.upload_bytes

    def settled(self) -> int:
        """Return what the line has carried when nothing is under way any more."""
        before = self.carried()
        while True:
            let_pass(2 * STILL_S)
            now = self.carried()
            if now == before:
                return sum(now)
            before = now

    def spent(self, begins: str = "") -> int:
        """Return the ledger's bytes of all days whose date begins like this."""
        days = self.spool("SELECT day, spent_bytes FROM budget_days")
        return sum(size for day, size in days if day.startswith(begins))

    def recovered(self) -> int:
        """Settle what the dead process left, as the next start does; returns what is spent then."""
        ports = ports_ahead(self.ahead_s)
        with Spool.open(
            self.root / "agent", clock=ports.clock, randomness=ports.randomness, boot_id=ports.host.boot_id()
        ) as spool:
            spool.recover()
        return self.spent()


class Killer:
    """Kills agents at moments that the line's counters tell, and holds the ledger against the line every time."""

    def __init__(self, world: BudgetWorld, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.days: Counter[datetime] = Counter()  # what the line carried
        self.refused = self.finished = self.most_ahead = 0
        self.base, self.since = world.spent(), list[int]()  # the ledger when it was settled last, and what came since
        self.shortfalls: list[int] = []

    def run(self, times: int) -> None:
        while self.kills.total() < times:
            if self.left() < 2 * FEWEST_USEFUL_BYTES:
                self.see_refused()
                continue
            self.kill_one(self.chance.choice(MOMENTS))
        self.check_what_stays()

    def left(self) -> int:
        world = self.world
        return min(DAY - world.spent(f"{world.day:%Y-%m-%d}"), MONTH - world.spent(f"{world.day:%Y-%m}"))

    def see_refused(self) -> None:
        """Without budget no test is made, unless what a dead process gives back is enough; then the day is over."""
        world, before = self.world, sum(self.world.carried())
        done = world.agent("test", "--json", expect=None)
        after = world.settled()
        self.note(after - before)
        if done.returncode != ExitCode.REFUSED:
            self.finished += 1
            return
        assert after - before < BESIDE
        self.refused += 1
        is_month = MONTH - world.spent(f"{world.day:%Y-%m}") < 2 * FEWEST_USEFUL_BYTES
        world.go_to(world.next_month(world.day) if is_month else world.day + timedelta(days=1))

    def kill_one(self, moment: str) -> None:
        world = self.world
        carried_before = world.carried()
        is_daemon = self.chance.random() < 0.4
        process = world.start(
            "enlace-agent", *(["run"] if is_daemon else ["test", "--json"]), data=world.root / "agent"
        )
        self.wait_for(moment, process, carried_before)
        is_alive = process.poll() is None
        world.kill(process)
        total = world.settled() - sum(carried_before)
        self.kills[f"{'daemon' if is_daemon else 'test'} {moment}"] += is_alive
        self.finished += not is_alive
        self.note(total)
        self.check_reservations()
        with open_reader(world.root / "agent") as reader:
            assert reader.ledger().is_balanced()
        if self.chance.random() < 0.5:  # else the next agent finds what this one left
            self.check_what_stays()

    def check_what_stays(self) -> None:
        """Settle what is left; of a kill stays what was carried, and what the direction under way could have cost."""
        reserved = self.world.spent()
        kept, total, count = self.world.recovered() - self.base, sum(self.since), len(self.since)
        assert kept + self.base <= reserved, "a recovery counts nothing twice"
        assert total - PRODUCT - count * BESIDE <= kept <= wire_bytes(total) + count * (SIDE + BESIDE), self.since
        self.shortfalls.append(total - kept)
        self.base, self.since = self.world.spent(), []

    def note(self, carried_bytes: int) -> None:
        world = self.world
        self.days[world.day] += carried_bytes
        self.since.append(carried_bytes)
        day, month = f"{world.day:%Y-%m-%d}", f"{world.day:%Y-%m}"
        in_month = sum(
            size for at, size in self.days.items() if (at.year, at.month) == (world.day.year, world.day.month)
        )
        self.most_ahead = max(self.most_ahead, self.days[world.day] - world.spent(day))
        assert self.days[world.day] <= world.spent(day) + PRODUCT
        assert in_month <= world.spent(month) + PRODUCT
        assert self.days[world.day] <= DAY + PRODUCT
        assert in_month <= MONTH + PRODUCT
        assert world.spent(day) <= DAY + wire_bytes(PRODUCT)

    def check_reservations(self) -> None:
        """What a dead process reserved counts, once: there is one at most, and it is in the day's bytes."""
        world = self.world
        held = world.spool("SELECT rid, reserved_bytes FROM reservations")
        running = world.spool("SELECT rid FROM rows WHERE state = 'running'")
        assert len(held) <= 1
        assert {rid for rid, _ in held} == {rid for (rid,) in running}
        assert sum(size for _, size in held) <= world.spent(f"{world.day:%Y-%m-%d}")

    # --- moments ------------------------------------------------------------------------------------------------

    def wait_for(self, moment: str, process: subprocess.Popen[bytes], base: tuple[int, int]) -> None:
        """Return at a random place within a part of the test, when the process has ended, or if it never comes."""
        latest_s = time.monotonic() + LATEST_S

        def when(holds: Callable[[int, int], bool]) -> None:
            def is_there() -> bool:
                down, up = self.world.carried()
                is_over = process.poll() is not None or time.monotonic() > latest_s
                return is_over or holds(down - base[0], up - base[1])

            wait_for(is_there, moment)

        share = self.chance.uniform(0.04, 0.85) * SIDE
        match moment:
            case "before":
                end_s = time.monotonic() + self.chance.uniform(0.05, 2.0)
                when(lambda down, _up: down > BEGUN or time.monotonic() > end_s)
            case "download":
                when(lambda down, _up: down > share)
            case "between":
                when(lambda down, _up: down > BEGUN and self.is_still(0))
                let_pass(self.chance.uniform(0, STILL_S))
            case "upload":
                when(lambda _down, up: up > share)
            case "reconcile":
                when(lambda _down, up: up > SIDE / 3 and self.is_still(1))
                let_pass(self.chance.uniform(0, 3 * STILL_S))
            case _:
                let_pass(self.chance.uniform(0.2, 5.0))

    def is_still(self, side: int) -> bool:
        before = self.world.carried()[side]
        let_pass(STILL_S / 2)
        return self.world.carried()[side] - before < 1_000


@pytest.fixture
def budget_world(tmp_path: Path) -> Iterator[BudgetWorld]:
    world = BudgetWorld(tmp_path)
    with ShapedLineProcess("127.0.0.1", world.open_testpoint, down_bps=DOWN_BPS, up_bps=UP_BPS, rtt_ms=RTT_MS) as line:
        try:
            world.begin(line)
            yield world
        finally:
            world.close()
    assert "Traceback" not in world.logs()


def killed(world: BudgetWorld, times: int, seed: int) -> Killer:
    killer = Killer(world, seed)
    killer.run(times)
    print(
        f"{killer.kills.total()} kills {dict(killer.kills)}, {killer.finished} ended before, {killer.refused} refused; "
        f"line {sum(killer.days.values())} bytes in {len(killer.days)} days, the fullest {max(killer.days.values())}; "
        f"ledger {world.spent()}; line ahead of a day's ledger by {killer.most_ahead} at most, "
        f"of one process' by {max(killer.shortfalls)}; "
        f"more than was carried stays of kills: {-sum(killer.shortfalls)} in all"
    )
    return killer


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
@pytest.mark.xdist_group("e2e")
@pytest.mark.deep
def test_a_hundred_power_cuts_never_overspend(budget_world: BudgetWorld) -> None:
    killer = killed(budget_world, times=100, seed=3)
    assert len({(day.year, day.month) for day in killer.days}) > 1, "days and months have passed"
    assert killer.refused > 1, "the budget was used up"
    assert set(MOMENTS) == {name.split()[1] for name in killer.kills}
