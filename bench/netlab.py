"""Whether the emulated lines of tests/netlab are what they say: ping, a UDP flood, iperf3 with CUBIC and BBR, seeds.

Needs root, /dev/net/tun, a C compiler, ping and iperf3; says what is missing otherwise.
"""

import math
import os
import re
import shutil
import statistics
import time
from dataclasses import dataclass

from bench.machine import table
from tests.netlab.account import Slot
from tests.netlab.build import why_not
from tests.netlab.flood import flood
from tests.netlab.lab import Lab, congestion_controls
from tests.netlab.links import TCP_SHARE, Bursts, Direction, Profile, line
from tests.netlab.measure import Ran, iperf3, iperf3_server
from tests.netlab.profiles import ALL, JUDGED

PINGS = 40
TCP_S, TCP_OMIT_S = 5, 2
PING_BYTES = 84
DIRECTIONS: tuple[Direction, ...] = ("download", "upload")


@dataclass(frozen=True)
class Flooded:
    """A UDP flood: what arrived against the account, mean delay against the account's waits, of idle and full line."""

    rate_error: float
    idle_error_ms: float
    full_error_ms: float


def main() -> None:
    missing = [why_not()] + [f"{tool} is not installed" for tool in ("ping", "iperf3") if not shutil.which(tool)]
    if any(missing):
        print("not measured: " + "; ".join(filter(None, missing)))
        return
    print(f"load average {os.getloadavg()[0]:.1f} before; other work on the machine makes delays longer\n")
    print("Lines without TCP: errors against the profile and the emulator's account.\n")
    worst = lines_table()
    print(f"\nworst rate {worst[0] * 100:.2f} % (bar 2 %), worst delay {worst[1]:.2f} ms (bar 1 ms)")
    print(f"same seed, same loss: {seeds()}")
    print(f"\nTCP: one flow of iperf3, {TCP_S} s after {TCP_OMIT_S} s; receiver against the truth of the same run.\n")
    tcp_table()


def lines_table() -> tuple[float, float]:
    """Print one row per profile; return the worst error of a rate and of a delay."""
    rows, rates, delays = [], [], []
    for profile in ALL.values():
        with Lab(profile) as lab:
            ping_ms = ping_error_ms(lab)
            found = [flooded(lab, direction) for direction in DIRECTIONS]
            unread = lab.unread_packets()
        rates += [abs(one.rate_error) for one in found]
        delays += [abs(ms) for one in found for ms in (one.idle_error_ms, one.full_error_ms)] + [abs(ping_ms)]
        rows.append([
            profile.name,
            f"{profile.download.mbps:g} / {profile.upload.mbps:g}",
            f"{profile.idle_rtt_ms:g}",
            f"{ping_ms:+.2f}",
            *(f"{one.rate_error * 100:+.2f} %" for one in found),
            " / ".join(f"{one.idle_error_ms:+.2f}" for one in found),
            " / ".join(f"{one.full_error_ms:+.2f}" for one in found),
            str(unread),
        ])  # fmt: skip
    head = ["profile", "Mbit/s", "RTT ms", "ping ms", "UDP down", "UDP up", "idle delay ms", "full queue ms", "unseen"]
    print(table(head, rows))
    return max(rates), max(delays)


def ping_error_ms(lab: Lab) -> float:
    """Return the median of some pings less the profile's round trip and the time that their bits take."""
    shown = lab.run_client(["ping", "-n", "-c", str(PINGS), "-i", "0.05", lab.server_address]).stdout
    times = [float(text) for text in re.findall(r"time=([\d.]+)", shown)]
    bits_ms = sum(PING_BYTES * 8 / link.mbps / 1e3 for link in (lab.profile.download, lab.profile.upload))
    return statistics.median(times) - lab.profile.idle_rtt_ms - bits_ms


