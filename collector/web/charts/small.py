"""The small pictures of lists: speed strip, attainment bar, thirty days, a bar of verdicts."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from collector.web.charts.svg import line, num, picture, tag
from collector.web.language import present
from collector.web.language.conventions import NBSP
from collector.web.language.i18n import say, say_many
from collector.web.words.terms import VERDICT_CLASS, VERDICT_ORDER

_STRIP_WIDTH, _STRIP_HEIGHT = 104, 20
_ATTAIN_WIDTH = 92
_SPARK_WIDTH, _SPARK_HEIGHT = 84, 26
# The pictures of a list are pure functions of a few numbers and cost more than the rest of it; the first of a list, the
# worst schools of a country, are drawn for everybody again and again.
_REMEMBERED: Final = 3_000  # pictures of each kind, of one or two kilobytes


def _mark(verdict: str | None) -> str:
    return VERDICT_CLASS[verdict or "NONE"]


def speed_strip(
    median_bps: int | None, target_bps: int | None, band: tuple[float, float] | None, verdict: str | None
) -> Markup:
    """Return typical speed against the target: 0 to twice the target, the target in the middle.

    Args:
        median_bps: The dot; an arrow head where it is above twice the target.
        target_bps: The line.
        band: p10 and p90 of the window in bit/s; None where unknown.
        verdict: Its colour.
    """
    if not target_bps:
        return Markup("")
    label = say(
        "Typical %(speed)s, target %(target)s Mbit/s",
        speed=present.mbps(median_bps),
        target=present.target_mbps(target_bps),
    )
    return _speed_strip(median_bps, target_bps, band, verdict, label)


@lru_cache(maxsize=_REMEMBERED)
def _speed_strip(
    median_bps: int | None, target_bps: int, band: tuple[float, float] | None, verdict: str | None, label: str
) -> Markup:
    middle, left, right, half = _STRIP_HEIGHT / 2, 2.0, _STRIP_WIDTH - 2.0, 3.0
    wide = right - left

    def x_of(bps: float) -> float:
        return left + min(bps / (2 * target_bps), 1.0) * wide

    parts = [tag("rect", class_="c-track", x=left, y=middle - half, width=wide, height=2 * half, rx=half)]
    if band is not None:
        low, high = x_of(band[0]), x_of(band[1])
        parts.append(
            tag(
                "rect",
                class_=f"c-band m-{_mark(verdict)}",
                x=low,
                y=middle - half,
                width=max(high - low, 1),
                height=2 * half,
                rx=half,
            )
        )
    centre = left + wide / 2
    parts.append(tag("path", class_="c-target", d=f"M{num(centre)} 3V{_STRIP_HEIGHT - 3}"))
    if median_bps is not None:
        parts.append(_strip_dot(median_bps, target_bps, x_of(median_bps), middle, _mark(verdict)))
    return picture(_STRIP_WIDTH, _STRIP_HEIGHT, label, "strip", *parts)


def _strip_dot(median_bps: int, target_bps: int, x: float, y: float, mark: str) -> Markup:
    if median_bps > 2 * target_bps:
        return tag("path", class_=f"c-dot m-{mark}", d=f"M{num(x - 7)} {num(y - 5)}l8 5-8 5z")
    return tag("circle", class_=f"c-dot m-{mark}", cx=x, cy=y, r=4.5)


def attainment_strip(
    attained: int, n: int, bounds: tuple[float, float] | None, share: float, verdict: str | None
) -> Markup:
    """Return the share of tests that reach the target, its interval as a band, the needed share as a line."""
    label = say_many(
        "%(k)s of %(n)s test reaches the target", "%(k)s of %(n)s tests reach the target", n, k=attained, n=n
    )
    return _attainment_strip(attained, n, bounds, share, verdict, label)


@lru_cache(maxsize=_REMEMBERED)
def _attainment_strip(
    attained: int, n: int, bounds: tuple[float, float] | None, share: float, verdict: str | None, label: str
) -> Markup:
    left, wide, middle = 5.0, _ATTAIN_WIDTH - 10.0, _STRIP_HEIGHT / 2
    mark = _mark(verdict)
    parts = [tag("path", class_="c-axis", d=f"M{num(left)} {num(middle)}h{num(wide)}")]
    if bounds is not None and n:
        parts.append(_interval(left + bounds[0] * wide, left + bounds[1] * wide, middle, 8, mark))
    needed = left + share * wide
    parts.append(tag("path", class_="c-target", d=f"M{num(needed)} 2V{_STRIP_HEIGHT - 2}"))
    if n:
        parts.append(tag("circle", class_=f"c-dot m-{mark}", cx=left + attained / n * wide, cy=middle, r=4))
    return picture(_ATTAIN_WIDTH, _STRIP_HEIGHT, label, "attain", *parts)


def meeting_strip(meets: int, judged: int, bounds: tuple[float, float] | None) -> Markup:
    """Return the share of schools that meet their target, with its interval; in ink: it is no verdict of one school."""
    left, wide, middle = 5.0, _ATTAIN_WIDTH - 10.0, _STRIP_HEIGHT / 2
    parts = [tag("path", class_="c-axis", d=f"M{num(left)} {num(middle)}h{num(wide)}")]
    if bounds is not None:
        parts.append(_interval(left + bounds[0] * wide, left + bounds[1] * wide, middle, 8, "ink"))
    if judged:
        parts.append(tag("circle", class_="c-dot m-ink", cx=left + meets / judged * wide, cy=middle, r=4))
    label = say_many(
        "%(k)s of %(n)s judged school meets the target",
        "%(k)s of %(n)s judged schools meet the target",
        judged,
        k=present.number(meets),
        n=present.number(judged),
    )
    return picture(_ATTAIN_WIDTH, _STRIP_HEIGHT, label, "attain", *parts)


def _interval(low: float, high: float, middle: float, height: float, mark: str) -> Markup:
    top, bottom = middle - height / 2, middle + height / 2
    return tag("rect", class_=f"c-band m-{mark}", x=low, y=top, width=max(high - low, 1), height=height) + tag(
        "path",
        class_=f"c-cap s-{mark}",
        d=f"M{num(low)} {num(top - 2)}V{num(bottom + 2)}M{num(high)} {num(top - 2)}V{num(bottom + 2)}",
    )


def attainment_bar(
    attained: int, n: int, bounds: tuple[float, float] | None, share: float, verdict: str | None, label: str
) -> Markup:
    """Return the large form: axis 0 to 100 %, the needed share with its words, the interval and the share."""
    width, height, left, axis = 320.0, 74.0, 6.0, 36.0
    wide = width - 2 * left - 22
    mark = _mark(verdict)
    parts = [tag("path", class_="c-axis", d=f"M{num(left)} {num(axis)}h{num(wide)}")]
    for quarter in range(5):
        x = left + wide * quarter / 4
        parts.append(tag("path", class_="c-axis", d=f"M{num(x)} {num(axis - 4)}v8"))
        parts.append(_axis_label(quarter, x, height - 12))
    if bounds is not None and n:
        parts.append(_interval(left + bounds[0] * wide, left + bounds[1] * wide, axis, 14, mark))
    needed = left + share * wide
    words = say("half is needed") if share == 0.5 else say("%(share)s %% is needed", share=present.percent(share))
    parts.append(tag("path", class_="c-target", d=f"M{num(needed)} 12V{num(axis + 8)}"))
    if share > 0.7:
        parts.append(tag("text", words, class_="c-strong", x=needed - 6, y=20, text_anchor="end"))
    else:
        parts.append(tag("text", words, class_="c-strong", x=needed + 6, y=20))
    if n:
        parts.append(tag("circle", class_=f"c-dot m-{mark}", cx=left + attained / n * wide, cy=axis, r=6))
    return picture(width, height, label, "attain-bar", *parts)


def _axis_label(quarter: int, x: float, y: float) -> Markup:
    shown = f"{quarter * 25}" + (f"{NBSP}%" if quarter == 4 else "")
    anchor = "start" if quarter == 0 else "middle"
    return tag("text", shown, class_="c-text", x=x if quarter else x - 3, y=y, text_anchor=anchor)


def sparkline(medians: Sequence[int | None], target_bps: int | None, verdict: str | None, label: str = "") -> Markup:
    """Return up to thirty school days of daily medians; a day without one stays a gap, the target is dashed."""
    return _sparkline(tuple(medians), target_bps, verdict, label)


@lru_cache(maxsize=_REMEMBERED)
def _sparkline(medians: tuple[int | None, ...], target_bps: int | None, verdict: str | None, label: str) -> Markup:
    known = [value for value in medians if value is not None]
    if not known:
        return Markup("")
    top = max(1.15 * max(known), 1.15 * (target_bps or 0), 1)
    step = (_SPARK_WIDTH - 10) / max(29, len(medians) - 1)
    start = _SPARK_WIDTH - 5 - step * (len(medians) - 1)

    def point(index: int, bps: float) -> tuple[float, float]:
        return start + index * step, _SPARK_HEIGHT - 3 - bps / top * (_SPARK_HEIGHT - 6)

    parts: list[Markup] = []
    if target_bps:
        y = point(0, target_bps)[1]
        parts.append(tag("path", class_="c-dash", d=f"M2 {num(y)}H{_SPARK_WIDTH - 5}"))
    run: list[tuple[float, float]] = []
    for index, value in enumerate([*medians, None]):
        if value is not None:
            run.append(point(index, value))
        elif run:
            shape = run if len(run) > 1 else [(run[0][0] - 0.8, run[0][1]), (run[0][0] + 0.8, run[0][1])]
            parts.append(line(shape, "c-down"))
            run = []
    last = max(index for index, value in enumerate(medians) if value is not None)
    x, y = point(last, known[-1])
    parts.append(tag("circle", class_=f"c-dot m-{_mark(verdict)}", cx=x, cy=y, r=2.6))
    return picture(_SPARK_WIDTH, _SPARK_HEIGHT, label, "spark", *parts)


def verdict_bar(counts: Mapping[str, int], label: str, height: int = 18) -> Markup:
    """Return the shares of the verdicts in one bar, in the order below to not testable, with gaps of two pixels."""
    shown = {name: counts.get(name, 0) for name in VERDICT_ORDER}
    shown["INSUFFICIENT"] += counts.get("NONE", 0)
    total = sum(shown.values())
    parts: list[Markup] = []
    at = 0.0
    for name, count in shown.items():
        if not count or not total:
            continue
        width = 100 * count / total
        parts.append(
            tag(
                "rect",
                class_=f"c-part m-{VERDICT_CLASS[name]}",
                x=f"{at:.2f}%",
                y=0,
                width=f"{width:.2f}%",
                height=height,
            )
        )
        at += width
    return tag("svg", *parts, class_="vbar", width="100%", height=height, role="img", aria_label=label)
