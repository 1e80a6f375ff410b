"""Pictures that compare: the schools of a provider along their contracts."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from collector.store.queries.pages.schools import CONTRACT_FULL, CONTRACT_UNDER
from collector.web.charts.svg import dots, num, picture, tag

WIDTH, HEIGHT = 220, 36
_TOP_SHARE = 1.1  # the end of the axis; who gets more stands there
_BIN, _STACK = 5.0, 6  # pixels along the axis and dots above each other that fit
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
