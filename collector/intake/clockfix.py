"""Places records in time: which boots we know of the device, and what follows for the start of each record."""

from dataclasses import dataclass

from agent.wire import forms
from agent.wire.headers import Sent
from agent.wire.records import Diary, Record
from collector.domain.clockfix import Clocks, Corrected, corrected_time
from collector.domain.words import TimeQuality
from collector.store.queries import device_requests
from collector.store.queries.device_requests import Progress
from collector.store.queries.devices import Device
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Timeline:
    """What is known of a device's clocks at the moment of one request."""

    sent: Sent
    received_ms: int
    offsets_ms: dict[str, int]  # by boot: add to the raw clock to get ours
    earliest_ms: int  # we last heard of the device before this boot, or enrolled it
    is_replay: bool  # the request is not newer than one that we had of this boot
    offset_before_ms: int | None = None  # of the boot in which we last heard of the device before this one

    @property
    def offset_ms(self) -> int:
        """What to add to the device's clock now to get ours."""
        return self.received_ms - self.sent.utc_ms

    def progress(self, key_id: str) -> Progress:
        """Return what the request says of its device, signed by this key: to be noted unless it is a replay."""
        return Progress(
            contact_ms=self.received_ms,
            boot_id=self.sent.boot_id,
            mono_ms=self.sent.mono_ms,
            offset_ms=self.offset_ms,
            key_id=key_id,
        )


@dataclass(frozen=True)
class PlacedTime:
    """When a record was, by our clock."""

    at_ms: int
    end_ms: int
    quality: TimeQuality
    width_ms: int
    clock_off_ms: int | None = None  # of a bounded run: how far the clock was off at most, before and after it


def read_timeline(
    snapshot: Snapshot, device: Device, sent: Sent, received_ms: int, boot_ids: set[str] | frozenset[str] = frozenset()
) -> Timeline:
    """Return what we know of the device's clocks.

    Args:
        snapshot: The database.
        device: Who sent the request.
        sent: Its clocks at that moment.
        received_ms: Ours.
        boot_ids: Boots of the records in the request.
    """
    boots = device_requests.find_boots(snapshot, device.device, sent.boot_id, boot_ids)
    known, before = boots.known.get(sent.boot_id), boots.before
    offsets = {boot_id: boot.offset_ms for boot_id, boot in boots.known.items()}
    is_replay = known is not None and sent.mono_ms <= known.mono_ms
    if not is_replay:  # else its clocks are of the time when it was made, and ours of now
        offsets[sent.boot_id] = received_ms - sent.utc_ms
    return Timeline(
        sent=sent,
        received_ms=received_ms,
        offsets_ms=offsets,
        earliest_ms=device.enrolled_ms if before is None else before.seen_ms,
        is_replay=is_replay,
        offset_before_ms=None if before is None else before.offset_ms,
    )


def place(timeline: Timeline, record: Record) -> PlacedTime:
    """Return when a record started and ended."""
    if isinstance(record, Diary):
        return _place_diary(timeline, record)
    found = _correct(timeline, forms.parse_time(record.started_at), record.started_mono_ms, record.boot_id)
    return PlacedTime(found.ms, found.ms, found.quality, found.width_ms)


def _place_diary(timeline: Timeline, run: Diary) -> PlacedTime:
    from_ms, to_ms = forms.parse_time(run.from_at), forms.parse_time(run.to_at)
    found = _correct(timeline, from_ms, run.from_mono_ms, run.boot_id)
    counted_ms = run.slots * run.slot_s * 1000
    length_ms = to_ms - from_ms
    if not 0 <= length_ms <= counted_ms + run.slot_s * 1000:
        length_ms = counted_ms  # the computer's clock was set during the run
    off_ms = _clock_off_ms(timeline, from_ms) if found.quality is TimeQuality.BOUNDED and run.boot_id else None
    # Nobody has seen what is to come: a run that says so ends with its receipt. Where its time is only bounded it keeps
    # its length: nobody knows when it was, but how long is known.
    late_ms = max(0, found.ms + length_ms - timeline.received_ms)
    at_ms = max(0, found.ms - late_ms) if found.quality is TimeQuality.BOUNDED else found.ms
    return PlacedTime(at_ms, max(at_ms, found.ms + length_ms - late_ms), found.quality, found.width_ms, off_ms)


def _clock_off_ms(timeline: Timeline, raw_ms: int) -> int | None:
    """Return how far the computer's clock was off at most at the contacts before and after a moment; None: unknown.

    A computer that was never online in one of its boots is not lost for the diary: where its clock was right before and
    after, it was right meanwhile. One that begins anew at each start names a moment before the last contact.
    """
    if timeline.is_replay or timeline.offset_before_ms is None:
        return None
    if not timeline.earliest_ms < raw_ms < timeline.received_ms:
        return None
    return max(abs(timeline.offset_before_ms), abs(timeline.offset_ms))


def _correct(timeline: Timeline, raw_ms: int, mono_ms: int | None, boot_id: str | None) -> Corrected:
    if timeline.is_replay:
        mono_ms = None  # nobody knows how long the request was under way: nothing is counted back from its receipt
    found = corrected_time(
        Clocks(
            started_raw_ms=raw_ms,
            started_mono_ms=mono_ms,
            boot_id=boot_id,
            sent_mono_ms=timeline.sent.mono_ms,
            sent_boot_id=timeline.sent.boot_id,
            received_ms=timeline.received_ms,
            boot_offset_ms=timeline.offsets_ms.get(boot_id) if boot_id is not None else None,
            earliest_ms=timeline.earliest_ms,
        )
    )
    if found.ms >= 0:
        return found
    return Corrected(0, TimeQuality.BOUNDED, timeline.received_ms)  # before 1970: the monotonic clock is no clock
