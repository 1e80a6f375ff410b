"""created = acked + ready + dead + dropped, after any sequence of events, crashes and damage included."""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.outcome import Outcome
from agent.spool.rows import Limits
from agent.spool.store import Spool
from agent.wire import codec
from tests.agent.spool.records import STUB, measurement, note_answer
from tests.fakes.agent_world import NOON_MS, FakeClock, SeededRandomness
from tests.fakes.records import a_rid

KEPT = Limits(cap_bytes=40_000)
DAY_S = 86_400


class SpoolMachine(RuleBasedStateMachine):
    """A model that only knows which identities were handed in, and where the collector's answers put them."""

    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="spool-law-"))
        self.generation, self.number, self.boot = 0, 0, 1
        self.clock, self.randomness = FakeClock(), SeededRandomness()
        self.server_offset_ms = self.looks = 0
        self.ready: set[str] = set()
        self.acked: set[str] = set()
        self.dead: set[str] = set()
        self.running: set[str] = set()
        self.created = 0
        self.lineage: str | None = None
        self.abandoned: list[Spool] = []
        self.spool = self.opened()

    @property
    def directory(self) -> Path:
        return self.root / str(self.generation)

    @property
    def boot_id(self) -> str:
        return f"{self.boot:032x}"

    def opened(self) -> Spool:
        return Spool.open(self.directory, clock=self.clock, randomness=self.randomness, boot_id=self.boot_id, kept=KEPT)

    def new_rid(self) -> str:
        self.number += 1
        return a_rid(self.number)

    # --- events ---------------------------------------------------------------------------------------------------

    @rule()
    def add(self) -> None:
        rid = self.new_rid()
        assert self.spool.add_ready(measurement(self.number))
        self.ready.add(rid)
        self.created += 1

    @rule()
    def mark(self) -> None:
        rid = self.new_rid()
        self.spool.mark_running(STUB, rid, 1_000)
        self.running.add(rid)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        rid = data.draw(st.sampled_from(sorted(self.running)))
        assert self.spool.add_ready(measurement(int(rid[-6:], 16)), spent_bytes=700)
        self.running.remove(rid)
        self.ready.add(rid)
        self.created += 1

    @rule(
        data=st.data(),
        count=st.integers(1, 5),
        actions=st.lists(st.sampled_from(["acked", "dead", "deferred", "retry"]), min_size=5, max_size=5),
    )
    def answer(self, data: st.DataObject, count: int, actions: list[str]) -> None:
        rows = self.spool.next_batch(count, 10**6)
        assert {row.rid for row in rows} <= self.ready
        self.spool.apply([Outcome(row.seq, action) for row, action in zip(rows, actions, strict=False)])
        for row, action in zip(rows, actions, strict=False):
            if action in ("acked", "dead"):
                self.ready.discard(row.rid)
                (self.acked if action == "acked" else self.dead).add(row.rid)

    @rule(epoch=st.sampled_from(["one", "two"]))
    def another_store(self, epoch: str) -> None:
        self.spool.offer_again(epoch)
        back = {str(row.rid) for row in self.spool.list_rows(10_000) if row.state == "ready"}
        self.ready |= self.acked & back
        self.acked -= back

    @rule(days=st.floats(0, 120), wall_days=st.floats(-4_000, 4_000))
    def time_passes(self, days: float, wall_days: float) -> None:
        self.clock.advance_s(days * DAY_S)
        self.clock.step_wall_s(wall_days * DAY_S)
        self.server_offset_ms += round(days * DAY_S * 1000)

    @rule()
    def contact(self) -> None:
        note_answer(self.spool, NOON_MS + self.server_offset_ms, self.clock.mono, self.boot_id)

    @rule(version=st.sampled_from(["1", "2"]))
    def settings_change(self, version: str) -> None:
        self.spool.offer_deferred(version)

    # --- misfortune -----------------------------------------------------------------------------------------------

    @rule(reboots=st.booleans())
    def crash(self, reboots: bool) -> None:
        """The process is gone at this moment; what it had open is what lies on the disk."""
        self.generation += 1
        shutil.copytree(self.root / str(self.generation - 1), self.directory)
        self.abandoned.append(self.spool)
        if reboots:
            self.boot, self.clock.mono = self.boot + 1, 1_000
        self.spool = self.opened()
        assert self.spool.recover() == len(self.running)
        self.created += len(self.running)
        self.ready |= self.running
        self.running = set()

    @precondition(lambda self: self.ready)
    @rule(data=st.data())
    def a_byte_flips(self, data: st.DataObject) -> None:
        path = self.directory / "spool.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT rid, body FROM rows WHERE state = 'ready'").fetchall()
            if not found:
                return
            rid, body = data.draw(st.sampled_from(found))
            at = data.draw(st.integers(0, len(body) - 1))
            flipped = body[:at] + bytes([body[at] ^ 0x10]) + body[at + 1 :]
            database.execute("UPDATE rows SET body = ? WHERE rid = ?", (flipped, rid))
            database.commit()
        self.look_at_every_row()
        self.ready.discard(rid)
        self.dead.add(rid)

    @rule(at=st.floats(0, 1), size=st.integers(1, 300))
    def the_file_is_damaged(self, at: float, size: int) -> None:
        self.spool.close()
        path = self.directory / "spool.sqlite3"
        length = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(int(at * (length - 1)))
            file.write(b"\xa5" * min(size, length - file.tell()))
        self.spool = self.opened()
        self.look_at_every_row()
        if self.spool.ledger().lineage != self.lineage:
            self.recount()
        else:
            self.sort_anew()
        self.spool.apply([])  # a repair saves whatever can be read; the cap is kept again from the next change on

    def look_at_every_row(self) -> None:
        """A row that waits is compared with its hash when it is offered; a deferred one is not offered today."""
        self.looks += 1
        self.spool.offer_deferred(f"look {self.looks}")
        self.spool.next_batch(10_000, 10**8)

    def recount(self) -> None:
        """A new lineage begins with what could be saved."""
        self.sort_anew()
        ledger = self.spool.ledger()
        self.created = ledger.created
        assert ledger.dropped == 0
        self.lineage = ledger.lineage

    def sort_anew(self) -> None:
        views = self.spool.list_rows(10_000)
        assert {view.rid for view in views} <= {a_rid(number) for number in range(1, self.number + 1)}
        self.ready = {view.rid for view in views if view.state == "ready"}
        self.acked = {view.rid for view in views if view.state == "acked"}
        self.dead |= {view.rid for view in views if view.state == "dead"}
        self.running = {view.rid for view in views if view.state == "running"}

    @rule()
    def a_clone_wakes(self) -> None:
        gone = self.spool.drop_clone()
        assert gone <= len(self.ready)
        self.ready, self.acked, self.running = set(), set(), set()

    # --- always ---------------------------------------------------------------------------------------------------

    @invariant()
    def the_law_holds(self) -> None:
        ledger = self.spool.ledger()
        assert ledger.is_balanced()
        assert ledger.created == self.created
        self.lineage = ledger.lineage

    @invariant()
    def nothing_waits_that_was_not_handed_in_and_nothing_twice(self) -> None:
        views = self.spool.list_rows(10_000)
        assert len({view.rid for view in views}) == len(views)
        here = {view.rid for view in views if view.state == "ready"}
        dropped = self.spool.summary().dropped
        assert here <= self.ready
        lost = self.ready - here
        assert len(lost) == 0 or sum(dropped.values()) > 0
        self.ready = here

    @invariant()
    def what_waits_is_what_was_handed_in(self) -> None:
        for row in self.spool.next_batch(5, 10**6):
            record = codec.decode_item(row.body).record
            assert record.rid == row.rid

    @invariant()
    def the_cap_is_kept(self) -> None:
        running = 20_000 * len(self.running)
        assert self.spool.summary().size_bytes <= KEPT.cap_bytes + running + 20_000

    def teardown(self) -> None:
        for spool in [*getattr(self, "abandoned", []), *([self.spool] if hasattr(self, "spool") else [])]:
            spool.close()
        if hasattr(self, "root"):
            shutil.rmtree(self.root, ignore_errors=True)


TestLaw = SpoolMachine.TestCase
TestLaw.settings = settings(max_examples=15, stateful_step_count=25)


@pytest.mark.deep
class TestLawAtLength(SpoolMachine.TestCase):
    """The same for many sequences, and longer ones."""

    settings = settings(max_examples=200, stateful_step_count=40)
