"""The spool: what was measured and is not acknowledged yet, kept through anything.

The ledger law, per lineage and after every commit: created = acked + ready + dead + dropped.
Next in the walk: `uplink.post` takes `next_batch` and brings back what `apply` is given.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from agent import reading
from agent.errors import EnlaceError
from agent.locks import FileLock
from agent.outcome import Outcome
from agent.ports import Clock, Randomness
from agent.spool import files, interrupted, keyvalues, moments, queue, retention, spending, troubles, views
from agent.spool.database import FILE, Database
from agent.spool.reader import SpoolReader
from agent.spool.rows import DropReason, Limits, Row, RowView, Spent, SpoolSummary
from agent.wire import codec, limits
from agent.wire.headers import Ledger
from agent.wire.records import Record

T = TypeVar("T")

STORE_EPOCH = "spool_epoch"  # state keys of our own: what the rows were last offered to
SETTINGS_VERSION = "spool_settings"
_AGE_EVERY_MS = 3_600_000


class Spool:
    """The durable store of one agent; one object per process, safe for its threads and beside other processes."""

    def __init__(self, database: Database, clock: Clock, boot_id: str, owner: str, kept: Limits) -> None:
        self._database, self._clock, self._boot_id, self._kept = database, clock, boot_id, kept
        self._aged_mono_ms: int | None = None
        self._owner = FileLock(database.directory / f"running-{owner}.lock")
        self._marked: set[str] = set()  # rids of our own markers
        self._unkept: dict[str, Callable[[], object]] = {}  # by rid: what is to be done again when there is room

    @classmethod
    def open(
        cls, directory: Path, *, clock: Clock, randomness: Randomness, boot_id: str = "", kept: Limits | None = None
    ) -> "Spool":
        """Return the spool in a directory; makes or repairs the file as needed.

        Args:
            directory: The agent's data directory.
            clock: Wall and monotonic time.
            randomness: For the lineage of a new file.
            boot_id: Of the computer; "" = unknown, then no clock of an earlier process is believed.
            kept: How much is kept, None = as the contract says.

        Raises:
            EnlaceError: If the file cannot be used. A full disk is no reason: each call says so until there is room.
        """
        database = Database(directory, clock=clock, randomness=randomness)
        spool = cls(
            database, clock, boot_id or randomness.token_bytes(16).hex(), randomness.token_bytes(8).hex(),
            kept or Limits(),
        )  # fmt: skip
        database.open_if_there_is_room()
        return spool

    def close(self) -> None:
        """Let go of the files; a test that is still marked as running counts as interrupted from now on."""
        self._database.close()
        self._owner.release(remove=True)

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def atomically(self, work: Callable[[], T]) -> T:
        """Return what the work returns; all calls in it become one commit, or none of them."""
        return self._database.write(lambda _: work())

    # --- a measurement --------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Return if a measurement could be kept now: ask before spending the line on one.

        Raises:
            EnlaceError: If the disk is full or cannot be written.
        """
        try:
            files.probe_room(self._database.directory)
        except OSError as error:
            raise troubles.in_words(error, self._database.path) from error
        self._write(lambda _connection, _moment: None)

    def mark_running(
        self,
        stub: bytes,
        rid: str,
        reserved_bytes: int,
        *,
        utc_offset_min: int = 0,
        may_cost_bytes: int | None = None,
    ) -> None:
        """Note durably that a test begins and count its bytes as spent, before the first of them.

        Args:
            stub: What is known of the measurement: JSON with `tier`, `trigger`, `started_at`, `boot_id` and so on.
            rid: Its identity.
            reserved_bytes: What the test may spend in both directions together.
            utc_offset_min: Of the computer, minutes east: a budget's day is a local day.
            may_cost_bytes: What it costs at most until `note_cost` says more; None = all that is reserved.
        """

        def mark(connection: sqlite3.Connection, moment: moments.Moment) -> None:
            self._show_life()
            queue.put_marker(connection, moment, rid, stub, self._owner.path.name)
            spending.reserve(connection, rid, moments.local_day(moment, utc_offset_min), reserved_bytes)
            spending.note_cost(connection, rid, may_cost_bytes)
            spending.keep(self._database.directory, connection)

        self._write(mark)
        self._marked.add(rid)

    def note_cost(self, rid: str, at_most_bytes: int | None) -> None:
        """Note durably what a running test can cost from here on, before it does: all that a kill leaves counted.

        Args:
            rid: Of the marker.
            at_most_bytes: Spent so far and what the next step may spend; None = all that is reserved.
        """
        self._write(lambda connection, _: spending.note_cost(connection, rid, at_most_bytes))

    def add_ready(self, record: Record, *, spent_bytes: int | None = None, utc_offset_min: int = 0) -> bool:
        """Keep a record until it is acknowledged, in one commit with the end of its marker and its budget.

        Args:
            record: A measurement or a diary run.
            spent_bytes: What the test really cost; None = unknown, what was reserved counts.
            utc_offset_min: Of the computer, for a test that reserved nothing.

        Returns:
            False if a record of that identity was kept before; then nothing changes.

        Raises:
            EnlaceError: If it cannot be written now. A test with a marker is not lost by that: `recover` keeps it, or
                what the marker says of it if this process has ended by then.
        """
        body = codec.encode(record)
        if len(body) > limits.ITEM_BYTES:
            body = retention.bare_of(body)

        def add(connection: sqlite3.Connection, moment: moments.Moment) -> bool:
            is_new = queue.put_ready(connection, moment, record.rid, record.kind, body)
            if is_new:
                day = moments.local_day(moment, utc_offset_min)
                spending.reconcile(connection, record.rid, day, spent_bytes)
                if spent_bytes is not None:
                    spending.keep(self._database.directory, connection)
                self._tidy(connection, moment)
            return is_new

        try:
            is_new = self._write(add)
        except EnlaceError:
            if record.rid in self._marked:
                self._unkept[record.rid] = lambda: self._write(add)
            raise
        self._forget(record.rid)
        return is_new

    def recover(self, boot_id: str = "") -> int:
        """Keep what could not be kept when its test ended, and turn the markers of processes that are gone.

        Args:
            boot_id: Of the computer now; "" = the one that `open` was told.

        Returns:
            How many markers became interrupted measurements.

        Raises:
            EnlaceError: If nothing can be written.
        """
        self._boot_id = boot_id or self._boot_id
        for rid, keep in list(self._unkept.items()):
            keep()
            self._forget(rid)

        def turn(connection: sqlite3.Connection, moment: moments.Moment) -> int:
            found = connection.execute(
                "SELECT rid, owner, boot_id, mono_ms, wall_ms, body FROM rows WHERE state = 'running' ORDER BY seq"
            ).fetchall()
            left = [row for row in found if not self._is_alive(row[1])]
            for rid, _, boot, mono_ms, wall_ms, body in left:
                record = interrupted.measurement(
                    body, rid, is_same_boot=boot == self._boot_id, wall_ms=wall_ms, boot_id=boot, mono_ms=mono_ms
                )
                queue.put_ready(connection, moment, rid, record.kind, codec.encode(record))
                today = moments.local_day(moment, record.utc_offset_min or 0)
                spending.reconcile(connection, rid, today, spending.noted_cost(connection, rid))
            if left:
                spending.keep(self._database.directory, connection)
            self._tidy(connection, moment)
            self._sweep_locks()
            return len(left)

        return self._write(turn)

    # --- the uplink -----------------------------------------------------------------------------------------------

    def next_batch(self, max_items: int, max_bytes: int) -> list[Row]:
        """Return what to send next: a few of the newest rows, then the oldest; damaged ones are set aside.

        Args:
            max_items: At most that many, at least one if any waits.
            max_bytes: Of the bodies with their commas; the first row is returned however big it is.
        """

        def pick(connection: sqlite3.Connection, moment: moments.Moment) -> tuple[list[Row], list[int]]:
            return queue.pick(connection, moment.floor_ms, max(1, max_items), max_bytes)

        def bury_and_pick(connection: sqlite3.Connection, moment: moments.Moment) -> list[Row]:
            while True:
                rows, damaged = pick(connection, moment)
                if not damaged:
                    return rows
                for seq in damaged:
                    queue.bury(connection, moment, seq, "damaged")

        rows, damaged = self._read(pick)
        return self._write(bury_and_pick) if damaged else rows

    def has_offer(self) -> bool:
        """Return whether there is a row to send now."""
        return self._read(lambda connection, moment: queue.has_offer(connection, moment.floor_ms))

    def apply(self, outcomes: Sequence[Outcome]) -> None:
        """Do with each row what the collector's signed answer says; a row that was decided before stays so."""

        def settle(connection: sqlite3.Connection, moment: moments.Moment) -> None:
            queue.set_outcomes(connection, moment, outcomes)
            self._tidy(connection, moment)

        self._write(settle)

    def offer_again(self, store_epoch: str) -> int:
        """Offer the acknowledged and the deferred rows again if the collector's store is another than before.

        Returns:
            How many acknowledged rows wait again; 0 if it is the same store, or the first ever seen.
        """

        def offer(connection: sqlite3.Connection, _: moments.Moment) -> int:
            before = keyvalues.get(connection, STORE_EPOCH)
            if before == store_epoch:
                return 0
            keyvalues.put(connection, STORE_EPOCH, store_epoch)
            queue.offer_deferred(connection)
            return queue.offer_acked(connection) if before is not None else 0

        return self._write(offer)

    def offer_deferred(self, settings_version: str) -> int:
        """Offer the deferred rows again if the settings are newer: so may be the collector. Returns how many."""

        def offer(connection: sqlite3.Connection, _: moments.Moment) -> int:
            if keyvalues.get(connection, SETTINGS_VERSION) == settings_version:
                return 0
            keyvalues.put(connection, SETTINGS_VERSION, settings_version)
            return queue.offer_deferred(connection)

        return self._write(offer)

    def drop_clone(self) -> int:
        """Forget what was inherited from the computer that this disk was copied from; returns how many rows waited.

        The original still has them. What was acknowledged to it, its state values and its open tests go too; the
        ledger goes on as a lineage of its own. Enrol after this, not before.
        """

        def drop(connection: sqlite3.Connection, _: moments.Moment) -> int:
            gone = connection.execute("DELETE FROM rows WHERE state = 'ready'").rowcount
            connection.execute("DELETE FROM rows WHERE state IN ('running', 'acked')")
            connection.execute("DELETE FROM reservations")
            connection.execute("DELETE FROM state")
            if gone:
                keyvalues.count(connection, f"dropped:{DropReason.CLONE}", gone)
            keyvalues.put_meta(connection, "lineage", self._database.new_lineage())
            return gone

        return self._write(drop)

    # --- looking --------------------------------------------------------------------------------------------------

    def ledger(self) -> Ledger:
        """Return the counters, read in one transaction."""
        return self._read(lambda connection, _: views.ledger(connection))

    def summary(self) -> SpoolSummary:
        """Return how the spool stands."""
        return self._read(lambda connection, _: views.summary(connection))

    def list_rows(self, limit: int = 100) -> list[RowView]:
        """Return the newest rows, newest first."""
        return self._read(lambda connection, _: views.list_rows(connection, limit))

    def export(self) -> Iterator[bytes]:
        """Yield every record as one line of JSON without its end: {"state", "reason", "tries", "record"}."""
        return views.export(lambda work: self._read(lambda connection, _: work(connection)))

    # --- budget and state -----------------------------------------------------------------------------------------

    def spent(self, utc_offset_min: int = 0) -> Spent:
        """Return the bytes spent and reserved today and this month, by the computer's local day."""
        return self._read(lambda connection, moment: views.spent(connection, moment, utc_offset_min))

    def get_state(self, key: str) -> str | None:
        """Return a small durable value; None where there is none or it is damaged."""
        return self._read(lambda connection, _: keyvalues.get(connection, key))

    def set_state(self, key: str, value: str | None) -> None:
        """Keep a small value durably; None removes it. `last_answer` also gives the rows their time."""

        def put(connection: sqlite3.Connection, moment: moments.Moment) -> None:
            told = reading.read(value) if key == reading.LAST_ANSWER else None
            keyvalues.put(connection, key, value)
            if told is not None:
                moments.learn(connection, moment, told)

        self._write(put)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _forget(self, rid: str) -> None:
        """A test's record is kept: nothing is left to be done about it."""
        self._marked.discard(rid)
        self._unkept.pop(rid, None)

    def _write(self, work: Callable[[sqlite3.Connection, moments.Moment], T]) -> T:
        return self._database.write(
            lambda connection: work(connection, moments.now(connection, self._clock, self._boot_id))
        )

    def _read(self, work: Callable[[sqlite3.Connection, moments.Moment], T]) -> T:
        return self._database.read(
            lambda connection: work(connection, moments.now(connection, self._clock, self._boot_id, note=False))
        )

    def _tidy(self, connection: sqlite3.Connection, moment: moments.Moment) -> None:
        """Keep the caps; ages are looked at now and then, for that reads every row."""
        is_due = self._aged_mono_ms is None or moment.mono_ms - self._aged_mono_ms >= _AGE_EVERY_MS
        if is_due and moment.server_ms is not None:
            self._aged_mono_ms = moment.mono_ms
        retention.tidy(connection, moment, self._kept, looks_at_age=is_due)

    def _is_alive(self, owner: str | None) -> bool:
        """Return whether the process that wrote a marker still runs: then it holds its lock file."""
        if owner == self._owner.path.name:
            return self._owner.is_held
        if not owner or not views.is_owner_name(owner) or not (self._database.directory / owner).exists():
            return False
        lock = FileLock(self._database.directory / owner)
        try:
            is_gone = lock.try_acquire()
        except OSError:
            return False
        lock.release()
        return not is_gone

    def _show_life(self) -> None:
        """Hold our lock file; only inside a write, where nobody sweeps: a file swept while it is taken shows nothing.

        Raises:
            EnlaceError: If it cannot be written.
        """
        try:
            self._owner.try_acquire()
        except OSError as error:
            raise troubles.in_words(error, self._database.path) from error

    def _sweep_locks(self) -> None:
        """Remove the lock files of processes that have gone; only inside a write."""
        for path in self._database.directory.glob("running-*.lock"):
            lock = FileLock(path)
            try:
                if path != self._owner.path and lock.try_acquire():
                    lock.release(remove=True)
            except OSError:
                continue


def open_reader(directory: Path) -> SpoolReader:
    """Return a view of the spool that can change nothing; an empty one where there is no spool yet.

    Raises:
        EnlaceError: If the file is there and cannot be read.
    """
    return SpoolReader(directory / FILE)