def flooded(lab: Lab, direction: Direction) -> Flooded:
    """Probe the idle line, then offer more than it carries until the queue is full."""
    link = lab.profile.link(direction)
    over = 1.5 if link.mbps < 200 else 1.15
    full_s = 1.5 * link.queue_ms / 1e3 / (over - 1) + 0.5
    quiet_s = (link.delay_ms + link.jitter_ms) / 1e3 + 0.5
    idle_bps = min(link.mbps * 1e5, 60_000)
    idle_ms, _ = _flood(lab, direction, idle_bps, 1.0 if link.mbps > 0.1 else 2.0, PING_BYTES, quiet_s)
    full_ms, rate_error = _flood(lab, direction, link.mbps * over * 1e6, full_s, 1500, quiet_s)
    return Flooded(rate_error, idle_ms, full_ms)


def _flood(
    lab: Lab, direction: Direction, bps: float, seconds: float, size_bytes: int, quiet_s: float
) -> tuple[float, float]:
    link = lab.profile.link(direction)
    began_s = time.monotonic() - 0.1
    found = flood(lab, direction, bps, seconds, size_bytes, quiet_s)
    slots = lab.account.slots(direction, began_s, time.monotonic())
    truth_bps = lab.account.truth(direction, began_s, time.monotonic())
    rate_error = found["rate_bps"] / (truth_bps / TCP_SHARE) - 1 if truth_bps else math.nan
    own_ms = link.delay_ms + link.jitter_ms / 2 + _waits_ms(slots)
    return statistics.fmean(found["delays_ms"]) - own_ms, rate_error


def _waits_ms(slots: list[Slot]) -> float:
    """Return the mean wait in the queue and the mean time of sending, by the account."""
    packets = sum(slot.accepted_packets for slot in slots)
    return sum(slot.queue_ns_sum + slot.busy_ns for slot in slots) / packets / 1e6


def seeds() -> str:
    """Return whether two runs with one seed lose the same packets, and one with another does not."""
    profile = line("lossy", (40, 40), 10, loss=0.02, bursts=Bursts(0.02))

    def arrived(seed: int) -> list[int]:
        with Lab(profile, seed=seed) as lab:
            numbers: list[int] = flood(lab, "download", 20e6, 2, 300, quiet_s=0.5)["numbers"]
            return numbers

    first, again, other = arrived(7), arrived(7), arrived(8)
    sent = round(20e6 * 2 / 8 / 300)
    same = "yes" if first == again and first != other else "NO"
    return (
        f"{same} ({sent} packets, {sent - len(first)} and {sent - len(again)} lost; another seed {sent - len(other)})"
    )


def tcp_table() -> None:
    """Print what one flow of each congestion control carries on the judged lines."""
    controls: list[str] = [name for name in ["cubic", "bbr"] if name in congestion_controls()]
    rows = [_tcp_row(profile, controls) for profile in JUDGED]
    cells = [f"{name} {arrow}" for name in controls for arrow in ("down", "up")]
    print(table(["profile", *cells, "mean queue ms", "emulator, share of a core"], rows))


def _tcp_row(profile: Profile, controls: list[str]) -> list[str]:
    cells, queues, shares = [], [], []
    for control in controls:
        with Lab(profile, client_congestion=control, server_congestion=control) as lab, iperf3_server(lab):
            for direction in DIRECTIONS:
                used_s = lab.emulator_cpu_s()
                bps, ran = iperf3(lab, direction, seconds=TCP_S, omit_s=TCP_OMIT_S, congestion=control)
                shares.append((lab.emulator_cpu_s() - used_s) / ran.seconds)
                cells.append(_cell(bps, _later_truth_bps(lab, direction, ran)))
                queues.append(f"{ran.queue_ms[direction] or 0:.0f}")
    return [profile.name, *cells, " / ".join(queues), f"{max(shares) * 100:.0f} %"]


def _later_truth_bps(lab: Lab, direction: Direction, ran: Ran) -> float | None:
    return lab.account.truth(direction, ran.began_s + TCP_OMIT_S, ran.ended_s)


def _cell(bps: float, truth_bps: float | None) -> str:
    if truth_bps is None:
        return f"{bps / 1e6:.3g}, no transfer seen"
    return f"{bps / 1e6:.3g} ({(bps / truth_bps - 1) * 100:+.1f} %)"


if __name__ == "__main__":
    main()
