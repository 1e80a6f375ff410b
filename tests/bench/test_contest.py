"""The tables of accuracy say what the rows say."""

from dataclasses import replace

import pytest

from agent.daemon import history
from bench.contest import bars, page, picture, summary
from bench.contest.rows import Book, Row, joined
from bench.contest.tools import all_tools, default_caps, earlier, priors
from tests.netlab import profiles
from tests.netlab.links import Link

ROW = Row("dsl", 1, "ours", "download", 8.0e6, 7.7e6, 1_000_000, 1_300_000, 5.0, 0.5, 30.0, 1.0)


def pair(profile="dsl", seed=1, tool="ours", bps=(7.7e6, 1e6), size=(1_000_000, 200_000), **more):
    down = replace(ROW, profile=profile, seed=seed, tool=tool, bps=bps[0], bytes=size[0], line_bytes=sum(size), **more)
    return [down, replace(down, direction="upload", bps=bps[1], truth_bps=1e6, bytes=size[1])]


def test_errors_are_signed_ranked_and_count_what_failed():
    rows = [replace(ROW, seed=seed, bps=7.7e6 * (1 + error)) for seed, error in enumerate((-0.2, 0.01, 0.02, 0.03))]
    found = summary.errors([*rows, replace(ROW, bps=None)], "download")
    assert found.median == pytest.approx(0.025)
    assert found.p90 == pytest.approx(0.2)
    assert (found.highest, found.lowest) == (pytest.approx(0.03), pytest.approx(-0.2))
    assert (found.runs, found.failed) == (5, 1)


def test_a_run_of_one_process_is_counted_once_and_of_two_twice():
    one = pair()
    two = [one[0], replace(one[1], tool="ours", seconds=6.0, line_bytes=100)]
    assert [test.line_bytes for test in summary.tests(one)] == [1_200_000]
    assert [(test.line_bytes, test.seconds) for test in summary.tests(two)] == [(1_200_100, 11.0)]


def test_the_ratio_is_the_median_over_lines_that_both_have():
    ours = {"dsl": 1.0, "geo": 2.0, "wifi": 3.0}
    assert summary.ratio(ours, {"dsl": 10.0, "geo": 10.0}) == pytest.approx(0.15)
    assert summary.ratio(ours, {}) is None


def test_caps_are_two_seconds_of_what_is_known_within_bounds():
    assert default_caps({"download": 8e6, "upload": 1e6}) == {"download": 10_000_000, "upload": 10_000_000}
    assert default_caps({"download": 300e6, "upload": 900e6}) == {"download": 75_000_000, "upload": 100_000_000}


def test_a_history_is_what_earlier_tests_read():
    for name, wanders in (("dsl", False), ("lte", True)):
        profile = profiles.ALL[name]
        figures = earlier(profile, 1)["upload"]
        assert history.wander(figures) is wanders
        assert priors(profile, 1)["upload"] in figures
        assert all(0.2 < each / profile.upload.tcp_bps < 2.6 for each in figures)
    assert max(earlier(profiles.ALL["dsl"], 1)["download"]) / profiles.ALL["dsl"].download.tcp_bps < 1.051


def test_a_part_of_a_schedule_has_its_own_mean():
    link = Link(3, 10, steps=((0, 2), (1, 4)), repeat_s=2)
    assert link.share_of_mean(0, 2) == pytest.approx(1)
    assert link.share_of_mean(1, 1) == pytest.approx(4 / 3)
    assert link.share_of_mean(1.5, 1) == pytest.approx(1)  # it goes on from the beginning
    assert Link(3, 10).share_of_mean(5, 1) == 1


def test_coverage_asks_the_same_line_seed_and_direction():
    ours = [replace(row, figure={"half_width_pct": 5.0}) for row in pair(bps=(7.7e6, 1e6))]
    assert summary.covered(ours, pair(tool="ten", bps=(8.0e6, 1.2e6))) == (1, 2)
    assert summary.covered(ours, pair(tool="ten", seed=2)) == (0, 0)


def test_what_was_kept_is_read_again(tmp_path):
    book = Book(tmp_path / "deep" / "rows.jsonl")
    book.begin({"machine": "some; today", "began": "today", "missing": {}})
    book.add(pair(tags=("narrow",)))
    again = Book(book.path)
    assert again.rows == book.rows
    assert again.has(("dsl", 1, "ours"))
    assert not again.has(("dsl", 2, "ours"))


def test_books_of_several_runs_are_one_page(tmp_path):
    books = [Book(tmp_path / name) for name in ("one", "two")]
    for number, book in enumerate(books):
        book.begin({"machine": "some; today", "began": f"day {2 - number}", "missing": {}, "note": "Two at a time."})
        book.add(pair(seed=1) + pair(seed=number + 1, tool="prior"))
    whole = joined([book.path for book in books])
    assert len(whole.rows) == 2 * 3  # what both have counts once
    text = page.text(whole)
    assert "Begun day 1" in text
    assert text.count("Two at a time.") == 1


def test_the_page_has_every_table_and_says_what_is_not_met(tmp_path):
    book = Book(tmp_path / "rows.jsonl")
    book.begin({"machine": "some; today", "began": "today", "missing": {"Other": "not there"}})
    book.add(pair(bps=(7.7e6, 1.2e6)) + pair(profile="64k") + pair(tool="ndt7", size=(9_000_000, 1_000_000)))
    text = page.text(book)
    assert "**not met**" in text
    assert "**Other**, not there" in text
    assert "| 64k |" in text
    assert ("upload, every one of 1 runs: most too high", "≤ +5.0 %", "+20.0 %", "**not met**") in bars.all_bars(
        book.rows
    )
    assert page.drawing(book).count("<circle") == 2


def test_names_in_the_picture_cover_no_point_and_no_other_name():
    points = [picture.Point(f"tool number {n}", 10 + n / 10, 2 + n / 20, 5, is_ours=n == 0) for n in range(6)]
    svg = picture.drawing(points, "A & B", "less < more")
    assert "A &amp; B" in svg
    assert svg.count("tool number") == len(points)


def test_every_tool_has_a_time_that_is_told_beforehand():
    from bench.accuracy import USUAL_S

    assert set(USUAL_S) == set(all_tools())
