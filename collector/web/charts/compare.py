"""Pictures that compare: the schools of a provider along their contracts."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from collector.store.queries.pages.schools import CONTRACT_FULL, CONTRACT_UNDER
from collector.web.charts.svg import dots, num, picture, tag

WIDTH, HEIGHT = 220, 36
_TOP_SHARE = 1.1  # the end of the axis; who gets more stands there
_BIN, _STACK = 5.0, 6  # pixels along the axis and dots above each other that fit
DELAY_AXIS_MS = (5.0, 2_000.0)  # logarithmic: fibre and satellite stand in one picture
DELAY_TICKS_MS = (10, 100, 1_000)
_BANDS = (
    ("below", 0.0, CONTRACT_UNDER),
    ("border", CONTRACT_UNDER, CONTRACT_FULL),
    ("meets", CONTRACT_FULL, _TOP_SHARE),
)


def schools_a_dot(shares: Sequence[float]) -> int:
    """Return how many schools one dot stands for: 1 unless they would not fit above each other."""
    return _each(_bins(shares))


def contract_dots(shares: Sequence[float], typical: float | None, label: str) -> Markup:
    """Return a dot for each school along 0 to 110 % of its contract, pale bands, and a line at the middle school.

    Args:
        shares: Typical download against the contract, by school.
        typical: Of the middle school; None draws no line.
        label: The finding.
    """
    parts = [
        tag("rect", class_=f"c-pale m-{mark}", x=_x_of(low), y=4, width=_x_of(high) - _x_of(low), height=HEIGHT - 8)
        for mark, low, high in _BANDS
    ]
    bins = _bins(shares)
    each = _each(bins)
    points: dict[str, list[tuple[float, float]]] = {}
    for at, found in sorted(bins.items()):
        for place in range(math.ceil(len(found) / each)):
            # From the middle line to both sides by turns.
            offset = (place + 1) // 2 * _BIN * (1 if place % 2 else -1)
            point = (at * _BIN + _BIN / 2, HEIGHT / 2 + offset)
            points.setdefault(_mark(found[min(place * each, len(found) - 1)]), []).append(point)
    parts += [dots(points[mark], f"c-school s-{mark}") for mark, _low, _high in _BANDS if mark in points]
    if typical is not None:
        parts.append(tag("path", class_="c-target", d=f"M{num(_x_of(typical))} 1V{HEIGHT - 1}"))
    return picture(WIDTH, HEIGHT, label, "dots", *parts)


def delay_dumbbell(idle_ms: float | None, loaded_ms: float, goal_ms: float | None, label: str) -> Markup:
    """Return a ring where answers come while the line is idle and a dot where they come under load.

    Args:
        idle_ms: Of the middle school; None draws no ring.
        loaded_ms: The same under load.
        goal_ms: Where the line stands; None: nothing is asked for.
        label: The finding.
    """
    middle = HEIGHT / 2
    parts = [tag("path", class_="c-grid", d="".join(f"M{num(_x_of_ms(ms))} 3V{HEIGHT - 3}" for ms in DELAY_TICKS_MS))]
    mark = "ink"
    if goal_ms is not None:
        parts.append(tag("path", class_="c-target", d=f"M{num(_x_of_ms(goal_ms))} 1V{HEIGHT - 1}"))
        mark = "meets" if loaded_ms <= goal_ms else "below"
    x = _x_of_ms(loaded_ms)
    if idle_ms is not None:
        parts.append(
            tag("path", class_="c-axis", stroke_width=3, d=f"M{num(_x_of_ms(idle_ms))} {num(middle)}H{num(x)}")
        )
        parts.append(tag("circle", class_="c-aside", stroke_width=2, cx=_x_of_ms(idle_ms), cy=middle, r=4.5))
    parts.append(tag("circle", class_=f"m-{mark}", cx=x, cy=middle, r=5.5))
    return picture(WIDTH, HEIGHT, label, "dots", *parts)


def _x_of_ms(ms: float) -> float:
    """Return where a delay stands on the logarithmic axis; what is off it stands at its end."""
    low, high = (math.log(end) for end in DELAY_AXIS_MS)
    inside = min(max(math.log(max(ms, 1.0)), low), high)
    return 6 + (inside - low) / (high - low) * (WIDTH - 12)


def _x_of(share: float) -> float:
    return min(share, _TOP_SHARE) / _TOP_SHARE * WIDTH


def _bins(shares: Sequence[float]) -> dict[int, list[float]]:
    last, scale = int(WIDTH / _BIN) - 1, WIDTH / _TOP_SHARE / _BIN
    found: dict[int, list[float]] = {}
    for share in sorted(shares):
        at = int(share * scale)
        found.setdefault(at if at < last else last, []).append(share)
    return found


def _each(bins: dict[int, list[float]]) -> int:
    fullest = max(map(len, bins.values()), default=0)
    return max(1, math.ceil(fullest / _STACK))


def _mark(share: float) -> str:
    return "below" if share < CONTRACT_UNDER else "border" if share < CONTRACT_FULL else "meets"
