"""The items of a batch, each judged alone: what raises for one never touches its neighbours."""

import logging
from dataclasses import dataclass

from agent.wire import codec
from agent.wire.answers import ItemAnswer
from agent.wire.codec import Decoded, ItemError
from agent.wire.receipts import Receipt, Verdict
from agent.wire.records import Measurement
from agent.wire.vocabulary import ItemCode, ItemStatus
from collector.intake import clockfix, receipts, unpack
from collector.intake.clockfix import Timeline
from collector.intake.receipts import ReceiptBook
from collector.store.queries import measurements
from collector.store.queries.devices import Assignment
from collector.store.queries.measurements import Placed
from collector.store.unit import UnitOfWork

LOG = logging.getLogger(__name__)

_DEFERRED = (ItemCode.KIND, ItemCode.SCHEMA)  # agents may be newer than their collector
_OUR_FAULT = "it raised inside the collector"


@dataclass
class Item:
    """One item on its way to an answer."""

    raw: bytes
    decoded: Decoded | None = None
    placed: Placed | None = None
    receipt: Receipt | Verdict = Verdict.NONE  # what the record carries, its signature checked
    answer: ItemAnswer | None = None
    is_quarantined: bool = False

    @property
    def rid(self) -> str | None:
        """Its identity, as far as it could be read."""
        return self.decoded.record.rid if self.decoded else None

    def answer_with(self, status: ItemStatus, code: ItemCode | None = None, rid: str | None = None) -> None:
        """Decide the item."""
        self.answer = ItemAnswer(rid=rid or self.rid, status=status, code=code)

    def quarantine(self) -> None:
        """Decide that the fault is ours: the bytes are kept, and the agent need not send them again."""
        self.is_quarantined = True
        self.answer_with(ItemStatus.REJECTED, ItemCode.QUARANTINED)


def read_items(raw_items: list[bytes], book: ReceiptBook) -> list[Item]:
    """Return the items, decoded or already answered.

    Args:
        raw_items: As they came.
        book: Whose receipts are believed.

    Raises:
        RefusedError: If one is nested so deeply that the whole batch counts as unreadable.
    """
    items = [Item(raw) for raw in raw_items]
    for item in items:
        _read(item, book)
        if item.answer is not None and item.answer.status is ItemStatus.REJECTED:
            unpack.check_depth(b"[[" + item.raw + b"]]")  # an item that is well has no such depth
    return items


def _read(item: Item, book: ReceiptBook) -> None:
    try:
        item.decoded = codec.decode_item(item.raw)
        if isinstance(item.decoded.record, Measurement) and item.decoded.record.receipt is not None:
            item.receipt = book.read(item.decoded.record.receipt)
    except ItemError as error:
        status = ItemStatus.DEFERRED if error.code in _DEFERRED else ItemStatus.REJECTED
        item.answer_with(status, error.code, error.rid)
    except Exception:
        LOG.exception("item.quarantined")
        item.quarantine()


def place_items(
    items: list[Item], timeline: Timeline, device: str, assignments: list[Assignment], client_ip_prefix: str | None
) -> None:
    """Work out when each record was and which school it belongs to.

    Args:
        items: Decoded ones are placed, others left alone.
        timeline: The device's clocks.
        device: Who measured.
        assignments: Where it belonged and when; empty while it waits for approval.
        client_ip_prefix: Truncated address that the request came from.
    """
    for item in items:
        if item.decoded is None:
            continue
        try:
            record = item.decoded.record
            time = clockfix.place(timeline, record)
            worth = Verdict.NONE
            if isinstance(record, Measurement):
                worth = receipts.verdict(item.receipt, record, time.at_ms, time.width_ms, timeline.received_ms)
            item.placed = Placed(
                decoded=item.decoded,
                device=device,
                school=_school_at(assignments, time.at_ms),
                at_ms=time.at_ms,
                end_ms=time.end_ms,
                time_quality=time.quality.value,
                time_width_ms=time.width_ms,
                clock_off_ms=time.clock_off_ms,
                received_ms=timeline.received_ms,
                client_ip_prefix=client_ip_prefix,
                receipt_verdict=worth.value,
            )
        except Exception:
            LOG.exception("item.quarantined")
            item.quarantine()


def _school_at(assignments: list[Assignment], at_ms: int) -> str | None:
    for one in assignments:
        if one.from_ms <= at_ms and (one.to_ms is None or at_ms < one.to_ms):
            return one.school
    return None


@dataclass(frozen=True)
class _Outcome:
    """What the database said of the rids of one batch."""

    firsts: dict[str, Item]  # the first item with each rid
    hashes: dict[str, str]  # content of the rids that were stored before
    inserted: set[str]
    failed: set[str]


def store_items(unit: UnitOfWork, items: list[Item], device: str, received_ms: int) -> None:
    """Insert what is new and answer every item; nothing counts before the unit is committed."""
    outcome = _insert(unit, items, device)
    for item in items:
        if item.answer is None and item.decoded is not None and _is_conflict(item, item.decoded, outcome):
            measurements.keep_conflict(unit, device, item.decoded, item.raw, received_ms)
        if item.is_quarantined:
            measurements.keep_quarantined(unit, device, item.rid, item.raw, _OUR_FAULT, received_ms)


def _insert(unit: UnitOfWork, items: list[Item], device: str) -> _Outcome:
    firsts: dict[str, Item] = {}
    for item in items:
        if item.placed is not None and item.answer is None:
            firsts.setdefault(item.placed.decoded.record.rid, item)
    if not firsts:
        return _Outcome({}, {}, set(), set())
    hashes = measurements.find_hashes(unit, device, set(firsts))
    fresh = {rid: item.placed for rid, item in firsts.items() if rid not in hashes and item.placed is not None}
    inserted, failed = measurements.insert_once(unit, list(fresh.values()))
    if overtaken := set(fresh) - inserted - failed:  # somebody else inserted them just now
        hashes |= measurements.find_hashes(unit, device, overtaken)
    return _Outcome(firsts, hashes, inserted, failed)


def _is_conflict(item: Item, decoded: Decoded, outcome: _Outcome) -> bool:
    """Answer the item; return whether its rid is taken by other content."""
    rid = decoded.record.rid
    first = outcome.firsts[rid]
    kept = outcome.hashes.get(rid) or (first.decoded.content_hash if first.decoded else None)
    if rid in outcome.failed:
        item.quarantine()
    elif first is item and rid in outcome.inserted:
        item.answer_with(ItemStatus.ACCEPTED)
    elif decoded.content_hash == kept:
        item.answer_with(ItemStatus.DUPLICATE)
    else:
        item.answer_with(ItemStatus.REJECTED, ItemCode.RID_CONFLICT)
        return True
    return False


def newest_start_ms(items: list[Item]) -> int | None:
    """Return the latest corrected start among the measurements that were accepted."""
    starts = [
        item.placed.at_ms
        for item in items
        if _is_accepted(item) and item.placed and isinstance(item.placed.decoded.record, Measurement)
    ]
    return max(starts, default=None)


def leases_of(items: list[Item]) -> list[str]:
    """Return the leases whose measurements were accepted."""
    records = [item.decoded.record for item in items if _is_accepted(item) and item.decoded]
    return [record.lease_id for record in records if isinstance(record, Measurement) and record.lease_id]


def _is_accepted(item: Item) -> bool:
    return item.answer is not None and item.answer.status is ItemStatus.ACCEPTED


def count_settled(found: list[Item]) -> int:
    """Return how many items their device holds ready no longer once it has the answer: all but the deferred ones."""
    return sum(item.answer is not None and item.answer.status is not ItemStatus.DEFERRED for item in found)
