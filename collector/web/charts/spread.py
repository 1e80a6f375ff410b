"""How tests spread: a bar for each step of speed with its count above it, the target and the contract as lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from collector.web.charts.svg import num, picture, tag
from collector.web.language import present
from collector.web.language.i18n import say

WIDE: Final = 380.0
NARROW: Final = 336.0
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 236.0, 44.0, 26.0, 4.0, 6.0
_LABEL_GAP: Final = 44.0


@dataclass(frozen=True)
class Step:
    """One step of speed."""

    least_bps: int
    under_bps: int
    tests: int
    below: int  # of those, how many are under the target


def draw(steps: Sequence[Step], target_bps: int | None, contract_bps: int | None, label: str, width: float) -> Markup:
    """Return the picture.

    Args:
        steps: From 0 up without gaps, at least one with a test.
        target_bps: A solid line; a step that it divides has its bar in two parts.
        contract_bps: A dashed line, where it lies within the axis.
        label: The finding.
        width: Of the picture, so that its texts are not scaled down on a phone.
    """
    end_bps = steps[-1].under_bps
    if contract_bps and end_bps < contract_bps <= 1.5 * end_bps:
        end_bps = math.ceil(contract_bps * 1.02)
    base, wide = _HEIGHT - _BOTTOM, width - _LEFT - _RIGHT
    scale, tall = wide / end_bps, (base - _TOP) / max(step.tests for step in steps)
    parts: list[Markup] = []
    for step in steps:
        parts += _bar(step, _LEFT + step.least_bps * scale, (step.under_bps - step.least_bps) * scale, base, tall)
    parts.append(tag("path", class_="c-axis", d=f"M{num(_LEFT)} {num(base)}H{num(width - _RIGHT)}"))
    parts += _axis(steps, end_bps, scale, base, width)
    if contract_bps and contract_bps <= end_bps:
        words = say("Contract %(speed)s", speed=present.target_mbps(contract_bps))
        parts += _mark(_LEFT + contract_bps * scale, words, "c-contract", "c-text", base, width, 28)
    if target_bps:
        words = say("Target %(speed)s", speed=present.target_mbps(target_bps))
        parts += _mark(_LEFT + target_bps * scale, words, "c-target", "c-strong", base, width, 12)
    return picture(width, _HEIGHT, label, "history narrow", *parts)


def _bar(step: Step, x: float, width: float, base: float, tall: float) -> list[Markup]:
    """Return the bar: what is under the target stands on the ground, what reaches it above."""
    if not step.tests:
        return []
    parts, top = [], base
    box = {"x": x + 1, "width": max(width - 2, 1)}
    for count, class_ in ((step.below, "m-below"), (step.tests - step.below, "c-reach")):
        if count:
            top -= count * tall
            parts.append(tag("rect", class_=f"c-stack {class_}", y=top, height=count * tall, **box))
    shown = tag("text", present.number(step.tests), class_="c-text c-halo", x=x + width / 2, y=top - 5)
    return [*parts, tag("g", shown, text_anchor="middle")]


def _axis(steps: Sequence[Step], end_bps: int, scale: float, base: float, width: float) -> list[Markup]:
    step_bps = steps[0].under_bps
    every = next(many for many in (1, 2, 4, 5, 10, 20) if many * step_bps * scale >= _LABEL_GAP or many == 20)
    parts, at = [], 0
    unit = tag("text", "Mbit/s", class_="c-text", x=width - _RIGHT, y=base + 18, text_anchor="end")
    while at <= end_bps and _LEFT + at * scale < width - 80:
        anchor = "middle" if at else "start"
        shown = present.plain(at / 1e6)
        parts.append(tag("text", shown, class_="c-text", x=_LEFT + at * scale, y=base + 18, text_anchor=anchor))
        at += every * step_bps
    return [*parts, unit]


def _mark(x: float, words: str, line: str, text: str, base: float, width: float, y: float) -> list[Markup]:
    is_right = x > width * 0.62
    place, anchor = (x - 5, "end") if is_right else (x + 5, "start")
    return [
        tag("path", class_=line, d=f"M{num(x)} {num(y - 8)}V{num(base)}"),
        tag("text", words, class_=f"{text} c-halo", x=place, y=y, text_anchor=anchor),
    ]
