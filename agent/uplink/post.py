"""One batch: encode, sign, send, verify, and decide for each row. What is not decided stays as it is."""

import gzip
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from agent.outcome import Outcome
from agent.uplink.decide import UNFIT, Decision, Effect, Kind, Pressure
from agent.uplink.exchange import Exchange, Reply
from agent.wire import headers, limits, signing
from agent.wire.answers import BatchAnswer, ItemAnswer
from agent.wire.vocabulary import ItemStatus, RefusalCode

LOG = logging.getLogger(__name__)

PATH = "/ingest/v1/batch"
DEADLINE_S = 90.0  # a 20 kbit/s line carries 200 kB in that time

_HEAD, _TAIL = b'{"items":[', b"]}"

_UNFIT = Decision(Kind.COLLECTOR_DOWN, Effect.KEEP, Pressure.REPEATED)  # signed, 200, and of no use


class Row(Protocol):
    """A stored record that waits."""

    @property
    def seq(self) -> int:
        """Its place in the spool."""

    @property
    def rid(self) -> str:
        """Its identity."""

    @property
    def body(self) -> bytes:
        """Its JSON."""


@dataclass(frozen=True)
class Posted:
    """What one batch brought."""

    reply: Reply
    decision: Decision
    decided: tuple[Outcome, ...] = ()
    answer: BatchAnswer | None = None  # only a good one
    sent_items: int = 0

    @property
    def why(self) -> str:
        """Why things wait, in words; "" when all is well."""
        return UNFIT if self.decision is _UNFIT else self.reply.why


def encode_batch(rows: Sequence[Row]) -> tuple[bytes, Sequence[Row]]:
    """Return a batch as sent, and the rows in it: as many of the first ones as fit both limits."""
    count, inflated_bytes = 0, len(_HEAD) + len(_TAIL)
    for row in rows[: limits.BATCH_ITEMS]:
        inflated_bytes += len(row.body) + 1
        if count and inflated_bytes > limits.BATCH_INFLATED_BYTES:
            break
        count += 1
    while True:
        body = gzip.compress(_HEAD + b",".join(row.body for row in rows[:count]) + _TAIL, mtime=0)
        if len(body) <= limits.BATCH_SENT_BYTES or count <= 1:
            return body, rows[:count]
        count //= 2


def send(exchange: Exchange, rows: Sequence[Row]) -> Posted:
    """Post the rows and return what becomes of each; an empty batch is a heartbeat."""
    body, used = encode_batch(rows)
    reply = exchange.call(signing.Word.BATCH, PATH, body, media=headers.BATCH_MEDIA, deadline_s=DEADLINE_S)
    decision = reply.decision
    if decision.effect is Effect.APPLY:
        return _apply(reply, decision, used)
    return Posted(reply, decision, _alone(reply, decision, used), sent_items=len(used))


def _apply(reply: Reply, decision: Decision, used: Sequence[Row]) -> Posted:
    """Decide for each row, or for none: an answer that is not about these rows is a failed contact."""
    try:
        answer = msgspec.json.decode(reply.body, type=BatchAnswer)
    except msgspec.MsgspecError:
        return _unfit(reply, used, "form")
    if len(answer.items) != len(used):
        return _unfit(reply, used, "number")
    if not all(_is_about(row, item) for row, item in zip(used, answer.items, strict=True)):
        return _unfit(reply, used, "rid")
    decided = [_of_item(row, item) for row, item in zip(used, answer.items, strict=True)]
    return Posted(reply, decision, tuple(decided), answer, len(used))


def _unfit(reply: Reply, used: Sequence[Row], what: str) -> Posted:
    LOG.warning("answer.unfit", extra={"what": what, "sent": len(used)})
    return Posted(reply, _UNFIT, _alone(reply, _UNFIT, used), sent_items=len(used))


def _is_about(row: Row, item: ItemAnswer) -> bool:
    """Return whether an item's answer is this row's; only what the collector could not read may lack its rid."""
    is_taken = item.status in (ItemStatus.ACCEPTED, ItemStatus.DUPLICATE)
    return item.rid == row.rid or (item.rid is None and not is_taken)


def _of_item(row: Row, item: ItemAnswer) -> Outcome:
    match item.status:
        case ItemStatus.ACCEPTED | ItemStatus.DUPLICATE:
            return Outcome(row.seq, "acked")
        case ItemStatus.REJECTED:
            return Outcome(row.seq, "dead", item.code or "rejected")
        case ItemStatus.DEFERRED:
            return Outcome(row.seq, "deferred", item.code)


def _alone(reply: Reply, decision: Decision, used: Sequence[Row]) -> tuple[Outcome, ...]:
    """Return what becomes of a row that failed alone: it must not block the ones behind it."""
    if len(used) != 1:
        return ()
    if decision.effect is Effect.SHRINK:
        code = reply.code if reply.code == RefusalCode.TOO_LARGE else RefusalCode.ENVELOPE
        return (Outcome(used[0].seq, "dead", code),)
    if decision.pressure is not Pressure.NONE and decision.kind is not Kind.PORTAL:  # a portal changes nothing at all
        return (Outcome(used[0].seq, "retry", decision.kind),)
    return ()
