"""Recorded transfers: what the estimator saw, and what the line really did, small enough to be kept.

`python -m tests.netlab.traces FOLDER [PROFILE ...]` records each profile in both directions with BBR and upwards with
CUBIC, and writes one file for each transfer.
"""

import gzip
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from agent.measure.estimate.estimator import Sample
from tests.netlab import profiles
from tests.netlab.account import carried_bps, is_busy
from tests.netlab.lab import Lab
from tests.netlab.links import Direction, Profile
from tests.netlab.measure import our_test_point

FOLDER = Path(__file__).parent / "recorded"
SECONDS = 10.0
STREAMS = 4
REPETITIONS = 3
SLOT_S = 0.1
TICKS_PER_S = 10_000  # of the times that are kept
TRANSFERS: tuple[tuple[Direction, str], ...] = (("download", "bbr"), ("upload", "bbr"), ("upload", "cubic"))


@dataclass(frozen=True)
class TruthSlot:
    """A tenth of a second of the line, bytes of layer 3."""

    capacity_bytes: int
    served_bytes: int
    served_packets: int
    busy_us: int
    lost_bytes: int
    sent_bytes: int  # offered and not dropped: what the transfer costs


@dataclass(frozen=True)
class Trace:
    """One transfer; times are seconds since its start."""

    profile: str
    direction: Direction
    seed: int
    rtt_s: float
    streams: int
    congestion_control: str | None
    samples: tuple[Sample, ...]
    slots_from_s: float
    slots: tuple[TruthSlot, ...]

    def truth_bps(self, until_s: float) -> float | None:
        """Return what TCP could carry at best while the line was kept busy, up to a moment."""
        busy = [slot for slot in self._until(until_s) if is_busy(slot, slot.busy_us / (SLOT_S * 1e6))]
        return carried_bps(busy, SLOT_S)

    def sent_bytes(self, until_s: float) -> int:
        """Return what had been sent over the line by then, in flight included."""
        return sum(slot.sent_bytes for slot in self._until(until_s))

    @property
    def can_be_heard_out(self) -> bool:
        """Whether it is an upload as Linux sends; elsewhere (CUBIC here) the kernel cannot be told to keep little."""
        return self.direction == "upload" and self.congestion_control == "bbr"

    def drained_s(self, at_s: float) -> float:
        """Return when the line had carried what had been sent by a moment: it ends then if nothing more is."""
        left_bytes = self.sent_bytes(at_s)
        for index, slot in enumerate(self.slots):
            left_bytes -= slot.served_bytes
            if left_bytes <= 0:
                return max(at_s, self.slots_from_s + (index + 1) * SLOT_S)
        return SECONDS

    def _until(self, until_s: float) -> tuple[TruthSlot, ...]:
        return self.slots[: max(0, int((until_s - self.slots_from_s) / SLOT_S))]


def record(lab: Lab, url: str, direction: Direction, seed: int, sender: str = "bbr") -> Trace:
    """Run one transfer and keep it.

    Raises:
        RuntimeError: If it did not come about.
    """
    words = [sys.executable, "-m", "tests.netlab.transfer", url, direction]
    rtt_s = lab.profile.idle_rtt_ms / 1000
    done = lab.run_client([*words, str(SECONDS), str(STREAMS), str(rtt_s), sender], timeout_s=SECONDS + 30)
    if done.returncode:
        raise RuntimeError(f"{lab.profile.name} {direction}: {done.stdout} {done.stderr}")
    told = json.loads(done.stdout)
    start_s = told["start_s"]
    slots = lab.account.slots(direction, start_s, start_s + SECONDS)
    return Trace(
        profile=lab.profile.name,
        direction=direction,
        seed=seed,
        rtt_s=rtt_s,
        streams=told["streams"],
        congestion_control=told["congestion_control"],
        samples=tuple(Sample(*each) for each in told["samples"]),
        slots_from_s=slots[0].start_s - start_s if slots else 0.0,
        slots=tuple(
            TruthSlot(
                slot.capacity_bytes,
                slot.served_bytes,
                slot.served_packets,
                slot.busy_ns // 1000,
                slot.lost_bytes,
                slot.offered_bytes - slot.dropped_bytes,
            )
            for slot in slots
        ),
    )


def save(trace: Trace, folder: Path = FOLDER) -> Path:
    """Write a trace: differences of time, bytes and kbit/s, compressed."""
    rows: list[list[int | None]] = []
    at, total = 0, 0
    for sample in trace.samples:
        now, now_total = round(TICKS_PER_S * sample.at_s), round(sample.total_bytes)
        rate = None if sample.delivery_bps is None else round(sample.delivery_bps / 1000)
        rows.append([now - at, now_total - total, rate])
        at, total = now, now_total
    head = {name: value for name, value in asdict(trace).items() if name not in ("samples", "slots")}
    body = {**head, "samples": rows, "slots": [list(asdict(slot).values()) for slot in trace.slots]}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{trace.profile}-{trace.direction}-{trace.congestion_control}-{trace.seed}.json.gz"
    text = json.dumps(body, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(text, 9, mtime=0))
    return path


def load(path: Path) -> Trace:
    """Read what `save` wrote."""
    body = json.loads(gzip.decompress(path.read_bytes()))
    times = itertools.accumulate(row[0] for row in body["samples"])
    totals = itertools.accumulate(row[1] for row in body["samples"])
    samples = tuple(
        Sample(at / TICKS_PER_S, total, None if row[2] is None else row[2] * 1000.0)
        for at, total, row in zip(times, totals, body["samples"], strict=True)
    )
    return Trace(**{**body, "samples": samples, "slots": tuple(TruthSlot(*slot) for slot in body["slots"])})


def load_all(folder: Path = FOLDER) -> list[Trace]:
    """Read every trace of a folder."""
    return [load(path) for path in sorted(folder.glob("*.json.gz"))]


def record_all(names: list[str], repetitions: int = REPETITIONS) -> Iterator[Trace]:
    """Record profiles, each transfer on a line of its own: BBR both ways, and CUBIC as Windows uploads."""
    for name, seed in itertools.product(names, range(1, repetitions + 1)):
        for direction, sender in TRANSFERS:
            profile: Profile = profiles.ALL[name]
            with Lab(profile, seed=seed) as lab, our_test_point(lab) as url:
                yield record(lab, url, direction, seed, sender)


def main() -> None:
    """Record what the command line names."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for trace in record_all(sys.argv[2:] or [profile.name for profile in profiles.JUDGED]):
        path = save(trace, folder)
        truth_bps = trace.truth_bps(SECONDS) or 0
        print(f"{path.name} {path.stat().st_size:,} bytes, {len(trace.samples)} samples, {truth_bps / 1e6:.3f} Mbit/s")


if __name__ == "__main__":
    main()
