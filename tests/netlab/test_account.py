"""The account is read and the truth is computed as the emulator's file says; nothing here needs a namespace."""

import math
import struct

import pytest

from tests.netlab.account import Account
from tests.netlab.links import Bursts, Link, line
from tests.netlab.profiles import ALL, LTE

START_S, SLOTS = 1000.0, 20
TOTAL_WORDS, SLOT_WORDS, HEADER_WORDS = 12, 15, 64
FULL = {"capacity": 100_000, "served": 100_500, "packets": 67, "busy": 100_000_000, "lost": 0, "wait": 0}


def slot(**more):
    one = {**FULL, **more}
    packets = one["packets"]
    sizes = [one["capacity"], one["served"], packets, one["busy"], one["served"], packets, 0, 0, one["lost"], 0]
    return [*sizes, one["served"] - one["lost"], packets, one["wait"] * packets, one["wait"], packets]


IDLE = slot(served=0, packets=0, busy=0)


def written(path, *, upload=(), download=()):
    """A file as the emulator writes it."""
    words = [0x3142414C54454E, 100_000_000, SLOTS, int(START_S * 1e9)]
    words += [*range(TOTAL_WORDS), *range(100, 100 + TOTAL_WORDS)]
    words += [0] * (HEADER_WORDS - len(words))
    for slots in (upload, download):
        rows = [*slots, *([IDLE] * (SLOTS - len(slots)))]
        words += [word for row in rows for word in row]
    file = path / "account"
    file.write_bytes(struct.pack(f"={len(words)}Q", *words))
    return Account(file)


def test_totals_of_both_directions(tmp_path):
    account = written(tmp_path)
    assert account.totals("upload").offered_bytes == 0
    assert account.totals("download").refused_packets == 111


def test_truth_is_the_rate_of_the_busy_slots_less_loss(tmp_path):
    slots = [IDLE, slot(), slot(lost=1_005), slot(capacity=300_000, busy=10_000_000), IDLE]
    account = written(tmp_path, download=slots)
    truth_bps = account.truth("download", START_S, START_S + 2)
    assert truth_bps == pytest.approx(8e6 * 1448 / 1500 * 0.995)
    assert account.truth("upload", START_S, START_S + 2) is None


def test_acknowledgements_are_no_transfer(tmp_path):
    account = written(tmp_path, upload=[slot(served=60_000, packets=1100)])
    assert account.busy_slots("upload", START_S, START_S + 1) == []
    assert account.truth("upload", START_S, START_S + 1) is None


def test_a_transfer_that_never_filled_the_line_is_held_against_it(tmp_path):
    account = written(tmp_path, upload=[slot(served=3_000, packets=2, busy=3_000_000)])
    assert account.truth("upload", START_S, START_S + 1) == pytest.approx(8e6 * 1448 / 1500)


def test_a_slot_counts_only_if_it_lies_wholly_in_the_span(tmp_path):
    account = written(tmp_path, upload=[slot(wait=index) for index in range(10)])
    found = account.slots("upload", START_S + 0.05, START_S + 0.49)
    assert [one.start_s for one in found] == pytest.approx([1000.1, 1000.2, 1000.3])
    assert [one.queue_ns_max for one in found] == [1, 2, 3]


def test_the_queue_s_mean_is_one_over_packets(tmp_path):
    account = written(tmp_path, upload=[slot(wait=4_000_000), slot(wait=1_000_000, packets=201, served=300_000)])
    assert account.queue_ms("upload", START_S, START_S + 1) == pytest.approx((4 * 67 + 1 * 201) / 268)
    assert account.queue_ms("download", START_S, START_S + 1) is None


def test_kept_it_reads_the_same_without_its_file(tmp_path):
    account = written(tmp_path, download=[slot(lost=1_005)] * 5)
    before = account.slots("download", START_S, START_S + 1), account.totals("upload")
    account.keep(START_S + 1)
    (tmp_path / "account").unlink()
    assert (account.slots("download", START_S, START_S + 1), account.totals("upload")) == before


def test_another_file_is_refused(tmp_path):
    (tmp_path / "account").write_bytes(bytes(1000))
    with pytest.raises(ValueError, match="no account"):
        Account(tmp_path / "account")


def test_bursts_have_the_loss_and_the_length_they_name():
    bursts = Bursts(0.02, mean_packets=8, loss_in_burst=0.5)
    bad_share = bursts.to_bad / (bursts.to_bad + bursts.to_good)
    assert bad_share * bursts.loss_in_burst == pytest.approx(0.02)
    assert Link(10, 5, loss=0.01, bursts=bursts).mean_loss == pytest.approx(1 - 0.99 * 0.98)


def test_a_profile_is_what_its_name_says():
    assert ALL["geo"].idle_rtt_ms == 600
    assert ALL["lte"].idle_rtt_ms == pytest.approx(60)
    assert ALL["gigabit"].download.tcp_bps == pytest.approx(868.8e6)
    assert {one for one in ALL if ALL[one].varies} == {"leo", "lte"}
    for profile in ALL.values():
        for link in (profile.download, profile.upload):
            rates = [mbps for _, mbps in link.steps] or [link.mbps]
            assert math.fsum(rates) / len(rates) == pytest.approx(link.mbps)


def test_the_seed_decides_where_a_schedule_is_entered():
    def phases(profile, seed):
        return [text for text in profile.settings(seed) if "phase_ns" in text]

    assert phases(LTE, 1) == phases(LTE, 1)
    assert phases(LTE, 1) != phases(LTE, 2)
    assert phases(line("steady", (8, 1), 20), 1) == ["0 phase_ns 0", "1 phase_ns 0"]
