"""What a line is good for: limits held by a share of the tests, and what was not measured has no score."""

from dataclasses import replace

import pytest

from collector.domain import fitness
from collector.domain.diagnosis.facts import Fact
from collector.domain.fitness import Fitness, Outcome, Quality, Use
from tests.collector.domain.diagnosis.build import some

USE = Use("class_video", 30, 1_000_000, 100_000, 200.0, 1.0, 0.8)
LONG = {"is_fully_loaded": True}


def outcome(facts: list[Fact], quality: Quality, use: Use = USE, roll: int | None = None) -> Outcome:
    found = fitness.judge(use, facts, roll).finding(quality)
    assert found is not None
    return found.outcome


def test_a_line_that_holds_every_limit_is_good() -> None:
    judged = fitness.judge(USE, some(20, mbps=40, **LONG), 300)
    assert judged.fitness is Fitness.GOOD and judged.pupils == 30
    assert [(one.quality, one.held, one.of) for one in judged.findings] == [
        (Quality.DOWNLOAD, 20, 20),
        (Quality.UPLOAD, 20, 20),
        (Quality.LATENCY, 20, 20),
        (Quality.LOSS, 0, 400),
    ]


def test_eight_of_ten_tests_must_hold_a_limit() -> None:
    fast, slow = some(16, "f", mbps=30), some(4, "s", mbps=29)
    assert outcome([*fast, *slow], Quality.DOWNLOAD) is Outcome.HOLDS
    assert outcome([*fast[1:], *slow], Quality.DOWNLOAD) is Outcome.FAILS
    assert outcome([*fast[1:], *slow], Quality.DOWNLOAD, replace(USE, share=0.7)) is Outcome.HOLDS
    assert fitness.judge(USE, [*fast[1:], *slow], None).fitness is Fitness.NOT_GOOD


def test_a_small_school_has_no_larger_class_than_its_roll() -> None:
    assert outcome(some(20, mbps=12), Quality.DOWNLOAD, roll=12) is Outcome.HOLDS
    assert outcome(some(20, mbps=12), Quality.DOWNLOAD, roll=13) is Outcome.FAILS
    assert fitness.judge(USE, [], 0).pupils == 30


def test_tests_that_could_not_show_more_are_neither_for_nor_against() -> None:
    cut = some(10, "c", mbps=20, download_lower_bound=True)
    ported = some(10, "p", mbps=9, link_bps=10_000_000)
    assert outcome([*cut, *ported], Quality.DOWNLOAD) is Outcome.SHORT
    slow = some(5, "s", mbps=9)
    assert outcome([*cut, *ported, *slow], Quality.DOWNLOAD) is Outcome.SHORT
    assert outcome([*cut, *ported, *slow, *some(1, "x", mbps=9)], Quality.DOWNLOAD) is Outcome.FAILS


def test_with_few_tests_or_days_nothing_is_said() -> None:
    assert outcome(some(11, mbps=40), Quality.DOWNLOAD) is Outcome.FEW
    assert outcome(some(30, mbps=40, days=4), Quality.DOWNLOAD) is Outcome.FEW
    assert outcome([], Quality.DOWNLOAD) is Outcome.NOT_MEASURED
    aside = [replace(fact, votes=False, exclusion="manual") for fact in some(30, mbps=40)]
    assert outcome(aside, Quality.DOWNLOAD) is Outcome.NOT_MEASURED
    assert fitness.judge(USE, aside, None).fitness is Fitness.UNKNOWN


def test_what_was_not_measured_is_neither_good_nor_bad() -> None:
    bare = {"upload_bps": None, "loaded_method": None, "idle_loss_pct": None}
    judged = fitness.judge(USE, some(20, mbps=40, **bare), None)
    assert judged.fitness is Fitness.AS_MEASURED
    assert [one.outcome for one in judged.findings] == [Outcome.HOLDS, *[Outcome.NOT_MEASURED] * 3]
    assert fitness.judge(USE, some(20, mbps=20, **bare), None).fitness is Fitness.NOT_GOOD
    assert fitness.judge(USE, some(20, **{**bare, "download_bps": None}), None).fitness is Fitness.UNKNOWN
    not_asked = replace(USE, upload_bps=None, latency_p95_ms=None, loss_pct=None)
    judged = fitness.judge(not_asked, some(20, mbps=40, **bare), None)
    assert judged.fitness is Fitness.GOOD and judged.finding(Quality.LOSS) is None


def test_short_tests_can_show_a_late_line_and_never_a_quick_one() -> None:
    assert outcome(some(20), Quality.LATENCY) is Outcome.SHORT
    assert outcome(some(20, loaded_upload_p95_ms=201.0), Quality.LATENCY) is Outcome.FAILS
    late = some(4, "l", loaded_download_p95_ms=900.0)
    assert outcome([*some(16), *late], Quality.LATENCY) is Outcome.SHORT
    assert outcome([*some(15), *late], Quality.LATENCY) is Outcome.FAILS
    assert outcome(some(11, loaded_upload_p95_ms=900.0), Quality.LATENCY) is Outcome.SHORT
    assert outcome([*some(20), *some(2, "g", **LONG)], Quality.LATENCY) is Outcome.HOLDS
    assert outcome([*some(20), *some(1, "g", **LONG)], Quality.LATENCY) is Outcome.SHORT
    assert outcome([*some(20), *some(2, "g", days=1, **LONG)], Quality.LATENCY) is Outcome.SHORT
    bad = some(1, "b", loaded_upload_p95_ms=900.0, **LONG)
    assert outcome([*some(20), *some(2, "g", **LONG), *bad], Quality.LATENCY) is Outcome.FAILS


def test_latencies_by_another_method_are_left_out() -> None:
    other = some(10, "o", loaded_method="ws_ping", loaded_upload_p95_ms=900.0)
    found = fitness.judge(USE, [*some(20, **LONG), *other], None).finding(Quality.LATENCY)
    assert found is not None and found.outcome is Outcome.HOLDS and found.of == 20


@pytest.mark.parametrize(
    ("tests", "lost", "expected"),
    [
        (14, 0, Outcome.FEW),  # 280 probes of 300
        (15, 0, Outcome.HOLDS),
        (15, 3, Outcome.HOLDS),  # 1 % of 300
        (15, 4, Outcome.FAILS),
        (5, 4, Outcome.FAILS),  # too many, whatever the next ones do
        (5, 3, Outcome.FEW),
    ],
)
def test_loss_needs_as_many_probes_as_can_show_it(tests: int, lost: int, expected: Outcome) -> None:
    facts = some(tests)
    for number in range(lost):
        facts[number % tests] = replace(facts[number % tests], idle_loss_pct=5.0 * (1 + number // tests))
    found = fitness.judge(USE, facts, None).finding(Quality.LOSS)
    assert found is not None
    assert (found.outcome, found.held, found.of, found.needed) == (expected, lost, tests * 20, 300)


def test_loss_is_not_measured_where_no_probe_was_counted() -> None:
    assert outcome(some(20, idle_n=None), Quality.LOSS) is Outcome.NOT_MEASURED
    assert outcome(some(20, idle_method=None), Quality.LOSS) is Outcome.NOT_MEASURED
