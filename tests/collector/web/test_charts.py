from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given
from hypothesis import strategies as st

from collector.web.charts import days as heard
from collector.web.charts import history, small, svg, weeks
from collector.web.charts.history import ChartDay, Dot, History
from collector.web.views import line_up
from collector.web.views.figures import quantile


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    app = Flask("collector.web")
    Babel(app)
    with app.test_request_context(), force_locale("en"):
        yield


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 -- our own picture


def test_text_and_attributes_are_escaped() -> None:
    made = svg.tag("text", '<b>&"', class_='a"b', x=1.25)
    assert made == '<text class="a&#34;b" x="1.2">&lt;b&gt;&amp;&#34;</text>'


def test_many_numbers_at_once_are_written_as_one_by_one() -> None:
    points = [(x / 20, 100 - x / 30) for x in range(-40, 400)]
    dots = "".join(f"M{svg.num(x)} {svg.num(y)}h0" for x, y in points)
    assert parsed(svg.dots(points, "a")).attrib["d"] == dots
    line = "L".join(f"{svg.num(x)} {svg.num(y)}" for x, y in points)
    assert parsed(svg.line(points, "a")).attrib["d"] == f"M{line}"
    each = [svg.tag("circle", class_="a", r=2.6, cx=x, cy=y) for x, y in points]
    assert svg.circles(points, "a", 2.6) == "".join(each)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_slots_stand_where_the_clock_on_the_wall_has_them(day: str, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start_ms = round(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp() * 1000)
    walls = [datetime.fromtimestamp(start_ms / 1000 + 300 * at, zone) for at in range(hours * 12)]
    assert list(line_up.wall_minutes(start_ms, hours * 12, zone)) == [at.hour * 60 + at.minute for at in walls]


def days() -> list[ChartDay]:
    made = [ChartDay(f"2026-11-{day:02d}", day not in (7, 8, 14, 15), None, 10_000_000 + day) for day in range(2, 21)]
    made[3] = ChartDay("2026-11-05", True, None, None)
    made[8] = ChartDay("2026-11-10", True, "holiday", None)
    return made


DOTS = [Dot("2026-11-03", 0.4, 12_000_000, True), Dot("2026-11-04", 0.5, 9_000_000, False)]


@pytest.mark.parametrize("frame", [history.WIDE, history.MIDDLE, history.NARROW])
def test_the_history_is_one_picture_with_a_name_and_no_style(frame: history.Frame) -> None:
    shown = History(days(), DOTS, 20_000_000, 30_000_000, "2026-11-10", None, "the finding")
    made = history.draw(shown, frame)
    root = parsed(made)
    assert root.attrib["aria-label"] == "the finding" and "style" not in made
    assert made.count("c-aside") == 1 and made.count("c-off") == 1
    assert "Flag opened 10 Nov" in made and "Target 20" in made and "Contract 30" in made
    assert made.count('class="c-down"') == 2  # the open day without a test is a gap, the holiday is none


def test_a_history_without_anything_is_still_a_picture() -> None:
    for shown in (History([], []), History(days()[:1], [], opened_on="2026-01-01", closed_on="2026-02-01")):
        parsed(history.draw(shown, history.WIDE))


def test_dots_outside_the_axis_are_not_drawn() -> None:
    odd = [Dot("2009-01-01", 0.5, 1, True), Dot("2036-01-01", 0.5, 1, False)]
    assert history.draw(History(days(), odd), history.WIDE) == history.draw(History(days(), []), history.WIDE)


@given(st.floats(1e3, 1e12))
def test_an_axis_ends_at_a_round_figure_not_far_above(bps: float) -> None:
    top = history.nice_top(bps)
    assert bps <= top * 1.001 and top <= 2 * bps


@given(
    median=st.none() | st.integers(0, 10**12),
    target=st.none() | st.integers(0, 10**12),
    band=st.none() | st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(sorted),
)
def test_a_strip_stays_inside_its_picture(median: int | None, target: int | None, band: list[int] | None) -> None:
    made = small.speed_strip(median, target, (band[0], band[1]) if band else None, "BELOW")
    if not target:
        assert made == ""
        return
    for element in parsed(made).iter():
        for name in ("x", "cx"):
            assert 0 <= float(element.attrib.get(name, 0)) <= 104


def test_a_sparkline_has_gaps_where_days_have_no_test() -> None:
    made = small.sparkline([1, 2, None, 3, 4, 5], 4, "MEETS", "thirty days")
    assert made.count('class="c-down"') == 2
    assert small.sparkline([None, None], 4, "MEETS") == ""


def test_a_bar_of_verdicts_adds_up() -> None:
    made = small.verdict_bar({"BELOW": 1, "MEETS": 2, "NONE": 1}, "one below")
    widths = [float(part.split('%"')[0]) for part in made.split('width="')[1:] if "%" in part.split('"')[0]]
    assert sorted(widths) == [25.0, 25.0, 50.0, 100.0]
    parsed(small.verdict_bar({}, "none"))


def test_weeks_are_labelled_at_the_last_bar() -> None:
    made = weeks.stacked_weeks([weeks.Week("2026-11-23", {"MEETS": 3, "BELOW": 1})], {"MEETS": "3 meet"}, "x", 340)
    assert "3 meet" in made and parsed(made) is not None


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 1))
def test_a_quantile_lies_between_the_ends(values: list[float], part: float) -> None:
    values.sort()
    found = quantile(values, part)
    assert found is not None and values[0] - 1e-6 <= found <= values[-1] + 1e-6


def test_a_mean_of_nobody_heard_is_a_point_of_the_line_and_an_unknown_one_is_none() -> None:
    found = [heard.Day(f"2026-11-{day:02d}", 0, mean) for day, mean in ((16, None), (17, 2.0), (18, 0.0))]
    root = parsed(heard.heard_days(found, "Label", ["mean"], 316.0))
    (line,) = [one.attrib["d"] for one in root.iter("path") if one.attrib["class"] == "c-down"]
    assert line.count("M") == 1 and line.count("L") == 1
    at = {one.text: float(one.attrib["x"]) for one in root.iter("text")}
    assert at["mean"] > float(line.rpartition("L")[2].split()[0]) > 150
