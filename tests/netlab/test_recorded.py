"""The shipped estimator on recorded transfers of emulated lines: the bars that a change of a rule must keep."""

from collections import defaultdict
from statistics import median

import pytest

from bench.estimator import Read, ours, percentile, with_delivery, with_prior
from tests.netlab import profiles
from tests.netlab.traces import load, load_all, save

TRACES = load_all()


def errors(reads: list[Read]) -> list[float]:
    return [abs(read.error) for read in reads]


def of(direction: str, sender: str = "bbr") -> list:
    return [trace for trace in TRACES if trace.direction == direction and trace.congestion_control == sender]


@pytest.mark.parametrize("direction", ["download", "upload"])
def test_figures_are_those_of_the_line(direction):
    reads = [ours(trace) for trace in of(direction)]
    assert len(reads) >= 15
    assert median(errors(reads)) <= 0.025
    assert percentile(errors(reads), 0.9) <= 0.08


def test_an_upload_is_never_more_than_the_line_carries():
    for trace in TRACES:
        if trace.direction == "upload":
            assert ours(trace).error <= 0.05, (trace.profile, trace.seed)
            assert with_prior(trace).error <= 0.05, (trace.profile, trace.seed)


def test_an_upload_on_a_line_that_changes_is_what_it_carried_in_the_mean():
    changing = [trace for trace in TRACES if trace.direction == "upload" and profiles.ALL[trace.profile].varies]
    assert len(changing) >= 12
    for rule in (ours, with_prior):
        reads = [rule(trace) for trace in changing]
        assert max(errors(reads)) <= 0.06, max(reads, key=lambda read: abs(read.error))
        assert median(errors(reads)) <= 0.025


@pytest.mark.parametrize(("direction", "share"), [("download", 1 / 8), ("upload", 1 / 6)])
def test_bytes_are_a_small_part_of_ten_seconds(direction, share):
    shares = defaultdict(list)
    for trace in of(direction):
        shares[trace.profile].append(ours(trace).share)
    assert median(median(each) for each in shares.values()) <= share


def test_a_history_makes_it_cheaper_and_no_worse():
    for direction in ("download", "upload"):
        plain, known = [ours(trace) for trace in of(direction)], [with_prior(trace) for trace in of(direction)]
        assert median(read.share for read in known) < median(read.share for read in plain)
        assert percentile(errors(known), 0.9) <= 0.10


def test_uploads_as_windows_sends_them():
    reads = [ours(trace) for trace in of("upload", "cubic")]
    assert median(errors(reads)) <= 0.05
    assert percentile(errors(reads), 0.9) <= 0.10


def test_the_senders_word_alone():
    assert median(errors([with_delivery(trace) for trace in of("download")])) <= 0.05


def test_a_trace_is_what_was_saved(tmp_path):

    for trace in TRACES[:3]:
        assert load(save(trace, tmp_path)) == trace
