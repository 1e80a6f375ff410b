"""One signed batch: admitted, unpacked, every item judged alone, stored at once, and only then answered."""

import ipaddress
import logging

from agent.wire import limits
from agent.wire.answers import BatchAnswer
from agent.wire.headers import BATCH_MEDIA
from agent.wire.signing import Word
from collector.intake import admission, answers, clockfix, items, ratchet, rules, settings, unpack
from collector.intake.admission import Admitted
from collector.intake.answers import Answer, RefusedError
from collector.intake.clockfix import Timeline
from collector.intake.incoming import Incoming
from collector.intake.items import Item
from collector.intake.parts import Parts
from collector.intake.ratchet import Ratchet
from collector.store.queries import batch_answer, contacts, device_requests, devices, leases
from collector.store.queries.device_requests import BatchProgress
from collector.store.unit import UnitOfWork

LOG = logging.getLogger(__name__)

_PACED_ABOVE = 0.75  # share of the places in use above which devices with a backlog are told to wait
_PACE_S = (5.0, 60.0)


def accept(incoming: Incoming, parts: Parts) -> Answer:
    """Return the answer to a batch; whatever it says is durable.

    Args:
        incoming: The request, its body capped.
        parts: Store, rules, outside world and keys.

    Raises:
        StorageError: If it is not known to be durable; nothing may be acknowledged then.
    """
    key = parts.keys.ring().pinned(incoming.pin)
    try:
        with parts.store.reader() as snapshot:
            admitted = admission.admit(snapshot, incoming, Word.BATCH, BATCH_MEDIA)
        raw_items = unpack.unpack(incoming.body)  # this and reading them, without the write lock, is the costly part
        found = items.read_items(raw_items, parts.receipts)
        with parts.store.unit() as unit:
            message = _store(unit, admission.admit_again(unit, admitted), found, incoming, parts)
            unit.commit()
    except RefusedError as refused:
        return answers.refusal(refused, key, incoming.device, incoming.batch)
    LOG.info("batch.accepted", extra={"device": admitted.device.device, "items": len(found)})
    return answers.signed(message, key, incoming.device, incoming.batch)


def _store(unit: UnitOfWork, admitted: Admitted, found: list[Item], incoming: Incoming, parts: Parts) -> BatchAnswer:
    device, sent = admitted.device, admitted.signed.sent
    received_ms = parts.ports.clock.now_ms()
    boot_ids = {boot_id for item in found if item.decoded and (boot_id := item.decoded.record.boot_id) is not None}
    timeline = clockfix.read_timeline(unit, device, sent, received_ms, boot_ids)
    assignments = [] if admitted.is_pending else devices.list_assignments(unit, device.device)
    prefix = truncated_address(incoming.client_address)
    items.place_items(found, timeline, device.device, assignments, prefix)
    items.store_items(unit, found, device.device, received_ms)
    leases.free_leases(unit, device.device, items.leases_of(found))
    standing = batch_answer.read_standing(unit, device.school, received_ms)
    wishes = (rules.wishes_in(said) for said in (standing.said_of_all, standing.said_of_school))
    held = rules.combine(parts.config, *wishes)
    issued = device.ratchet_issued if timeline.is_replay else _note(unit, admitted, found, timeline)
    return BatchAnswer(
        items=[item.answer for item in found if item.answer is not None],
        ratchet=str(issued),
        store_epoch=standing.store_epoch or "",
        server_time_ms=received_ms,
        next_after_s=_pace_s(admitted, found, parts),
        max_items=min(parts.config.max_items, limits.BATCH_ITEMS),
        settings_version=settings.version(parts, held, standing.campaign_id, standing.settings_counter),
    )


def _note(unit: UnitOfWork, admitted: Admitted, found: list[Item], timeline: Timeline) -> int:
    """Write down what the batch says of its device and return the new ratchet."""
    device, signed = admitted.device, admitted.signed
    turned = ratchet.turn(Ratchet(device.ratchet_issued, device.ratchet_confirmed), signed.ratchet)
    newest_ms = items.newest_start_ms(found)
    if newest_ms is not None and device.last_measurement_ms is not None:
        newest_ms = max(newest_ms, device.last_measurement_ms)
    progress = timeline.progress(admitted.key.key_id)
    device_requests.note_contact(
        unit,
        device.device,
        progress,
        BatchProgress(
            ratchet_issued=turned.ratchet.issued,
            ratchet_confirmed=turned.ratchet.confirmed,
            is_volatile=device.is_volatile or turned.is_rolled_back,
            lineage=signed.ledger.lineage,
            is_new_lineage=device.lineage != signed.ledger.lineage,
            created=signed.ledger.created,
            acked=signed.ledger.acked,
            ready=max(0, signed.ledger.ready - items.count_settled(found)),
            dead=signed.ledger.dead,
            dropped=signed.ledger.dropped,
            last_measurement_ms=newest_ms,
        ),
    )
    if not admitted.is_pending:
        contacts.note(unit, device.school, progress.contact_ms)
    return turned.ratchet.issued


def _pace_s(admitted: Admitted, found: list[Item], parts: Parts) -> int:
    """Return how long the device waits with its next batch: only when many come at once, and it has more to send."""
    if admitted.signed.ledger.ready <= len(found) or parts.load() < _PACED_ABOVE:
        return 0
    return round(parts.ports.randomness.uniform(*_PACE_S))


def truncated_address(address: str | None) -> str | None:
    """Return the network that an address is in, /24 or /48: never the whole address of a school."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = 24 if found.version == 4 else 48
    host_bits = found.max_prefixlen - bits
    return f"{type(found)(int(found) >> host_bits << host_bits)}/{bits}"
