"""The laboratory keeps what its profiles say: asserted from its own account, not this machine's pace."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fakes import needed
from tests.netlab.build import why_not
from tests.netlab.flood import flood, steady_ms
from tests.netlab.lab import Lab
from tests.netlab.links import NUMBERS, Bursts, Link, Profile, line

pytestmark = [
    pytest.mark.netns,
    needed.skip_without(needed.NAMESPACES, why_not()),
    pytest.mark.xdist_group("netlab"),
]
ROOT = Path(__file__).parents[2]
QUICK = line("quick", (8, 2), 20, queue_ms=(100, 100))
SERVE = """
import socket, sys
with socket.create_server((sys.argv[1], 9001)) as server:
    print("ready", flush=True)
    with server.accept()[0] as peer:
        size = 0
        while piece := peer.recv(1 << 16):
            size += len(piece)
        print(size, flush=True)
"""
SEND = """
import socket, sys
with socket.create_connection((sys.argv[1], 9001)) as peer:
    peer.sendall(bytes(int(sys.argv[2])))
"""


def send_over_tcp(lab, size_bytes):
    """Send bytes from the client to the server; returns what the server got."""
    server = lab.popen_server([sys.executable, "-c", SERVE, lab.server_address], stdout=-1, text=True)
    assert server.stdout.readline() == "ready\n"
    done = lab.run_client([sys.executable, "-c", SEND, lab.server_address, str(size_bytes)])
    assert done.returncode == 0, done.stderr
    return int(server.communicate(timeout=60)[0])


def span(lab):
    return lab.account.start_s, time.monotonic()


def assert_adds_up(lab):
    for direction, totals in lab.counters().items():
        for what in ("bytes", "packets"):
            parts = [getattr(totals, f"{part}_{what}") for part in ("delivered", "dropped", "lost", "held", "refused")]
            assert getattr(totals, f"offered_{what}") == sum(parts), direction


@pytest.mark.parametrize("direction", [pytest.param("download", marks=pytest.mark.deep), "upload"])
def test_a_flood_gets_the_rate_and_waits_in_the_queue(direction):
    with Lab(QUICK) as lab:
        link = QUICK.link(direction)
        idle = flood(lab, direction, 15_000, 0.5, 84, quiet_s=0.25)
        full = flood(lab, direction, link.mbps * 1.5e6, 1.0, quiet_s=0.25)
        busy = lab.account.busy_slots(direction, *span(lab))
        totals = lab.account.totals(direction)
        assert_adds_up(lab)
        assert lab.unread_packets() == 0
    inner = busy[1:-1]
    assert len(inner) >= 5
    assert sum(slot.served_bytes for slot in inner) == pytest.approx(link.mbps * 1e5 / 8 * len(inner), rel=0.01)
    assert max(slot.queue_max_ms for slot in busy) <= link.queue_ms
    assert inner[-1].queue_mean_ms == pytest.approx(link.queue_ms, rel=0.15)
    assert totals.dropped_packets > 0
    assert totals.delivered_packets == len(idle["numbers"]) + len(full["numbers"])
    # Delays of this machine's own clock: never too early; late only as far as other work held the processor.
    own_ms = link.delay_ms + 84 * 8 / link.mbps / 1e3
    assert own_ms <= min(idle["delays_ms"]) <= own_ms + 5
    assert steady_ms(full["delays_ms"]) == pytest.approx(link.delay_ms + link.queue_ms, rel=0.1)


def lossy(seed):
    """The numbers that arrive of one flood."""
    profile = line("lossy", (40, 40), 10, loss=0.03, bursts=Bursts(0.03))
    with Lab(profile, seed=seed) as lab:
        arrived = flood(lab, "download", 12e6, 0.5, 300, quiet_s=0.25)["numbers"]
        totals = lab.account.totals("download")
    assert totals.lost_packets == totals.offered_packets - len(arrived)
    return arrived


def test_the_seed_decides_the_loss():
    first, again, other = lossy(7), lossy(7), lossy(8)
    assert first == again
    assert first != other
    assert 0.90 < len(first) / 2500 < 0.98


def test_a_super_packet_is_the_packets_it_stands_for():
    """TCP hands over up to 64 kB at once: the line sends, loses and queues segments, and the bytes arrive unharmed."""
    size_bytes = 1_500_000
    profile = Profile("up", Link(50, 5), Link(20, 5, queue_ms=60, loss=0.01))
    with Lab(profile) as lab:
        assert send_over_tcp(lab, size_bytes) == size_bytes
        totals, slots = lab.account.totals("upload"), lab.account.busy_slots("upload", *span(lab))
        assert_adds_up(lab)
    assert totals.offered_packets >= size_bytes / 1448
    assert totals.offered_bytes / totals.offered_packets <= 1500
    assert totals.lost_packets > 0
    assert max(slot.queue_max_ms for slot in slots) <= 60
    assert all(slot.served_bytes <= 20e6 / 8 * 0.1 + 1 for slot in slots)


def test_at_a_low_rate_nothing_leaves_as_a_burst():
    """Ten segments of the first window take ten times as long as one."""
    with Lab(line("slow", (1, 0.5), 40, queue_ms=(1000, 1000))) as lab:
        assert send_over_tcp(lab, 14_480) == 14_480
        time.sleep(0.2)
        began_s, ended_s = span(lab)
        delivered = [slot.delivered_packets for slot in lab.account.slots("upload", began_s, ended_s)]
    assert max(delivered) <= 8  # 24 ms each; small ones of the connection between them


def test_a_queue_of_milliseconds_is_one_of_two_packets_at_least():
    with Lab(line("policed", (2, 2), 10, queue_ms=(0, 0))) as lab:
        flood(lab, "upload", 4e6, 0.3, quiet_s=0.25)
        totals, slots = lab.account.totals("upload"), lab.account.busy_slots("upload", *span(lab))
    assert totals.dropped_packets > 0
    assert totals.delivered_packets > 0
    assert max(slot.queue_max_ms for slot in slots) <= 6.01


def test_the_rate_follows_its_schedule():
    link = Link(3, 5, queue_ms=1000, steps=((0, 4), (0.5, 2)), repeat_s=1, any_phase=False)
    with Lab(Profile("steps", link, link)) as lab:
        start_s = lab.account.start_s
        flood(lab, "download", 5e6, 1.2, quiet_s=0.25)
        slots = lab.account.slots("download", start_s, time.monotonic())
    rates = [slot.capacity_bytes * 8 / 1e5 for slot in slots]
    assert rates[:10] == [4.0] * 5 + [2.0] * 5
    assert rates[10:12] == [4.0, 4.0]
    for slot in slots:
        if slot.busy_ns > 99_999_000:
            assert slot.served_bytes == pytest.approx(slot.capacity_bytes, abs=2)


def test_jitter_keeps_the_order_unless_told_otherwise():
    def numbers(reorder):
        link = Link(50, 5, jitter_ms=8, reorder=reorder)
        with Lab(Profile("jitter", link, link)) as lab:
            found = flood(lab, "upload", 3e6, 0.4, 300, quiet_s=0.25)
        assert statistics.mean(found["delays_ms"]) >= 5
        return found["numbers"]

    kept = numbers(reorder=False)
    assert kept == sorted(kept)
    mixed = numbers(reorder=True)
    assert mixed != sorted(mixed)
    assert sorted(mixed) == kept


def test_labs_at_once_do_not_meet():
    with Lab(QUICK) as one, Lab(QUICK) as other:
        assert len(flood(one, "upload", 1e6, 0.2, quiet_s=0.25)["numbers"]) > 0
        assert other.counters()["upload"].offered_packets == 0
        assert set(other.counters()) == set(NUMBERS)


def test_ipv6_passes_too():
    with Lab(QUICK) as lab:
        if "fd77" not in lab.run_client(["ip", "-6", "addr"]).stdout:
            pytest.skip("this kernel has no IPv6")
        lab.server_address = lab.server_address6  # what the two small programs are told
        server = lab.popen_server(
            [sys.executable, "-c", SERVE.replace("9001)", "9001), family=socket.AF_INET6"), lab.server_address6],
            stdout=-1, text=True,
        )  # fmt: skip
        assert server.stdout.readline() == "ready\n"
        assert lab.run_client([sys.executable, "-c", SEND, lab.server_address6, "200000"]).returncode == 0
        assert int(server.communicate(timeout=60)[0]) == 200_000


KILLED = """
import json, os, sys, tempfile, time
from pathlib import Path
from tests.netlab import lab as lab_module
from tests.netlab.lab import Lab
from tests.netlab.links import line
tempfile.tempdir, lab_module.MEMORY = sys.argv[1], Path(sys.argv[1])
lab = Lab(line("left", (8, 1), 20)).__enter__()
child = lab.popen_server(["sleep", "600"])
while os.stat(f"/proc/{child.pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
    time.sleep(0.01)
inode = os.stat(f"/proc/{child.pid}/ns/net").st_ino
print(json.dumps({"inode": inode, "files": os.listdir(sys.argv[1])}), flush=True)
time.sleep(600)
"""


def test_nothing_is_left_when_the_laboratory_s_process_is_killed(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, stdout=-1, text=True)
    told = json.loads(owner.stdout.readline())
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    end_s = time.monotonic() + 20
    while inhabitants(told["inode"]) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert inhabitants(told["inode"]) == []
    assert told["files"] == []


def test_a_killed_emulator_leaves_nothing_either():
    with Lab(QUICK) as lab:
        child = lab.popen_client(["sleep", "600"])
        lab.popen_server(["sleep", "600"])
        inode = Path(f"/proc/{lab.emulator_pid}/ns/net").stat().st_ino
        while (found := Path(f"/proc/{child.pid}/ns/net").stat().st_ino) == inode:
            time.sleep(0.01)
        os.kill(lab.emulator_pid, signal.SIGKILL)
    assert inhabitants(found) == []
    assert lab.counters()["upload"].offered_packets == 0


def inhabitants(inode):
    """The processes that still are in a network namespace."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "ns" / "net").stat().st_ino == inode:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_the_account_outlives_the_laboratory():
    with Lab(QUICK) as lab:
        began_s, _ = span(lab)
        flood(lab, "download", 12e6, 0.5, quiet_s=0.25)
        ended_s = time.monotonic()
        before = lab.account.truth("download", began_s, ended_s), lab.counters()
    assert (lab.account.truth("download", began_s, ended_s), lab.counters()) == before
    assert before[0] == pytest.approx(8e6 * 1448 / 1500, rel=0.001)
    assert lab.account.truth("upload", began_s, ended_s) is None
